"""How blocks flow: read ahead, through the network, measured and recorded behind it."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block
from napari_glioma_density.estimate.crew import Crew, crew_for
from napari_glioma_density.estimate.measurement import (
    Ground,
    block_window,
    segmented_part,
    unseen_rim_px,
)
from napari_glioma_density.estimate.measuring import MeasuredElsewhere, MeasuredHere, Measuring
from napari_glioma_density.estimate.order import NearestFirst
from napari_glioma_density.estimate.progress import StageSeconds
from napari_glioma_density.nuclei.block_queue import Answer, BlockQueue, block_queue
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.results import BlockRecord, Run
from napari_glioma_density.slides import Pixels, WorkingPlane

_LOOK_AGAIN_S = 0.03
"""Whether the view rests is looked at as often as this."""


class _Seen(NamedTuple):
    """A block that was read, and what of it was brought to where it is computed."""

    pixels: Pixels
    part: tuple[slice, slice]
    """Rows and columns of its window that are computed: around its tissue."""
    uploaded: Any
    """None where nothing could be read."""


class _Reading:
    """The blocks that are being read: those that come next, wherever the view has moved."""

    def __init__(self, queue: NearestFirst, read: Callable[[Block], Future[_Seen]]) -> None:
        self._queue, self._read = queue, read
        self._begun: dict[Block, Future[_Seen]] = {}

    def begin(self, blocks: int) -> None:
        """Keep the next so many under way, and drop what was begun of others."""
        wanted = self._queue.first(blocks)
        for block in self._begun.keys() - wanted:
            self._begun.pop(block).cancel()
        for block in wanted:
            if block not in self._begun:
                self._begun[block] = self._read(block)

    def take(self) -> tuple[Block, _Seen]:
        """Take the next of the queue, and wait for it."""
        block = self._queue.take()
        seen = self._begun.pop(block, None) or self._read(block)
        return block, seen.result()


class _Writing:
    """The blocks behind the network, in their order."""

    def __init__(self) -> None:
        self._begun: deque[tuple[Block, Future[None]]] = deque()

    def add(self, block: Block, written: "Future[None]") -> None:
        """Have one more; it is on disk once `written` has a result."""
        self._begun.append((block, written))

    def on_disk(self, most: int) -> Iterator[Block]:
        """Yield what is on disk, and wait for the next until at most so many are left."""
        while len(self._begun) > most or (self._begun and self._begun[0][1].done()):
            block, written = self._begun.popleft()
            written.result()
            yield block


@dataclass(frozen=True)
class Pipeline:
    """The stages of a run, each in threads of its own.

    Attributes
    ----------
    run
        Open for writing.
    plane
        What is read.
    segmenter
        The model, with the run's colour statistics; it is brought to the run's device.
    ground
        The slide's tissue.
    seconds
        Where the time of each stage is added up.
    """

    run: Run
    plane: WorkingPlane
    segmenter: Segmenter
    ground: Ground
    seconds: StageSeconds

    def finished(self, queue: NearestFirst, halted: Callable[[], bool]) -> Iterator[Block]:
        """Take blocks from a queue and yield each once it is on disk.

        Raises
        ------
        StoreError, ModelError
            When the disk refuses a block, or the device's memory does not hold it.
        """
        if not queue:
            return
        with self._open(len(queue)) as stages:
            yield from _flow(queue, stages, halted)

    @contextlib.contextmanager
    def _open(self, blocks: int) -> Iterator["_Stages"]:
        spec = self.run.spec
        placed = self.segmenter.on(spec.device, spec.precision)
        crew = crew_for(placed.device)  # the run's own, where this machine has it
        with (
            contextlib.closing(block_queue(placed, unseen_rim_px(spec.halo_px))) as masks,
            contextlib.closing(self._measuring(crew, blocks)) as measuring,
            ThreadPoolExecutor(crew.readers, "read") as readers,
            ThreadPoolExecutor(crew.measurers, "measure") as measurers,
            ThreadPoolExecutor(1, "record") as recorder,
        ):
            yield _Stages(self, crew, masks, measuring, readers, measurers, recorder)

    def _measuring(self, crew: Crew, blocks: int) -> Measuring:
        processes = crew.processes_for(blocks)
        if not processes:
            return MeasuredHere(self.run, self.ground)
        return MeasuredElsewhere(self.run, self.ground, processes)


def _flow(queue: NearestFirst, stages: "_Stages", halted: Callable[[], bool]) -> Iterator[Block]:
    reading, writing = _Reading(queue, stages.read), _Writing()
    # Whoever waits for a block gets it before others are begun, read or written.
    is_alone = queue.is_watched
    reading.begin(1 if is_alone else stages.ahead)
    while queue and not stages.halted(halted):
        if queue.is_held:
            yield from writing.on_disk(0)
            time.sleep(_LOOK_AGAIN_S)
            is_alone = True
            continue
        block, seen = reading.take()
        writing.add(block, stages.written(block, seen, is_alone=is_alone))
        reading.begin(stages.ahead)
        yield from writing.on_disk(0 if is_alone else stages.unwritten)
        is_alone = False
    yield from writing.on_disk(0)


def _whole(answer: Answer, part: tuple[slice, slice], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Mask of a block's window, uint8 (h, w) of 0/1, from that of its part: none around it."""
    whole = np.zeros(shape, np.uint8)
    whole[part] = answer()
    return whole


