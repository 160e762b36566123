"""What a person corrected counts when the command writes its tables again."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldRecord,
    FieldState,
    FieldValues,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.annotation.review import ReviewLog
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.results import NUCLEUS_DTYPE, ResultStore, RunSpec

FIELD, LEFT_OUT = Block(1, 1, 1, 1), Block(0, 0, 1, 2)


def correct(store: Path, spec: RunSpec) -> None:
    """Leave one nucleus of 50 px in a patch."""
    record = FieldRecord(
        FIELD, PATCH_PX, PATCH_PX, spec.working_um_per_px, spec.level, spec.sixteenths, Start.MODEL,
        Choice.BY_HAND, "A", "2026-11-20T12:00:00+00:00", "f", "slide-1", "case",
    )  # fmt: skip
    labels = np.zeros((PATCH_PX, PATCH_PX), np.uint16)
    labels[200:205, 100:110] = 1
    one = np.ones((1, 1), np.int64)
    nuclei = np.array([(682.0, 584.5, 50, Origin.HAND)], NUCLEUS_DTYPE)
    state = FieldState(labels, {1: Nucleus(Origin.HAND)}, revision=1)
    with Corrections.open(store) as corrections:
        values = FieldValues(FIELD, 50 * one, PATCH_PX**2 * one, one)
        corrections.begin(record, np.zeros((480, 480, 3), np.uint8), state, values, nuclei)


def test_estimate_writes_corrected_figures_beside_the_models(
    program: Callable[..., Any], slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights)
    before = program(*call, "--json").json
    store = ResultStore(Path(before["store"]))
    (spec,) = store.runs()
    correct(store.path, spec)
    after = program(*call, "--json").json
    told = after["corrections"]
    assert (told["fields"], told["patches"], told["reader"]) == (1, 1, "first")
    assert told["model_density_percent"] == before["density_percent"]
    assert after["density_percent"] < before["density_percent"]
    assert after["patches_reused"] == after["patches"]
    with (Path(after["folder"]) / "patches.csv").open() as file:
        rows = {(row["row"], row["column"]): row for row in csv.DictReader(file)}
    row = rows["1", "1"]
    assert (row["corrected"], row["nucleus_px"], row["count"]) == ("1", "50", "1")
    assert int(row["model_nucleus_px"]) > 50
    assert "1 field corrected" in program(*call).stdout

    ReviewLog.open(store.path, spec.lattice).mark(LEFT_OUT, excluded=Reason.FOLD)
    left_out = program(*call, "--json").json
    assert left_out["excluded"]["patches"] == 2
    assert left_out["read_mm2"] < after["read_mm2"]
