"""What the lines of a run's journal come to: finished blocks, patch values, nuclei that count."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable
from napari_glioma_density.results.journal import JournalEntry
from napari_glioma_density.slides import TISSUE_PX


class FinishedWork:
    """A run as far as its journal tells; whoever shares it between threads guards it.

    Attributes
    ----------
    blocks
        Those on disk, with their lines.
    patches
        What is known of every patch.
    done
        Patches of these blocks: bool, (lattice rows, lattice columns).
    gone
        Nuclei of blocks that were taken back, by number: they lie in the file and do not count.
    unread
        Px that could not be read of patches that were read in part, by row and column.
    """

    def __init__(
        self, lattice: Lattice, tissue: NDArray[np.uint8], entries: Iterable[JournalEntry]
    ) -> None:
        self._has_tissue = patches_with_tissue(tissue)
        self.blocks: dict[Block, JournalEntry] = {}
        self.gone: list[slice] = []
        self.unread: dict[tuple[int, int], str] = {}
        self.patches = PatchTable.pending(lattice)
        self.patches.state[~self._has_tissue] = PatchState.BACKGROUND
        self.done = np.zeros(self.patches.state.shape, bool)
        for entry in entries:
            self.take_in(entry)

    def take_in(self, entry: JournalEntry) -> None:
        """Follow a line of the journal."""
        entry.write_into(self.patches)
        self.done[entry.block.patches] = not entry.is_taken_back
        before = self.blocks.pop(entry.block, None)
        if before is not None:
            self.gone.append(before.of_nuclei)
            for patch in before.unread:
                del self.unread[patch]
        self.unread.update(entry.unread)
        if not entry.is_taken_back:
            self.blocks[entry.block] = entry

    def untouched(self, block: Block) -> NDArray[np.uint8]:
        """Return the states of a block's patches before anything of it was read."""
        tissue = self._has_tissue[block.patches]
        return np.where(tissue, PatchState.PENDING, PatchState.BACKGROUND).astype(np.uint8)


def patches_with_tissue(tissue: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell which patches may hold tissue, by the map of 16×16 px: bool, (rows, columns)."""
    side = PATCH_PX // TISSUE_PX
    rows, columns = (np.arange(0, length, side) for length in tissue.shape)
    most = np.maximum.reduceat(np.maximum.reduceat(tissue, rows, axis=0), columns, axis=1)
    return np.greater(most, 0)
