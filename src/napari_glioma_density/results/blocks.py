"""What was found in a block, and what of it is recorded once its mask is on disk."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice
from napari_glioma_density.results.chunks import Window
from napari_glioma_density.results.journal import PATCH_VALUES
from napari_glioma_density.results.masks import MaskPyramid, coarsen
from napari_glioma_density.results.unread import PackedMaps, packed


@dataclass(frozen=True)
class BlockResult:
    """What was found in one block.

    Attributes
    ----------
    block
        The patches.
    mask
        uint8, 1 where there is nucleus; the block's px, cropped at the slide's edge.
    state, nucleus_px, read_px, tissue_px, unread_px, count
        As in `PatchTable`, of shape (block rows, block columns).
    nuclei
        Structured array with the fields of `NUCLEUS_DTYPE`.
    unread
        bool, which of the mask's px are among those of `unread_px`; None where none is.
    """

    block: Block
    mask: NDArray[np.uint8]
    nucleus_px: NDArray[np.int64]
    read_px: NDArray[np.int64]
    tissue_px: NDArray[np.int64]
    unread_px: NDArray[np.int64]
    count: NDArray[np.int64]
    state: NDArray[np.uint8]
    nuclei: NDArray[np.void]
    unread: NDArray[np.bool_] | None = None

    def values(self) -> dict[str, NDArray[np.int64]]:
        """Return the patch values by name; ValueError when a shape is not the block's."""
        shape = self.block.rows, self.block.columns
        values = {name: np.asarray(getattr(self, name), np.int64) for name in PATCH_VALUES}
        for name, array in values.items():
            if array.shape != shape:
                raise ValueError(f"{name} of {self.block} has shape {array.shape}, not {shape}")
        return values

    def window(self, lattice: Lattice) -> Window:
        """Its px on the working plane; ValueError when the mask does not fill it."""
        window = lattice.window(self.block)
        shape = tuple(part.stop - part.start for part in window)
        if self.mask.shape != shape:
            raise ValueError(f"mask of {self.block} has shape {self.mask.shape}, not {shape}")
        return window

    def unread_maps(self) -> PackedMaps:
        """Return which px could not be read of the patches that were read in part."""
        if self.unread is None:
            return {}
        maps = {}
        for row, column in np.argwhere((self.unread_px > 0) & (self.read_px > 0)).tolist():
            y, x = row * PATCH_PX, column * PATCH_PX
            patch = self.unread[y : y + PATCH_PX, x : x + PATCH_PX]
            maps[self.block.row + row, self.block.column + column] = packed(patch)
        return maps


@dataclass(frozen=True)
class BlockRecord:
    """A block whose mask is on disk, and all else there is to keep of it.

    Attributes
    ----------
    block
        The patches.
    values
        Patch values by name, as in `PatchTable`.
    nuclei
        As in `BlockResult`.
    coarse
        What the coarse levels of the mask show of it, as `coarsen` gives it.
    unread
        Px that could not be read of patches that were read in part.
    """

    block: Block
    values: dict[str, NDArray[np.int64]]
    nuclei: NDArray[np.void]
    coarse: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    unread: PackedMaps

    @classmethod
    def written(cls, result: BlockResult, lattice: Lattice, masks: MaskPyramid) -> Self:
        """Bring a block's mask to disk and return the rest."""
        values, window = result.values(), result.window(lattice)
        masks.write(window, result.mask)
        coarse, unread = coarsen(result.mask), result.unread_maps()
        return cls(result.block, values, result.nuclei, coarse, unread)
