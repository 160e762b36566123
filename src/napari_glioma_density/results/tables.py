"""The tables a person opens: patches.csv and grid.csv."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    NO_BAND,
    PAPER_BANDS,
    PATCH_PX,
    BandScale,
    Cell,
    PatchState,
    PatchTable,
    band_of,
)
from napari_glioma_density.results.durable import write_atomically
from napari_glioma_density.results.failures import explained

PATCH_COLUMNS = (
    "row", "column", "x_px", "y_px", "state", "density_percent", "nucleus_px", "read_px",
    "tissue_px", "count", "band",
)  # fmt: skip
GRID_COLUMNS = (
    "cell", "row", "column", "x_um", "y_um", "width_um", "height_um", "density_percent",
    "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2", "read_mm2", "band",
)  # fmt: skip

_LISTED = (PatchState.READ, PatchState.UNREAD, PatchState.UNTRUSTED)


def write_patches_csv(
    path: Path,
    patches: PatchTable,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
) -> None:
    """Write one row for every patch inferred or unread, row by row.

    Places and areas are in working px. The density of the slide is 100·Σnucleus_px/Σread_px:
    a patch that counts for nothing (unread, untrusted) has 0 px of each, and no density.

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
    listed = np.isin(patches.state, _LISTED)
    if scope is not None:
        listed &= scope
    density = patches.density_percent()
    bands = band_of(density, scale)
    counted = patches.is_read
    rows = (
        (
            row,
            column,
            column * PATCH_PX,
            row * PATCH_PX,
            PatchState(int(patches.state[row, column])).name.lower(),
            _decimals(float(density[row, column]), 4),
            *(
                int(values[row, column]) if counted[row, column] else 0
                for values in (
                    patches.nucleus_px,
                    patches.read_px,
                    patches.tissue_px,
                    patches.count,
                )
            ),
            _band(int(bands[row, column])),
        )
        for row, column in np.argwhere(listed).tolist()
    )
    _write_csv(path, PATCH_COLUMNS, rows)


def write_grid_csv(path: Path, cells: Iterable[Cell]) -> None:
    """Write one row for every cell; StoreError when the file cannot be written."""
    _write_csv(path, GRID_COLUMNS, (_grid_row(cell) for cell in cells))


def _grid_row(cell: Cell) -> Sequence[object]:
    return (
        cell.address,
        cell.row,
        cell.column,
        *(_decimals(um, 2) for um in (cell.x_um, cell.y_um, cell.width_um, cell.height_um)),
        _decimals(cell.density_percent, 4),
        _decimals(cell.tissue_density_percent, 4),
        _decimals(cell.nuclei_per_mm2, 2),
        _decimals(cell.tissue_mm2, 6),
        _decimals(cell.read_mm2, 6),
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
