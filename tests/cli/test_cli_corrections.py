"""What a person corrected counts when the command writes its tables again."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

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
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import NUCLEUS_DTYPE, ResultStore, RunSpec
from napari_glioma_density.slides import TISSUE_PX, TissueKind

FIELD, LEFT_OUT = Block(1, 1, 1, 1), Block(0, 0, 1, 2)


def correct(store: Path, spec: RunSpec) -> None:
    """Leave one nucleus of 50 px in a patch."""
    record = FieldRecord(
        FIELD, PATCH_PX, PATCH_PX, spec.working_um_per_px, spec.level, spec.sixteenths, Start.MODEL,
        Choice.BY_HAND, "A", "2026-11-20T12:00:00+00:00", "f", "slide-1", "case", spec.model,
        spec.weights_sha256, spec.run_id, spec.threshold,
    )  # fmt: skip
    labels = np.zeros((PATCH_PX, PATCH_PX), np.uint16)
    labels[200:205, 100:110] = 1
    one = np.ones((1, 1), np.int64)
    nuclei = np.array([(682.0, 584.5, 50, Origin.HAND)], NUCLEUS_DTYPE)
    state = FieldState(labels, {1: Nucleus(Origin.HAND)}, revision=1, edits=1)
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


def test_glass_alone_that_counts_has_no_density_of_tissue(
    program: Callable[..., Any], slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights)
    store = ResultStore(Path(program(*call, "--json").json["store"]))
    (spec,) = store.runs()
    places = np.argwhere(store.run(spec.run_id).tissue != TissueKind.BACKGROUND) * TISSUE_PX
    squares = [shapely.box(x, y, x + TISSUE_PX, y + TISSUE_PX) for y, x in places.tolist()]
    tissue = Plane.of(spec).to_level0(shapely.unary_union(squares))
    drawn = Region.drawn(RegionKind.EXCLUSION, tissue, reason=Reason.NECROSIS)
    RegionFile.open(store.path).put(drawn)
    told = program(*call)
    assert told.status == 0
    assert told.stdout.startswith("nothing that counts is tissue")
    figures = program(*call, "--json").json
    assert figures["read_mm2"] > 0
    assert (figures["tissue_mm2"], figures["tissue_density_percent"]) == (0, None)
