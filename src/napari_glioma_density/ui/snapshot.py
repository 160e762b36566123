"""What the screen shows of a run at one moment, computed away from the window's thread."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    PAPER_BANDS,
    BandScale,
    Cell,
    CellGrid,
    PatchTable,
    Totals,
    cell_grid,
    measure_cells,
    rank_hotspots,
    slide_quantile_bands,
)

ENOUGH_TISSUE = 0.5
"""Share of tissue below which a patch is drawn hatched and a cell is no hotspot."""


class Bands(StrEnum):
    """The band scales a person may choose from, in the words of the screen."""

    PAPER = "Six bands of the paper"
    SLIDE = "This slide (equal shares)"
    SAFE = "Colour-blind safe"


@dataclass(frozen=True)
class Choices:
    """How results are summed up: band scale, and cell side in mm (None: chosen by slide size)."""

    bands: Bands = Bands.PAPER
    cell_mm: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """Patches and all that is derived from them; `scope` limits what is summed."""

    patches: PatchTable
    scope: NDArray[np.bool_] | None
    scale: BandScale
    grid: CellGrid
    cells: tuple[Cell, ...]
    hotspots: tuple[Cell, ...]
    totals: Totals

    def cell(self, row: int, column: int) -> Cell | None:
        """Return what was measured in a cell, or None when nothing of it was read yet."""
        return next((c for c in self.cells if (c.row, c.column) == (row, column)), None)


def take_snapshot(
    patches: PatchTable, choices: Choices, scope: NDArray[np.bool_] | None = None
) -> Snapshot:
    """Sum up `patches` as chosen; `scope` is bool, (lattice rows, lattice columns)."""
    scale = band_scale(patches, choices.bands)
    grid = cell_grid(patches.lattice, choices.cell_mm)
    cells = measure_cells(patches, grid, scope, scale)
    return Snapshot(
        patches=patches,
        scope=scope,
        scale=scale,
        grid=grid,
        cells=cells,
        hotspots=rank_hotspots(cells, min_tissue_share=ENOUGH_TISSUE),
        totals=patches.totals(scope, scale),
    )


def band_scale(patches: PatchTable, bands: Bands) -> BandScale:
    """Return the limits and colours of a choice; "this slide" looks at patches with tissue."""
    if bands is Bands.PAPER:
        return PAPER_BANDS
    if bands is Bands.SAFE:
        return COLOUR_BLIND_BANDS
    return slide_quantile_bands(patches.density_percent()[has_enough_tissue(patches)])


def has_enough_tissue(patches: PatchTable) -> NDArray[np.bool_]:
    """Tell which patches are at least half tissue: bool, (rows, columns)."""
    return patches.tissue_px >= ENOUGH_TISSUE * np.maximum(patches.read_px, 1)
