"""The files a person takes away from a run: tables, a picture of the map, a summary."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    CorrectedPatches,
    PatchState,
    PatchTable,
    cell_grid,
    exclude,
    measure_cells,
    measure_corrected_cells,
    rank_hotspots,
)
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import Run
from napari_glioma_density.results.heatmap import write_heatmap
from napari_glioma_density.results.summary import (
    corrections_summary,
    excluded_summary,
    summary,
    write_summary,
)
from napari_glioma_density.results.tables import (
    write_corrected_grid_csv,
    write_corrected_patches_csv,
    write_grid_csv,
    write_patches_csv,
)


def write_tables(
    folder: Path,
    store: Path,
    run: Run,
    scope: NDArray[np.bool_] | None = None,
    *,
    corrected: CorrectedPatches | None = None,
    excluded: NDArray[np.bool_] | None = None,
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
    corrected
        The run's patches with a person's corrections, when there are any. Then every figure is a
        corrected one, the model's stand beside it, and hotspots keep the order the model gives.
    excluded
        (lattice rows, lattice columns) bool: patches that a person left out.
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
    shown = _Shown.of(run, corrected, excluded)
    patches, grid = shown.patches, cell_grid(run.lattice, cell_mm)
    cells = measure_cells(patches, grid, scope)
    pairs = measure_corrected_cells(shown.corrected, grid, scope) if shown.corrected else ()
    figures = summary(
        folder=folder,
        store=store,
        spec=run.spec,
        totals=patches.totals(scope),
        hotspots=rank_hotspots(cells, ranked_by=[pair.model for pair in pairs] or None),
        patches_reused=patches_reused,
        seconds=seconds or {},
    )
    if shown.corrected is None:
        write_patches_csv(folder / "patches.csv", patches, scope)
        write_grid_csv(folder / "grid.csv", cells)
    else:
        write_corrected_patches_csv(folder / "patches.csv", shown.corrected, scope)
        write_corrected_grid_csv(folder / "grid.csv", pairs)
    write_heatmap(folder / "heatmap.png", patches, grid, scope=scope)
    figures |= shown.by_a_person(scope)
    write_summary(folder / "summary.json", figures)
    return figures


@dataclass(frozen=True)
class _Shown:
    """The patches that count, and with corrections what the model had in their place."""

    patches: PatchTable
    corrected: CorrectedPatches | None

    @classmethod
    def of(
        cls, run: Run, corrected: CorrectedPatches | None, excluded: NDArray[np.bool_] | None
    ) -> Self:
        """Take corrections where there are any, and leave out what a person left out."""
        if corrected is not None:
            kept = corrected if excluded is None else corrected.excluding(excluded)
            return cls(kept.patches, kept)
        patches = run.patches()
        return cls(patches if excluded is None else exclude(patches, excluded), None)

    def by_a_person(self, scope: NDArray[np.bool_] | None) -> dict[str, Any]:
        """Return what the summary tells of corrections and of what was left out, if anything."""
        told: dict[str, Any] = {}
        if self.corrected is not None:
            told["corrections"] = corrections_summary(self.corrected, scope)
        if np.equal(self.patches.state, PatchState.EXCLUDED).any():
            told["excluded"] = excluded_summary(self.patches, scope)
        return told
