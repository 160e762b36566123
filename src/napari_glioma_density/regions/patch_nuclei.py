"""Nuclei by the patch that counts them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, patch_numbers
from napari_glioma_density.regions.raster import Outline


@dataclass(frozen=True)
class PatchNuclei:
    """The pixels that hold the centres of nuclei, by patch.

    Attributes
    ----------
    lattice
        The patches.
    patch
        Number, row by row, of the patch that counts each nucleus: int64, (n,).
    order
        Places in the table of nuclei, by patch: int64, (n,).
    begins
        Where in `order` each patch begins, row by row, and the end: int64, (patches + 1,).
    y, x
        The pixel of each nucleus, in working px, in the order of the table: int64, (n,).
    """

    lattice: Lattice
    patch: NDArray[np.int64]
    order: NDArray[np.int64]
    begins: NDArray[np.int64]
    y: NDArray[np.int64]
    x: NDArray[np.int64]

    @classmethod
    def of(cls, nuclei: NDArray[np.void], lattice: Lattice) -> Self:
        """Sort nuclei (`NUCLEUS_DTYPE`, working px) by patch."""
        y, x = (nuclei[name].astype(np.int64) for name in ("y_px", "x_px"))
        patch = patch_numbers(nuclei, lattice.columns)
        order = np.argsort(patch, kind="stable")
        begins = np.searchsorted(patch[order], np.arange(lattice.rows * lattice.columns + 1))
        return cls(lattice, patch, order, begins, y, x)

    def of_patch(self, row: int, column: int) -> NDArray[np.int64]:
        """Return the places in the table of the nuclei that a patch counts."""
        number = row * self.lattice.columns + column
        return self.order[self.begins[number] : self.begins[number + 1]]

    def of_block(self, block: Block) -> NDArray[np.int64]:
        """Return the places in the table of the nuclei that a block's patches count."""
        first = (block.row + np.arange(block.rows)) * self.lattice.columns + block.column
        ends = zip(self.begins[first], self.begins[first + block.columns], strict=True)
        return np.concatenate([self.order[begin:end] for begin, end in ends])

    def pixels_of_patch(self, row: int, column: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return row and column, within a patch, of the pixels that hold its nuclei's centres."""
        there = self.of_patch(row, column)
        return self.y[there] - row * PATCH_PX, self.x[there] - column * PATCH_PX

    def inside(self, outlines: Iterable[Outline]) -> NDArray[np.bool_]:
        """Tell which nuclei lie in any of some outlines: bool, (n,), in the order of the table."""
        whole = np.zeros((self.lattice.rows, self.lattice.columns), bool)
        inside = np.zeros(self.patch.size, bool)
        for outline in outlines:
            met = outline.patches_met(self.lattice)
            whole[met.block.patches] |= met.inside
            for row, column, covered in outline.crossed_patches(met, self.lattice):
                y, x = self.pixels_of_patch(row, column)
                inside[self.of_patch(row, column)] |= covered[y, x]
        return inside | whole.ravel()[self.patch]
