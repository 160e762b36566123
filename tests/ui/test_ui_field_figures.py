"""What corrected fields say of the slide, as the dock shows it."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_glioma_density.annotation.field import Choice, FieldValues
from napari_glioma_density.density import Block, Lattice, PatchState, PatchTable
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.snapshot import Choices, take_snapshot
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.ui.annotation.figures import slide_correction
from napari_glioma_density.ui.annotation.places import random_blocks
from napari_glioma_density.ui.annotation.shelved import ShelvedField
from napari_glioma_density.ui.annotation.words import factor_line

LATTICE = Lattice.over(4 * 480, 6 * 480, 0.5)
VALIDATED = DensityError(0.03, 0.05, 2.0, 5, Basis(40, 5, ("GBM",)))
PLACES = ((0, 1), (1, 4), (2, 2), (3, 5))


def field(model: PatchTable, row: int, column: int, factor: float) -> ShelvedField:
    block = Block(row, column, 1, 1)
    nucleus_px = np.round(factor * model.nucleus_px[block.patches]).astype(np.int64)
    values = FieldValues(block, nucleus_px, model.tissue_px[block.patches], nucleus_px // 100)
    record: Any = SimpleNamespace(choice=Choice.RANDOM)
    return ShelvedField(record, True, 0, values, np.zeros((0, 0), bool))


@pytest.fixture
def model() -> PatchTable:
    px = np.random.default_rng(6).integers(10_000, 60_000, (LATTICE.rows, LATTICE.columns))
    whole = np.full_like(px, 480**2)
    read = np.full(px.shape, PatchState.READ, np.uint8)
    return PatchTable(LATTICE, read, px, whole, whole, np.zeros_like(px), px // 100)


def with_state(model: PatchTable, row: int, state: PatchState) -> PatchTable:
    states = model.state.copy()
    states[row] = state
    return replace(model, state=states)


def test_random_fields_are_not_drawn_before_the_slide_is_estimated(model: PatchTable) -> None:
    begun = take_snapshot(with_state(model, 3, PatchState.PENDING), Choices())
    with pytest.raises(BadInput, match="estimate all of it first"):
        random_blocks(begun, (), 10)
    glass = take_snapshot(with_state(model, 3, PatchState.BACKGROUND), Choices())
    assert {block.row for block in random_blocks(glass, (), 24)} == {0, 1, 2}


def test_random_fields_do_not_fall_on_what_is_left_out(model: PatchTable) -> None:
    snapshot = take_snapshot(model, Choices())
    left = replace(snapshot, model=with_state(model, 0, PatchState.EXCLUDED))
    assert {block.row for block in random_blocks(left, (), 24)} == {1, 2, 3}


def test_what_is_left_out_of_random_fields_does_not_change_the_slides_factor(
    model: PatchTable,
) -> None:
    snapshot = take_snapshot(model, Choices())
    fields = [field(model, *place, 1.25) for place in PLACES]
    halved = replace(model, nucleus_px=model.nucleus_px // 2, tissue_px=model.tissue_px // 2)
    for shown in (snapshot, replace(snapshot, model=halved)):
        found = slide_correction(shown, fields, VALIDATED)
        assert found is not None
        assert found.factor == pytest.approx(1.25, rel=1e-3)


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("learnt", "The model on show learnt from these random fields: sample others"),
        ("drawn_by_other", "These random fields began with another model's outlines"),
    ],
)
def test_fields_that_say_nothing_of_the_model_make_no_factor_and_it_is_said(
    model: PatchTable, why: str, said: str
) -> None:
    fields = [field(model, *place, 1.25) for place in PLACES]
    told_nothing = [replace(one, **{why: True}) for one in fields]
    assert slide_correction(take_snapshot(model, Choices()), told_nothing, VALIDATED) is None
    assert factor_line(None, told_nothing).startswith(said)
    mixed = [replace(fields[0], learnt=True), replace(fields[1], drawn_by_other=True)]
    assert "learnt from these random fields, or they show another" in factor_line(None, mixed)
    one_left = [fields[0], *told_nothing[1:]]
    assert factor_line(None, one_left).startswith("Random fields: 1 of 1 done")
