"""The main job on one slide, and each of its stages alone."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, PatchState, partition
from napari_glioma_density.estimate.crew import crew_for
from napari_glioma_density.estimate.estimation import Estimation, prepare
from napari_glioma_density.estimate.measurement import (
    Ground,
    block_window,
    measure_block,
    patch_sums,
    segmented_part,
    unseen_rim_px,
)
from napari_glioma_density.estimate.order import NearestFirst
from napari_glioma_density.nuclei.block_queue import Answer, block_queue
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.tensor_colours import as_input
from napari_glioma_density.slides import Pixels, working_plane

from .pairs import Stopwatch
from .samples import Sample

PRECISION_BLOCKS = 4
Window = tuple[int, int, int, int]
"""(y, x, height, width) in working px."""


class Runs:
    """Ways to go through one slide; each measures itself and returns seconds a patch.

    Parameters
    ----------
    sample
        The slide.
    segmenter
        The model, on its device.
    folder
        Where results go.
    """

    def __init__(self, sample: Sample, segmenter: NetworkSegmenter, folder: Path) -> None:
        self.sample = sample
        self._folder = folder
        self._unfitted = segmenter
        job = self._estimated()
        self.run, self.um_per_px = job.run, job.plane.um_per_px
        fitted = segmenter.fitted(job.run.spec.colour_statistics)
        self._rim_px = unseen_rim_px(segmenter.spec.halo_px)
        self.segmenter = fitted.sparing(self._rim_px)
        self._queue = block_queue(fitted, self._rim_px)
        self._ground = Ground(job.run.lattice, job.run.tissue)
        self._read_patches = job.run.patches().state == PatchState.READ
        read_px = job.run.patches().read_px[self._read_patches].sum()
        self.patches = float(read_px) / PATCH_PX**2
        self._blocks = self._in_order()
        self._pixels = [job.plane.read(*window) for window in self.block_windows()]
        self._shown = list(map(self._shown_of, self._blocks, self._pixels))
        self._masks = [self.segmenter.segment(pixels.rgb[None])[0] for pixels in self._pixels]
        job.slide.close()

    @property
    def stages(self) -> dict[str, Callable[[], float]]:
        """The whole job and its stages by name."""
        return {
            "whole": self.whole,
            "decode": self.decode,
            "network": self.network,
            "colours": self.colours,
            "results": self.results,
        }

    def whole(self) -> float:
        """From the opened slide to the finished run: tissue, colours, blocks, nucleus table."""
        watch = Stopwatch()
        with watch.running():
            self._estimated().slide.close()
        return watch.seconds / self.patches

    def decode(self) -> float:
        """The blocks read in the job's order by as many threads as the job has."""
        watch = Stopwatch()
        threads = crew_for(self.segmenter.device).readers
        with self.sample.open() as slide, ThreadPoolExecutor(threads) as readers:
            plane = working_plane(slide, self.segmenter.spec.um_per_px)
            with watch.running():
                for reading in [readers.submit(plane.read, *w) for w in self.block_windows()]:
                    reading.result()
        return watch.seconds / self.patches

    def network(self) -> float:
        """Masks of the same blocks in the same precision, their pixels in memory.

        Several blocks are under way, as in the job.
        """
        watch = Stopwatch()
        under_way = max(crew_for(self.segmenter.device).unwritten, self._queue.at_once)
        with watch.running():
            answers: deque[Answer] = deque()
            for rgb in self._shown:
                answers.append(self._queue.begin(self._queue.uploaded(rgb)))
                if len(answers) > under_way:
                    answers.popleft()()
            for answer in answers:
                answer()
        return watch.seconds / self.patches

    def colours(self) -> float:
        """The part of :meth:`network` that turns RGB into what the network is fed."""
        watch, statistics = Stopwatch(), self.run.spec.colour_statistics
        with watch.running():
            for rgb in self._shown:
                as_input(rgb[None], self.segmenter.spec.input, statistics)
        return watch.seconds / self.patches

    def results(self) -> float:
        """Nuclei told apart, patches summed, mask and journal brought to disk."""
        watch, halo = Stopwatch(), self.segmenter.spec.halo_px
        with self.sample.open() as slide:
            job = prepare(slide, self._unfitted, self._folder, restart=True)
            with watch.running():
                for block, pixels, mask in self._measured():
                    found = measure_block(block, pixels.read, mask, self._ground, halo)
                    job.run.commit(found)
                job.run.finish()
            job.close()
        return watch.seconds / self.patches

    def precision_error(self) -> float:
        """Largest difference of a patch's density from that in fp32, points, over some blocks."""
        exact = self.segmenter.on(self.segmenter.device, "fp32").sparing(self._rim_px)
        return max(
            float(np.abs(self._density(block, mask) - self._density(block, fp32)).max())
            for block, pixels, mask in list(self._measured())[:PRECISION_BLOCKS]
            for fp32 in exact.segment(pixels.rgb[None])
        )

    def _density(self, block: Block, mask: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Nucleus px over all px of each patch of a block and its halo, %."""
        halo, lattice = self.segmenter.spec.halo_px, self.run.lattice
        height, width = (part.stop - part.start for part in lattice.window(block))
        core = mask[halo : halo + height, halo : halo + width] > 0
        return 100 * patch_sums(core, block) / PATCH_PX**2

    def _shown_of(self, block: Block, pixels: Pixels) -> NDArray[np.uint8]:
        """Colours of what the job has the network see of a block."""
        part = segmented_part(block, self._ground, self.segmenter.spec.halo_px, self._queue.step_px)
        return np.ascontiguousarray(pixels.rgb[part])

    def _measured(self) -> Iterator[tuple[Block, Pixels, NDArray[np.uint8]]]:
        return zip(self._blocks, self._pixels, self._masks, strict=True)

    def patch_windows(self) -> list[Window]:
        """Patches that were read and lie whole on the slide, row by row."""
        whole = self.run.lattice.patch_px() == PATCH_PX**2
        places = np.argwhere(self._read_patches & whole).tolist()
        return [(row * PATCH_PX, column * PATCH_PX, PATCH_PX, PATCH_PX) for row, column in places]

    def block_windows(self) -> list[Window]:
        """Blocks with their halo, in the job's order."""
        halo, lattice = self.segmenter.spec.halo_px, self.run.lattice
        return [block_window(block, lattice, halo) for block in self._blocks]

    def _estimated(self) -> Estimation:
        job = prepare(self.sample.open(), self._unfitted, self._folder, restart=True)
        for _ in job.blocks():
            pass
        job.close()
        return job

    def _in_order(self) -> list[Block]:
        spec, background = self.run.spec, self._ground.bare
        blocks = partition(self.run.lattice, spec.block_patches, spec.split)
        queue = NearestFirst((b for b in blocks if not background[b.patches].all()), None)
        return [queue.take() for _ in range(len(queue))]
