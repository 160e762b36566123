"""The files a person takes away from a run: tables, a picture of the map, a summary."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import cell_grid, measure_cells, rank_hotspots
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import Run
from napari_glioma_density.results.heatmap import write_heatmap
from napari_glioma_density.results.summary import summary, write_summary
from napari_glioma_density.results.tables import write_grid_csv, write_patches_csv


def write_tables(
    folder: Path,
    store: Path,
    run: Run,
    scope: NDArray[np.bool_] | None = None,
    *,
    cell_mm: float | None = None,
    patches_reused: int = 0,
    seconds: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Write patches.csv, grid.csv, heatmap.png and summary.json.

    Parameters
    ----------
    folder
        Where to; made when it is not there.
    store
        The result store, as the summary names it.
    run
        What was measured.
    scope
        (lattice rows, lattice columns) bool; the whole slide when None.
    cell_mm
        Side of a grid cell; by the size of the slide when None.
    patches_reused, seconds
        Of the job that has just ended, for the summary.

    Returns
    -------
    dict
        The figures of summary.json.

    Raises
    ------
    StoreError
        When a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); choose another") from error
    patches, grid = run.patches(), cell_grid(run.lattice, cell_mm)
    cells = measure_cells(patches, grid, scope)
    figures = summary(
        folder=folder,
        store=store,
        spec=run.spec,
        totals=patches.totals(scope),
        hotspots=rank_hotspots(cells),
        patches_reused=patches_reused,
        seconds=seconds or {},
    )
    write_patches_csv(folder / "patches.csv", patches, scope)
    write_grid_csv(folder / "grid.csv", cells)
    write_heatmap(folder / "heatmap.png", patches, grid, scope=scope)
    write_summary(folder / "summary.json", figures)
    return figures
