"""The numbers of a run at one moment, as the screen and every export show them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.corrected import correct_patches
from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    PAPER_BANDS,
    BandScale,
    Cell,
    CellGrid,
    Exclusions,
    Lattice,
    PatchTable,
    Totals,
    cell_grid,
    leave_out,
    measure_cells,
    rank_hotspots,
    slide_quantile_bands,
)
from napari_glioma_density.findings.sections import Section, section_grids


class Bands(StrEnum):
    """The band scales a person may choose from, in the words of the screen."""

    PAPER = "Six bands of the paper"
    SLIDE = "This slide (equal shares)"
    SAFE = "Colour-blind safe"


@dataclass(frozen=True)
class Amendments:
    """What people have found on a run's slide: corrected fields, and patches left out.

    They hold for runs on `lattice` alone. `exclusions` is None when nothing is left out.
    """

    lattice: Lattice | None = None
    fields: tuple[FieldValues, ...] = ()
    exclusions: Exclusions | None = None


@dataclass(frozen=True)
class Choices:
    """How results are summed up.

    Attributes
    ----------
    bands
        Band scale.
    cell_mm
        Cell side in mm; None: chosen by slide size.
    rank_corrected
        Whether hotspots are ranked by corrected values. Not by default: a cell must not rise
        merely because it was looked at.
    section
        The piece of tissue to look at, with a grid of its own; None for all of the slide.
    amendments
        Of the slide on show.
    """

    bands: Bands = Bands.PAPER
    cell_mm: float | None = None
    rank_corrected: bool = False
    section: Section | None = None
    amendments: Amendments = field(default_factory=Amendments, compare=False)


@dataclass(frozen=True)
class Snapshot:
    """Patches and all that is derived from them; `scope` limits what is summed.

    `asked` is the scope without regard to the section that was chosen; both are None where they
    are the whole slide. `measured` is what the model found, `model` the same without what was left
    out, `patches` with what people found in its place; `corrected` tells in which patches, `known`
    in which of them somebody has finished.
    `model_cells` and `model_totals` are without corrections. `rank_corrected` tells by which of
    both hotspots are ranked.
    """

    measured: PatchTable
    exclusions: Exclusions
    model: PatchTable
    patches: PatchTable
    corrected: NDArray[np.bool_]
    known: NDArray[np.bool_]
    asked: NDArray[np.bool_] | None
    scope: NDArray[np.bool_] | None
    scale: BandScale
    grid: CellGrid
    cells: tuple[Cell, ...]
    model_cells: tuple[Cell, ...]
    hotspots: tuple[Cell, ...]
    totals: Totals
    model_totals: Totals
    rank_corrected: bool = False

    def cell(self, row: int, column: int) -> Cell | None:
        """Return what was measured in a cell, or None when nothing of it was read yet."""
        return next((c for c in self.cells if (c.row, c.column) == (row, column)), None)

    def model_cell(self, row: int, column: int) -> Cell | None:
        """Return what the model found in a cell."""
        return next((c for c in self.model_cells if (c.row, c.column) == (row, column)), None)

    def is_corrected(self, row: int, column: int) -> bool:
        """Whether a person has corrected some of a cell."""
        return bool(self.corrected[self.grid.block(row, column).patches].any())


def take_snapshot(
    measured: PatchTable, choices: Choices, asked: NDArray[np.bool_] | None = None
) -> Snapshot:
    """Sum up what the model `measured` as chosen; `asked` is bool, (lattice rows, columns)."""
    amendments = choices.amendments
    if amendments.lattice != measured.lattice:
        amendments = Amendments()
    amended = correct_patches(measured, amendments.fields)
    exclusions = amendments.exclusions or Exclusions.none(measured.lattice)
    patches = leave_out(amended.patches, exclusions)
    model = leave_out(measured, exclusions, model=True)
    corrected = amended.corrected & patches.is_read
    scale = band_scale(patches, choices.bands)
    asked, scope = _unless_all(asked), _unless_all(_scope(asked, choices.section))
    grid = _grid(patches.lattice, choices)
    cells = model_cells = measure_cells(patches, grid, scope, scale)
    totals = model_totals = patches.totals(scope, scale)
    if corrected.any():
        model_cells = measure_cells(model, grid, scope, scale)
        model_totals = model.totals(scope, scale)
    return Snapshot(
        measured=measured,
        exclusions=exclusions,
        model=model,
        patches=patches,
        corrected=corrected,
        known=corrected & _done(amendments.fields, corrected.shape),
        asked=asked,
        scope=scope,
        scale=scale,
        grid=grid,
        cells=cells,
        model_cells=model_cells,
        hotspots=rank_hotspots(
            cells,
            ranked_by=cells if choices.rank_corrected else model_cells,
        ),
        totals=totals,
        model_totals=model_totals,
        rank_corrected=choices.rank_corrected,
    )


def _done(fields: Iterable[FieldValues], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    done = np.zeros(shape, bool)
    for each in fields:
        done[each.block.patches] = each.done
    return done


def _scope(asked: NDArray[np.bool_] | None, section: Section | None) -> NDArray[np.bool_] | None:
    if section is None:
        return asked
    return section.patches if asked is None else asked & section.patches


def _unless_all(scope: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return None if scope is None or scope.all() else scope


def _grid(lattice: Lattice, choices: Choices) -> CellGrid:
    grid = cell_grid(lattice, choices.cell_mm)
    if choices.section is None:
        return grid
    # As large as the slide's own, so that S2 B6 is the same tissue wherever it is named.
    return section_grids([choices.section], lattice, grid.cell_mm)[0]


def band_scale(patches: PatchTable, bands: Bands) -> BandScale:
    """Return the limits and colours of a choice; "this slide" looks at patches with tissue."""
    if bands is Bands.PAPER:
        return PAPER_BANDS
    if bands is Bands.SAFE:
        return COLOUR_BLIND_BANDS
    return slide_quantile_bands(patches.density_percent()[patches.is_mostly_tissue])
