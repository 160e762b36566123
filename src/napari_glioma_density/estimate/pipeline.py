"""How blocks flow: read ahead, through the network, measured and recorded behind it."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block
from napari_glioma_density.estimate.crew import Crew, crew_for
from napari_glioma_density.estimate.measurement import Ground, block_window, unseen_rim_px
from napari_glioma_density.estimate.measuring import MeasuredElsewhere, MeasuredHere, Measuring
from napari_glioma_density.estimate.order import NearestFirst
from napari_glioma_density.estimate.progress import StageSeconds
from napari_glioma_density.nuclei.block_queue import Answer, BlockQueue, block_queue
from napari_glioma_density.nuclei.segmenter import Segmenter
from napari_glioma_density.results import BlockRecord, Run
from napari_glioma_density.slides import Pixels, WorkingPlane

_LOOK_AGAIN_S = 0.03
"""Whether the view rests is looked at as often as this."""


class _Seen(NamedTuple):
    """A block that was read, and what of it was brought to where it is computed."""

    pixels: Pixels
    uploaded: Any
    """None where nothing could be read."""


class _Reading:
    """The blocks that are being read: those that come next, wherever the view has moved."""

    def __init__(self, queue: NearestFirst, read: Callable[[Block], Future[_Seen]]) -> None:
        self._queue, self._read = queue, read
        self._begun: dict[Block, Future[_Seen]] = {}

    def begin(self, blocks: int) -> None:
        """Have the next so many under way; what was begun of others is let go."""
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
        spec = self.run.spec
        placed = self.segmenter.on(spec.device, spec.precision)
        crew = crew_for(spec.device)
        with (
            contextlib.closing(block_queue(placed, unseen_rim_px(spec.halo_px))) as masks,
            contextlib.closing(self._measuring(crew, len(queue))) as measuring,
            ThreadPoolExecutor(crew.readers, "read") as readers,
            ThreadPoolExecutor(crew.measurers, "measure") as measurers,
            ThreadPoolExecutor(1, "record") as recorder,
        ):
            reading = _Reading(queue, lambda block: readers.submit(self._read, block, masks))
            writing: deque[tuple[Block, Future[None]]] = deque()
            most = max(crew.unwritten, masks.at_once)
            # Whoever waits for a block gets it before others are begun, read or written.
            is_alone = queue.is_watched
            reading.begin(1 if is_alone else crew.ahead)
            while queue and not self._halted(halted, masks):
                if queue.is_held:
                    yield from _all_written(writing)
                    time.sleep(_LOOK_AGAIN_S)
                    is_alone = True
                    continue
                block, seen = reading.take()
                answer = self._begun(masks, seen, is_alone=is_alone)
                reading.begin(crew.ahead)
                measured = measurers.submit(
                    self._measure, measuring, block, seen.pixels.read, answer
                )
                writing.append((block, recorder.submit(self._record, measured)))
                unwritten, is_alone = (0 if is_alone else most), False
                while len(writing) > unwritten or (writing and writing[0][1].done()):
                    yield _written(writing.popleft())
            yield from _all_written(writing)

    @staticmethod
    def _halted(halted: Callable[[], bool], masks: BlockQueue) -> bool:
        """Whether there was a halt before the network had room for another block."""
        masks.wait()
        return halted()

    def _read(self, block: Block, masks: BlockQueue) -> _Seen:
        window = block_window(block, self.run.lattice, self.run.spec.halo_px)
        with self.seconds.spent("read"):
            pixels = self.plane.read(*window)
            return _Seen(pixels, masks.uploaded(pixels.rgb) if pixels.read.any() else None)

    def _begun(self, masks: BlockQueue, seen: _Seen, *, is_alone: bool) -> Answer:
        if seen.uploaded is None:
            return lambda: np.zeros(seen.pixels.read.shape, np.uint8)
        with self.seconds.spent("infer"):
            return masks.begin(seen.uploaded, is_alone=is_alone)

    def _measuring(self, crew: Crew, blocks: int) -> Measuring:
        processes = crew.processes_for(blocks)
        if not processes:
            return MeasuredHere(self.run, self.ground)
        return MeasuredElsewhere(self.run, self.ground, processes)

    def _measure(
        self, measuring: Measuring, block: Block, read: NDArray[np.bool_], answer: Answer
    ) -> BlockRecord:
        with self.seconds.spent("infer"):
            mask = answer()
        with self.seconds.spent("write"):
            return measuring.measured(block, read, mask)

    def _record(self, measured: "Future[BlockRecord]") -> None:
        record = measured.result()
        with self.seconds.spent("write"):
            self.run.record(record)


def _all_written(writing: deque[tuple[Block, "Future[None]"]]) -> Iterator[Block]:
    while writing:
        yield _written(writing.popleft())


def _written(written: tuple[Block, "Future[None]"]) -> Block:
    block, future = written
    future.result()
    return block
