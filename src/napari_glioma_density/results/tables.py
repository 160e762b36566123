"""The tables a person opens: patches.csv and grid.csv."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    NO_BAND,
    PAPER_BANDS,
    PATCH_PX,
    BandScale,
    Cell,
    CorrectedCell,
    CorrectedPatches,
    PatchState,
    PatchTable,
    band_of,
)
from napari_glioma_density.durable import write_atomically
from napari_glioma_density.results.failures import explained

PATCH_COLUMNS = (
    "row", "column", "x_px", "y_px", "state", "density_percent", "nucleus_px", "read_px",
    "tissue_px", "count", "band",
)  # fmt: skip
GRID_COLUMNS = (
    "cell", "row", "column", "x_um", "y_um", "width_um", "height_um", "density_percent",
    "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2", "read_mm2", "band",
)  # fmt: skip
CORRECTED_PATCH_COLUMNS = (
    "corrected", "model_density_percent", "model_nucleus_px", "model_tissue_px", "model_count",
)  # fmt: skip
CORRECTED_GRID_COLUMNS = (
    "corrected_patches", "model_density_percent", "model_tissue_density_percent",
    "model_nuclei_per_mm2",
)  # fmt: skip
"""What follows the other columns when a person corrected patches, and only then."""

DECIMALS: Final[Mapping[str, int]] = {
    "x_um": 2, "y_um": 2, "width_um": 2, "height_um": 2, "density_percent": 4,
    "tissue_density_percent": 4, "nuclei_per_mm2": 2, "tissue_mm2": 6, "read_mm2": 6,
    "unread_mm2": 6,
}  # fmt: skip
"""Decimals of figures by name, wherever a table or a summary states them."""

_LISTED = (PatchState.READ, PatchState.UNREAD, PatchState.EXCLUDED)


def write_patches_csv(
    path: Path,
    patches: PatchTable,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
) -> None:
    """Write one row for every patch inferred or unread, row by row.

    Places and areas are in working px. The density of the slide is 100·Σnucleus_px/Σread_px:
    a patch that counts for nothing (unread, excluded) has 0 px of each, and no density.

    Parameters
    ----------
    path
        The file to replace.
    patches
        What was measured.
    scope
        Patches to list, bool of shape (rows, columns); all by default.
    scale
        Bands of the last column.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    _write_csv(path, PATCH_COLUMNS, _patch_rows(patches, _listed(patches, scope), scale))


def write_corrected_patches_csv(
    path: Path,
    patches: CorrectedPatches,
    scope: NDArray[np.bool_] | None,
    scale: BandScale,
) -> None:
    """Write the corrected patches as `write_patches_csv` does, and the model's values beside them.

    `corrected` is 1 where a person corrected the patch; elsewhere both values are the model's.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    listed = _listed(patches.patches, scope)
    model = patches.model
    density, counted = model.density_percent(), model.is_read
    counts = (model.nucleus_px, model.tissue_px, model.count)
    beside = (
        (
            int(patches.corrected[place]),
            _decimals(float(density[place]), 4),
            *(int(values[place]) if counted[place] else 0 for values in counts),
        )
        for place in listed
    )
    rows = zip(_patch_rows(patches.patches, listed, scale), beside, strict=True)
    columns = (*PATCH_COLUMNS, *CORRECTED_PATCH_COLUMNS)
    _write_csv(path, columns, ((*row, *more) for row, more in rows))


def _listed(patches: PatchTable, scope: NDArray[np.bool_] | None) -> list[tuple[int, int]]:
    listed = np.isin(patches.state, _LISTED)
    if scope is not None:
        listed &= scope
    return [(row, column) for row, column in np.argwhere(listed).tolist()]


def _patch_rows(
    patches: PatchTable, listed: Iterable[tuple[int, int]], scale: BandScale
) -> Iterator[Sequence[object]]:
    density, counted = patches.density_percent(), patches.is_read
    bands = band_of(density, scale)
    counts = (patches.nucleus_px, patches.read_px, patches.tissue_px, patches.count)
    for row, column in listed:
        yield (
            row,
            column,
            column * PATCH_PX,
            row * PATCH_PX,
            PatchState(int(patches.state[row, column])).name.lower(),
            _decimals(float(density[row, column]), 4),
            *(int(values[row, column]) if counted[row, column] else 0 for values in counts),
            _band(int(bands[row, column])),
        )


def write_grid_csv(path: Path, cells: Iterable[Cell]) -> None:
    """Write one row for every cell; StoreError when the file cannot be written."""
    _write_csv(path, GRID_COLUMNS, (_grid_row(cell) for cell in cells))


def write_corrected_grid_csv(path: Path, cells: Iterable[CorrectedCell]) -> None:
    """Write corrected cells as `write_grid_csv` does, and the model's values beside them."""
    rows = (
        (
            *_grid_row(pair.cell),
            pair.corrected_patches,
            _decimals(pair.model.density_percent, 4),
            _decimals(pair.model.tissue_density_percent, 4),
            _decimals(pair.model.nuclei_per_mm2, 2),
        )
        for pair in cells
    )
    _write_csv(path, (*GRID_COLUMNS, *CORRECTED_GRID_COLUMNS), rows)


def _grid_row(cell: Cell) -> Sequence[object]:
    return (
        cell.address,
        cell.row,
        cell.column,
        *(_decimals(getattr(cell, name), DECIMALS[name]) for name in GRID_COLUMNS[3:-1]),
        cell.band,
    )


def _decimals(value: float | None, places: int) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.{places}f}"


def _band(band: int) -> object:
    return "" if band == NO_BAND else band


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    with explained(path):
        write_atomically(path, text.getvalue().encode())
