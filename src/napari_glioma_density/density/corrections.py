"""Values that a person corrected, side by side with those of the model."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.bands import PAPER_BANDS, BandScale
from napari_glioma_density.density.grid import Cell, CellGrid, measure_cells, sum_cells
from napari_glioma_density.density.lattice import Block
from napari_glioma_density.density.patches import PatchTable


@dataclass(frozen=True)
class CorrectedPatches:
    """Patches of a slide of which a person corrected some.

    Attributes
    ----------
    patches
        With the corrected values in place of the model's.
    corrected
        Which patches these are: bool, shape (rows, columns).
    model
        As the model has it.
    fields
        The fields that corrected a patch or more.
    reader
        Whose corrections these are.
    """

    patches: PatchTable
    corrected: NDArray[np.bool_]
    model: PatchTable
    fields: tuple[Block, ...]
    reader: str = "first"

    def fields_in(self, scope: NDArray[np.bool_] | None) -> int:
        """Count the fields that corrected a patch of a scope, bool (rows, columns), or of all."""
        inside = self.corrected if scope is None else self.corrected & scope
        return sum(bool(inside[block.patches].any()) for block in self.fields)


@dataclass(frozen=True)
class CorrectedCell:
    """A cell with its corrected values, the model's, and how many of its patches differ."""

    cell: Cell
    model: Cell
    corrected_patches: int


def measure_corrected_cells(
    patches: CorrectedPatches,
    grid: CellGrid,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
) -> tuple[CorrectedCell, ...]:
    """Measure cells twice, as `measure_cells` does: as corrected and as the model has them."""
    asked = patches.corrected if scope is None else patches.corrected & scope
    counts = sum_cells(asked, grid)
    pairs = zip(
        measure_cells(patches.patches, grid, scope, scale),
        measure_cells(patches.model, grid, scope, scale),
        strict=True,
    )
    return tuple(
        CorrectedCell(cell, model, int(counts[cell.row, cell.column])) for cell, model in pairs
    )
