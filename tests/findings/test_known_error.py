"""Where intervals come from: the slide's own corrected fields, else the model's validation."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from drawn_tissue import patch_table
from made_up_spec import made_up_spec

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldRecord,
    FieldState,
    FieldValues,
    Start,
)
from napari_glioma_density.density import Block, PatchState
from napari_glioma_density.findings.density_error import DensityError, density_error
from napari_glioma_density.findings.known_error import holding, is_sharper, known_error
from napari_glioma_density.findings.snapshot import Choices, take_snapshot
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.nuclei import kept_metrics
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.results import NUCLEUS_DTYPE, ResultStore
from napari_glioma_density.results.pictures import picture_digest

MODEL = patch_table(np.random.default_rng(6).uniform(5, 30, (4, 6)))
FAST = find_model("fast").sha256
SPEC = made_up_spec(MODEL.lattice.height_px, MODEL.lattice.width_px, weights_sha256=FAST)
RECORD = FieldRecord(
    Block(0, 0, 1, 1), 480, 480, 0.5, 0, 32, Start.MODEL, Choice.RANDOM, "", "", "f1", "s", "c",
    "fast", FAST, "", 0.5,
)  # fmt: skip
PLACES = ((0, 1), (1, 4), (2, 2), (3, 5))


@pytest.fixture
def findings(tmp_path: Path) -> Any:
    """What `known_error` looks at, of a run that needs no file of its own."""
    store = tmp_path / "s.glioma.zarr"
    ResultStore.open(store, "f1", "s", 9000, 7000)
    snapshot = take_snapshot(MODEL, Choices())
    return SimpleNamespace(store=store, spec=SPEC, snapshot=snapshot)


def correct(findings: Any, factor: float, **changes: Any) -> None:
    """Finish a field at each of the places that has `factor` times the nucleus px."""
    labels = np.zeros((480, 480), np.uint16)
    done = changes.pop("done", True)
    with Corrections.open(findings.store) as corrections:
        for row, column in PLACES:
            block = Block(row, column, 1, 1)
            px = np.round(factor * MODEL.nucleus_px[block.patches]).astype(np.int64)
            values = FieldValues(block, px, MODEL.tissue_px[block.patches], px // 100)
            record = replace(RECORD, block=block, **changes)
            state = FieldState(labels, {}, done=done)
            nothing = np.zeros(0, NUCLEUS_DTYPE)
            corrections.begin(record, np.zeros((480, 480, 3), np.uint8), state, values, nothing)


def test_a_slide_without_fields_has_the_error_of_the_models_validation(findings: Any) -> None:
    assert known_error(findings.store, findings.spec, findings.snapshot) == density_error(FAST)
    findings.spec = replace(SPEC, weights_sha256="0" * 64)
    assert known_error(findings.store, findings.spec, findings.snapshot) is None


def test_a_slide_of_another_organ_has_the_error_on_such(findings: Any) -> None:
    findings.spec = replace(SPEC, organ="other")
    error = known_error(findings.store, findings.spec, findings.snapshot)
    assert error == density_error(FAST, "other") != density_error(FAST)


def test_finished_random_fields_take_its_place(findings: Any) -> None:
    correct(findings, 1.25)
    error = known_error(findings.store, findings.spec, findings.snapshot)
    assert error is not None
    assert error.centre == pytest.approx(1.25, rel=1e-3)
    assert str(error.basis) == "4 random corrected fields of this slide"
    assert known_error(findings.store, findings.spec, findings.snapshot, "second") == density_error(
        FAST
    )


@pytest.mark.parametrize(
    "changes", [{"choice": Choice.BY_HAND}, {"done": False}, {"level": 1}], ids=str
)
def test_other_fields_say_nothing_of_the_slide(findings: Any, changes: dict[str, Any]) -> None:
    correct(findings, 1.25, **changes)
    assert known_error(findings.store, findings.spec, findings.snapshot) == density_error(FAST)


def test_fields_begun_with_another_models_outlines_say_nothing_of_this_one(findings: Any) -> None:
    correct(findings, 1.25)
    findings.spec = replace(SPEC, weights_sha256="0" * 64)
    assert known_error(findings.store, findings.spec, findings.snapshot) is None
    findings.spec = replace(SPEC, threshold=0.4)
    assert known_error(findings.store, findings.spec, findings.snapshot) == density_error(FAST)


def test_fields_that_the_model_was_fine_tuned_on_say_nothing_of_the_slide(
    findings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(findings, 1.25, start=Start.BLANK)
    findings.spec = replace(SPEC, weights_sha256="0" * 64)
    error = known_error(findings.store, findings.spec, findings.snapshot)
    assert error is not None, "they count for a model that has not learnt from them"
    learnt = [picture_digest(np.zeros((480, 480, 3), np.uint8))]
    kept = {"sha256": "0" * 64, "data_sets": [], "fine_tuning": {"learnt": learnt}}
    (tmp_path / "tuned.metrics.json").write_text(json.dumps(kept))
    monkeypatch.setattr(kept_metrics, "user_models_folder", lambda: tmp_path)
    assert known_error(findings.store, findings.spec, findings.snapshot) is None


def test_what_a_model_learnt_from_is_known_when_the_model_is_gone(findings: Any) -> None:
    correct(findings, 1.25, start=Start.BLANK)
    findings.spec = replace(SPEC, weights_sha256="0" * 64)
    lattice = MODEL.lattice
    tissue = np.ones([-(-side // 16) for side in (lattice.height_px, lattice.width_px)], np.uint8)
    assert known_error(findings.store, findings.spec, findings.snapshot) is not None
    with ResultStore(findings.store).begin(findings.spec, tissue) as run:
        run.note_learnt([picture_digest(np.zeros((480, 480, 3), np.uint8))])
    assert known_error(findings.store, findings.spec, findings.snapshot) is None


def test_fields_on_patches_that_are_left_out_do_not_count(findings: Any) -> None:
    correct(findings, 1.25)
    state = MODEL.state.copy()
    state[0, 1] = PatchState.EXCLUDED
    snapshot = findings.snapshot
    findings.snapshot = replace(snapshot, model=replace(snapshot.model, state=state))
    error = known_error(findings.store, findings.spec, findings.snapshot)
    assert error is not None
    assert str(error.basis) == "3 random corrected fields of this slide"


def test_what_is_left_out_of_a_field_is_no_error_of_the_model(findings: Any) -> None:
    correct(findings, 1.25)
    model = findings.snapshot.model
    halved = replace(model, nucleus_px=model.nucleus_px // 2, tissue_px=model.tissue_px // 2)
    findings.snapshot = replace(findings.snapshot, model=halved)
    error = known_error(findings.store, findings.spec, findings.snapshot)
    assert error is not None
    assert error.centre == pytest.approx(1.25, rel=1e-3)


def test_validation_holds_for_specimens_that_were_in_it_alone() -> None:
    of_slide = DensityError(0.1, 0.1, 2.0, 10, Basis(3, 1))
    validated = DensityError(0.1, 0.1, 2.0, 10, Basis(20, 20, ("LGG",)))
    assert holding(validated, is_validated=True) is validated
    assert holding(validated, is_validated=False) is None
    assert holding(of_slide, is_validated=False) is of_slide
    assert holding(None, is_validated=True) is None


@pytest.mark.parametrize(("sharpness", "expected"), [(0.45, False), (0.55, True), (None, False)])
def test_a_slide_is_sharper_than_all_fields_of_the_brain_or_it_is_not(
    sharpness: float | None, expected: bool
) -> None:
    """The sharpest field of glioma has 0.50; those of breast, with up to 0.73, do not count."""
    run: Any = SimpleNamespace(spec=SPEC, sharpness=sharpness)
    assert is_sharper(run) is expected
    run.spec = replace(SPEC, weights_sha256="0" * 64)
    assert is_sharper(run) is False
