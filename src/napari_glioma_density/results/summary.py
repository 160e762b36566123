"""The figures of a slide as one dict: what `estimate --json` prints and summary.json holds."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    Cell,
    CorrectedPatches,
    Exclusions,
    PatchState,
    PatchTable,
    Totals,
)
from napari_glioma_density.durable import write_atomically
from napari_glioma_density.results.failures import explained
from napari_glioma_density.results.spec import RunSpec
from napari_glioma_density.results.tables import DECIMALS

SECONDS = ("open", "read", "infer", "write", "total")
_TOTALS = (
    "density_percent", "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2", "read_mm2",
    "unread_mm2",
)  # fmt: skip
_MOST_DECIMALS = 6


def summary(
    *,
    folder: Path,
    store: Path,
    spec: RunSpec,
    totals: Totals,
    hotspots: Iterable[Cell],
    patches_reused: int,
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Gather the figures of a slide; every value is one that JSON knows.

    Parameters
    ----------
    folder, store
        Where the tables and the result store lie.
    spec
        As recorded in the run.
    totals
        Of the scope asked for.
    hotspots
        Ranked cells.
    patches_reused
        Patches of the scope that an earlier run had finished.
    seconds
        Time spent on each of `SECONDS`; one left out counts as 0.
    """
    return {
        "folder": str(folder),
        "store": str(store),
        **totals_figures(totals),
        "hotspots": [_hotspot(cell) for cell in hotspots],
        "patches_reused": patches_reused,
        "um_per_px": spec.um_per_px,
        "um_per_px_source": spec.um_per_px_source,
        "working_um_per_px": spec.working_um_per_px,
        "seconds": {name: round(seconds.get(name, 0.0), 3) for name in SECONDS},
        "organ": spec.organ,
        "tissue_mask": spec.tissue_mask,
        "model": spec.model,
        "device": spec.device,
        "precision": spec.precision,
        "input": spec.input,
        "colour_statistics": list(spec.colour_statistics),
        "colour_source": spec.colour_source,
    }


def corrections_summary(
    patches: CorrectedPatches, scope: NDArray[np.bool_] | None
) -> dict[str, Any]:
    """Return how much of a scope a person corrected, and the figures of the model alone."""
    asked = patches.corrected if scope is None else patches.corrected & scope
    model = totals_figures(patches.model.totals(scope))
    compared = ("density_percent", "tissue_density_percent", "nuclei_per_mm2")
    return {
        "fields": patches.fields_in(scope),
        "patches": int(np.count_nonzero(asked)),
        "reader": patches.reader,
        **{f"model_{name}": model[name] for name in compared},
    }


def excluded_summary(
    patches: PatchTable, exclusions: Exclusions, scope: NDArray[np.bool_] | None
) -> dict[str, Any]:
    """Return how much of a scope is left out and why.

    `patches` counts those of which nothing is left; the mm² were read and would have counted.
    """
    out = np.equal(patches.state, PatchState.EXCLUDED)
    if scope is not None:
        out &= scope
    read_mm2 = exclusions.read_mm2(scope)
    return {
        "patches": int(np.count_nonzero(out)),
        "read_mm2": round(sum(read_mm2.values()), 6),
        "read_mm2_by_reason": {reason: round(mm2, 6) for reason, mm2 in read_mm2.items()},
    }


def write_summary(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the figures as JSON; StoreError when the file cannot be written."""
    with explained(path):
        write_atomically(path, json.dumps(figures, indent=2).encode() + b"\n")


def totals_figures(totals: Totals) -> dict[str, Any]:
    """Return totals by name, rounded as they are printed."""
    return {
        **{name: _rounded(name, getattr(totals, name)) for name in _TOTALS},
        "bands": list(totals.bands),
        "patches": totals.patches,
        "complete": totals.complete,
    }


def _hotspot(cell: Cell) -> dict[str, Any]:
    values = asdict(cell)
    address = values.pop("address")
    return {"cell": address} | {name: _rounded(name, value) for name, value in values.items()}


def _rounded(name: str, value: Any) -> Any:
    """Return a figure with as many decimals as tables give it."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, DECIMALS.get(name, _MOST_DECIMALS))
