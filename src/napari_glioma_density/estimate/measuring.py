"""Where the blocks of a run are measured: in this process, or in others if a GPU outpaces it."""

import logging
import tempfile
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block
from napari_glioma_density.estimate.measurement import Ground, measure_block
from napari_glioma_density.estimate.processes import Processes, Sent, let_go, send, take
from napari_glioma_density.results import BlockRecord, Run
from napari_glioma_density.results.failures import BLOCKS_ARE_KEPT, explained
from napari_glioma_density.results.layout import MASKS
from napari_glioma_density.results.masks import MaskPyramid

logger = logging.getLogger(__name__)

_room: "_Room | None" = None
"""A process's own."""


class Measuring(Protocol):
    """Measures blocks and brings their masks to disk; any number of threads may ask at once."""

    def measured(
        self, block: Block, read: NDArray[np.bool_], mask: NDArray[np.uint8]
    ) -> BlockRecord:
        """What there is to record of a block, once its mask is on disk.

        Parameters
        ----------
        block
            The patches.
        read, mask
            Which px of the block and its halo were read, and nuclei 0/1, as `measure_block`
            takes them.

        Raises
        ------
        StoreError
            When the disk refuses.
        """
        ...

    def close(self) -> None:
        """Be done with the run."""
        ...


@dataclass(frozen=True)
class MeasuredHere:
    """Measures in the thread that asks."""

    run: Run
    ground: Ground

    def measured(
        self, block: Block, read: NDArray[np.bool_], mask: NDArray[np.uint8]
    ) -> BlockRecord:
        """See :class:`Measuring`."""
        found = measure_block(block, read, mask, self.ground, self.run.spec.halo_px)
        return self.run.write_mask(found)

    def close(self) -> None:
        """There is nothing to close."""


class MeasuredElsewhere:
    """Measures in processes; here as long as none of them is ready.

    Parameters
    ----------
    run, ground
        The run, open for writing, and its slide's tissue, which the processes map into memory.
    processes
        How many.
    """

    def __init__(self, run: Run, ground: Ground, processes: int) -> None:
        self._here = MeasuredHere(run, ground)
        self._folder = tempfile.TemporaryDirectory(prefix="glioma-density-tissue-")
        tissue = Path(self._folder.name) / "kinds.npy"
        np.save(tissue, ground.kinds, allow_pickle=False)
        room = run.folder, run.spec.halo_px, Ground(ground.lattice, ground.kinds[:0]), tissue
        self._processes = Processes(processes, __name__, _enter, *room)

    def measured(
        self, block: Block, read: NDArray[np.bool_], mask: NDArray[np.uint8]
    ) -> BlockRecord:
        """See :class:`Measuring`."""
        if not self._processes.is_ready:
            return self._here.measured(block, read, mask)
        self._here.run.announce(block)
        sent = send(mask, None if read.all() else read)
        try:
            record: BlockRecord = self._processes.submit(_measured, block, sent).result()
        except (BrokenProcessPool, OSError) as error:
            let_go(sent)  # by killing one the system may have asked for memory
            logger.warning("%s is measured here: %s", block, error)
            return self._here.measured(block, read, mask)
        return record

    def close(self) -> None:
        """End the processes."""
        self._processes.close()
        self._folder.cleanup()


@dataclass(frozen=True)
class _Room:
    """What a process knows of the run."""

    folder: Path
    halo_px: int
    ground: Ground
    masks: MaskPyramid

    @classmethod
    def of(cls, folder: Path, halo_px: int, ground: Ground, tissue: Path) -> Self:
        mapped = Ground(ground.lattice, np.load(tissue, mmap_mode="r"))
        return cls(folder, halo_px, mapped, MaskPyramid(folder / MASKS, writable=True))


def _enter(folder: Path, halo_px: int, ground: Ground, tissue: Path) -> None:
    global _room
    _room = _Room.of(folder, halo_px, ground, tissue)


def _measured(block: Block, sent: Sent) -> BlockRecord:
    assert _room is not None  # noqa: S101
    mask, read = take(sent)
    assert mask is not None  # noqa: S101
    seen = np.ones(mask.shape, bool) if read is None else read
    found = measure_block(block, seen, mask, _room.ground, _room.halo_px)
    with explained(_room.folder, BLOCKS_ARE_KEPT):
        return BlockRecord.written(found, _room.ground.lattice, _room.masks)
