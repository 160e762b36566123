"""Intervals of density: that they hold, what they rest on, and when there is none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_tissue import patch_table
from made_up_scores import SLIDE_SHARE, TISSUE_SHARE, TURNING, checked, data_set
from scipy import stats

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import PAPER_BANDS, Block, PatchState, cell_grid, measure_cells
from napari_glioma_density.findings.density_error import DensityError, density_error, error_of
from napari_glioma_density.findings.interval import Interval
from napari_glioma_density.findings.random_fields import corrected_error, slide_factor
from napari_glioma_density.findings.uncertainty import (
    cell_uncertainties,
    density_interval,
    total_uncertainty,
)
from napari_glioma_density.findings.validation import (
    Basis,
    CheckedField,
    Validation,
    turning_point,
    validated,
)
from napari_glioma_density.nuclei import kept_metrics
from napari_glioma_density.nuclei.registry import list_models

BASIS = Basis(5, 5, ("made up",))
ERROR = DensityError(0.06, 0.08, 0.0, 5, BASIS)


def test_the_error_of_made_up_slides_is_found_again() -> None:
    fields = checked(seed=1, slides=400)
    error = error_of(Validation(tuple(fields), turning_point(fields), BASIS))
    assert error is not None
    # The mean of ten fields scatters by a tenth of their variance besides.
    expected = np.hypot(SLIDE_SHARE, TISSUE_SHARE / np.sqrt(10))
    assert error.slide_share == pytest.approx(expected, rel=0.05)
    assert error.tissue_share == pytest.approx(TISSUE_SHARE, rel=0.05)
    assert error.turning_percent == pytest.approx(TURNING, rel=0.15)


def test_the_error_by_hand() -> None:
    z = {"a": (0.1, 0.2, 0.3), "b": (-0.1, 0.1), "c": (0.0, 0.05)}
    fields = [CheckedField(slide, 20 * (1 - one), 20) for slide, of in z.items() for one in of]
    error = error_of(Validation(tuple(fields), 0.0, BASIS))
    assert error is not None
    # Means 0.2, 0 and 0.025; squares about them 0.02, 0.02 and 0.00125 of 7 − 3 degrees.
    assert error.slide_share == pytest.approx(np.sqrt((0.2**2 + 0.025**2) / 3))
    assert error.tissue_share == pytest.approx(np.sqrt(0.04125 / 4))
    assert error.degrees == 3


def test_intervals_from_few_slides_hold_the_density_of_new_ones() -> None:
    held = np.zeros(2, int)
    for seed in range(60):
        fields = checked(seed, slides=5)
        error = error_of(Validation(tuple(fields), TURNING, BASIS))
        assert error is not None
        new = checked(1000 + seed, slides=20, fields=1)
        held += sum(_holds(error, field) for field in new), len(new)
    # 1200 fields of 1200 slides: 95 of a hundred are asked for, a little more is no harm.
    assert 0.94 < held[0] / held[1] < 0.99


def _holds(error: DensityError, field: CheckedField) -> bool:
    low, high = density_interval(field.found_percent, error)
    return low <= max(0.0, field.true_percent) <= high


def test_an_interval_is_students_t_about_the_density() -> None:
    interval = density_interval(20, ERROR)
    half = stats.t.ppf(0.975, 5) * 20 * 0.1  # 0.06 and 0.08 make 0.1
    assert interval == pytest.approx((20 - half, 20 + half))
    whole = density_interval(20, ERROR, whole_slide=True)
    assert whole == pytest.approx((20 - 0.6 * half, 20 + 0.6 * half))
    assert density_interval(95, ERROR).high == 100


def test_fields_of_the_brain_alone_count_where_there_are_any() -> None:
    brain, colon = checked(3, slides=4), checked(4, slides=6)
    metrics = {"data_sets": [data_set("G", "brain: glioma", brain), data_set("C", "colon", colon)]}
    found = validated(metrics)
    assert {field.slide for field in found.fields} == {f"G {n}" for n in range(4)}
    assert str(found.basis) == "40 annotated fields of 4 slides (G)"
    # How errors follow density is taken from all.
    assert found.turning_percent == turning_point([*brain, *colon])
    assert len(validated({"data_sets": metrics["data_sets"][1:]}).fields) == 60


def test_the_sharpest_field_is_known_once_it_is_of_all_that_count() -> None:
    brain, colon = checked(3, slides=4), checked(4, slides=6)
    sets = [data_set("G", "brain: glioma", brain), data_set("C", "colon", colon)]
    assert validated({"data_sets": sets}).sharpest is None
    sets[0]["fields"]["sharpness"] = np.linspace(0.2, 0.5, len(brain)).tolist()
    assert validated({"data_sets": sets}).sharpest == 0.5
    sets[0]["fields"]["sharpness"][3] = None
    assert validated({"data_sets": sets}).sharpest is None


def test_a_set_without_patients_counts_as_one_slide() -> None:
    nameless = [field._replace(slide="") for field in checked(3, slides=4)]
    metrics = {"data_sets": [data_set("G", "brain", nameless)]}
    assert {field.slide for field in validated(metrics).fields} == {"G"}
    assert error_of(validated(metrics)) is None


def test_models_without_scores_have_no_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_metrics, "user_models_folder", lambda: tmp_path)
    assert density_error("f" * 64) is None
    fields = data_set("mine", "brain", checked(5, slides=6))
    scores = {"sha256": "f" * 64, "data_sets": [fields]}
    (tmp_path / "mine.metrics.json").write_text(json.dumps(scores))
    error = density_error("f" * 64)
    assert error is not None
    assert str(error.basis) == "60 annotated fields of 6 slides (mine)"


def test_shipped_models_know_their_error_on_glioma() -> None:
    for model in list_models():
        if model.name in ("fast", "accurate"):
            error = density_error(model.sha256)
            assert error is not None, model.name
            assert str(error.basis) == "48 annotated fields of 5 slides (GBM, LGG)"
            assert error.degrees == 5


def test_cells_that_may_be_of_another_band_are_told() -> None:
    patches = patch_table(np.array([[20.5, 60.0], [12.0, 0.0]]))
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    found = cell_uncertainties(cells, patches, np.zeros((2, 2), bool), ERROR)
    known = [one for one in found if one is not None]
    assert len(known) == 4
    assert [one.crosses_limit(PAPER_BANDS) for one in known] == [True, False, False, False]
    assert known[1].tissue_density == pytest.approx(density_interval(60, ERROR), abs=1e-3)


def test_the_band_of_a_half_empty_cell_is_that_of_what_was_read() -> None:
    patches = patch_table(np.full((2, 2), 30.0), tissue_share=0.5)
    cell = measure_cells(patches, cell_grid(patches.lattice, 0.48))
    (found,) = cell_uncertainties(cell, patches, np.zeros((2, 2), bool), ERROR)
    assert found is not None
    assert found.density == pytest.approx([end / 2 for end in found.tissue_density])


def test_a_cell_without_tissue_has_no_interval() -> None:
    patches = patch_table(np.zeros((1, 1)), tissue_share=0)
    cells = measure_cells(patches, cell_grid(patches.lattice))
    assert cell_uncertainties(cells, patches, np.zeros((1, 1), bool), ERROR) == (None,)
    assert total_uncertainty(patches, np.zeros((1, 1), bool), ERROR) is None


def test_what_was_corrected_is_known() -> None:
    patches = patch_table(np.array([[10.0, 30.0]]))
    first = np.array([[True, False]])
    both = total_uncertainty(patches, np.ones((1, 2), bool), ERROR)
    half = total_uncertainty(patches, first, ERROR)
    assert both is not None
    assert half is not None
    assert both.tissue_density == pytest.approx((20, 20))
    assert both.is_known
    assert not half.is_known
    of_second = density_interval(30, ERROR, whole_slide=True)
    assert half.tissue_density == pytest.approx([5 + end / 2 for end in of_second], abs=1e-3)
    in_scope = total_uncertainty(patches, first, ERROR, ~first)
    assert in_scope is not None
    assert in_scope.tissue_density == pytest.approx(density_interval(30, ERROR), abs=1e-3)


def test_what_was_edited_and_not_finished_is_not_put_right_twice() -> None:
    error = replace(ERROR, centre=1.25)
    patches = patch_table(np.array([[20.0, 20.0]]))
    nowhere, first = np.zeros((1, 2), bool), np.array([[True, False]])
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    found = cell_uncertainties(cells, patches, nowhere, error, None, first)
    half = error.factor * np.hypot(error.slide_sd(20), error.tissue_sd(20))
    for one, middle in zip(found, (20, 25), strict=True):
        assert one is not None
        assert one.tissue_density == pytest.approx((middle - half, middle + half), abs=1e-3)
    total = total_uncertainty(patches, nowhere, error, None, first)
    assert total is not None
    half = error.factor * error.slide_sd(20)
    assert total.tissue_density == pytest.approx((22.5 - half, 22.5 + half), abs=1e-3)


def test_the_total_of_a_part_is_as_unsure_as_a_cell() -> None:
    nowhere = np.zeros((1, 2), bool)
    patches = patch_table(np.array([[20.0, 20.0]]))
    whole = total_uncertainty(patches, nowhere, ERROR)
    part = total_uncertainty(patches, nowhere, ERROR, np.array([[True, False]]))
    patches.state[0, 1] = PatchState.PENDING
    begun = total_uncertainty(patches, nowhere, ERROR)
    for found, is_whole in ((whole, True), (part, False), (begun, False)):
        assert found is not None
        of_model = density_interval(20, ERROR, whole_slide=is_whole)
        assert found.tissue_density == pytest.approx(of_model, abs=1e-3)


def test_the_cells_of_a_clipped_edge_hold_their_own_patches() -> None:
    values = np.arange(1.0, 13).reshape(3, 4)
    patches = patch_table(values)
    grid = cell_grid(patches.lattice, 0.48)
    cells = measure_cells(patches, grid)
    found = cell_uncertainties(cells, patches, np.ones((3, 4), bool), ERROR)
    middles = [one.tissue_density.low for one in found if one is not None]
    assert middles == pytest.approx([cell.tissue_density_percent for cell in cells])


def test_random_corrected_fields_move_and_narrow_the_interval() -> None:
    random = np.random.default_rng(2)
    model = patch_table(random.uniform(5, 25, (10, 12)))
    fields = []
    for row, column in ((0, 1), (3, 3), (5, 9), (7, 2), (9, 11), (2, 8)):
        block = Block(row, column, 1, 1)
        px = model.nucleus_px[block.patches]
        factor = random.normal(1.3, 0.04)
        true = np.round(px * factor).astype(np.int64)
        fields.append(FieldValues(block, true, model.tissue_px[block.patches], true // 100))
    error = corrected_error(model, fields)
    factor = slide_factor(model, fields)
    assert error is not None
    assert factor is not None
    assert str(error.basis) == "6 random corrected fields of this slide"
    assert density_interval(10, error, whole_slide=True) == pytest.approx(
        Interval(10 * factor.interval.low, 10 * factor.interval.high)
    )
    of_cell = density_interval(10, error)
    assert of_cell.low < 10 * factor.interval.low
    assert of_cell.high > 10 * factor.interval.high
    assert corrected_error(model, fields[:2]) is None


def test_the_error_on_an_organ_is_that_of_fields_of_it() -> None:
    brain, other = checked(seed=1, slides=4), checked(seed=2, slides=6)
    metrics = {
        "data_sets": [data_set("LGG", "brain: glioma", brain), data_set("gut", "colon", other)]
    }
    of_brain, of_other = validated(metrics), validated(metrics, "other")
    assert [str(f.slide) for f in of_other.fields] == [f"gut {f.slide}" for f in other]
    assert of_brain.basis.data_sets == ("LGG",)
    assert of_other.basis.data_sets == ("gut",)
    assert of_brain.turning_percent == of_other.turning_percent, "which is taken from all"
    del metrics["data_sets"][1]
    assert validated(metrics, "other") == validated(metrics), "where there is nothing else"
