"""What corrected fields say of the slide, as the dock shows it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from napari_glioma_density.annotation.field import Choice, FieldValues
from napari_glioma_density.density import Block, Lattice, PatchState, PatchTable
from napari_glioma_density.findings.snapshot import Choices, take_snapshot
from napari_glioma_density.ui.annotation.figures import slide_correction

LATTICE = Lattice.over(4 * 480, 6 * 480, 0.5)
PLACES = ((0, 1), (1, 4), (2, 2), (3, 5))


def field(model: PatchTable, row: int, column: int, factor: float) -> SimpleNamespace:
    block = Block(row, column, 1, 1)
    nucleus_px = np.round(factor * model.nucleus_px[block.patches]).astype(np.int64)
    values = FieldValues(block, nucleus_px, model.tissue_px[block.patches], nucleus_px // 100)
    return SimpleNamespace(done=True, record=SimpleNamespace(choice=Choice.RANDOM), values=values)


def test_what_is_left_out_of_random_fields_does_not_change_the_slides_factor() -> None:
    px = np.random.default_rng(6).integers(10_000, 60_000, (LATTICE.rows, LATTICE.columns))
    tissue_px = np.full_like(px, 480**2)
    read = np.full(px.shape, PatchState.READ, np.uint8)
    model = PatchTable(LATTICE, read, px, tissue_px, tissue_px, np.zeros_like(px), px // 100)
    snapshot = take_snapshot(model, Choices())
    fields = [field(model, *place, 1.25) for place in PLACES]
    halved = replace(model, nucleus_px=px // 2, tissue_px=tissue_px // 2)
    for shown in (snapshot, replace(snapshot, model=halved)):
        found = slide_correction(shown, fields)  # type: ignore[arg-type]
        assert found is not None
        assert found.factor == pytest.approx(1.25, rel=1e-3)