@dataclass(frozen=True)
class _Stages:
    """The threads of a pipeline, for as long as a job lasts."""

    pipeline: Pipeline
    crew: Crew
    masks: BlockQueue
    measuring: Measuring
    readers: ThreadPoolExecutor
    measurers: ThreadPoolExecutor
    recorder: ThreadPoolExecutor

    @property
    def ahead(self) -> int:
        """Blocks read before the network asks for them."""
        return self.crew.ahead

    @property
    def unwritten(self) -> int:
        """Blocks that may be under way behind the network."""
        return max(self.crew.unwritten, self.masks.at_once)

    def halted(self, halted: Callable[[], bool]) -> bool:
        """Whether there was a halt before the network had room for another block."""
        self.masks.wait()
        return halted()

    def read(self, block: Block) -> Future[_Seen]:
        """Have a block read."""
        return self.readers.submit(self._seen, block)

    def written(self, block: Block, seen: _Seen, *, is_alone: bool) -> "Future[None]":
        """Have a block computed, measured and recorded."""
        answer = self._answer(seen, is_alone=is_alone)
        measured = self.measurers.submit(self._measured, block, seen.pixels.read, answer)
        return self.recorder.submit(self._record, measured)

    def _seen(self, block: Block) -> _Seen:
        run = self.pipeline.run
        window = block_window(block, run.lattice, run.spec.halo_px)
        part = segmented_part(block, self.pipeline.ground, run.spec.halo_px, self.masks.step_px)
        with self.pipeline.seconds.spent("read"):
            pixels = self.pipeline.plane.read(*window)
            shown = np.ascontiguousarray(pixels.rgb[part])
            uploaded = self.masks.uploaded(shown) if pixels.read[part].any() else None
        return _Seen(pixels, part, uploaded)

    def _answer(self, seen: _Seen, *, is_alone: bool) -> Answer:
        if seen.uploaded is None:
            return lambda: np.zeros(seen.pixels.read.shape, np.uint8)
        with self.pipeline.seconds.spent("infer"):
            answer = self.masks.begin(seen.uploaded, is_alone=is_alone)
        return partial(_whole, answer, seen.part, seen.pixels.read.shape)

    def _measured(self, block: Block, read: NDArray[np.bool_], answer: Answer) -> BlockRecord:
        with self.pipeline.seconds.spent("infer"):
            mask = answer()
        with self.pipeline.seconds.spent("write"):
            return self.measuring.measured(block, read, mask)

    def _record(self, measured: "Future[BlockRecord]") -> None:
        record = measured.result()
        with self.pipeline.seconds.spent("write"):
            self.pipeline.run.record(record)
