"""Ratios, regions and estimates against each other."""

import dataclasses

import numpy as np
import pytest
from drawn_tissue import patch_table
from scipy import stats

from napari_glioma_density.density import PatchState, PatchTable, cell_grid, measure_cells
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.comparison import compare, ratio_to_reference
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.estimate_comparison import compare_estimates
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.regions.measuring import REGION_PART_DTYPE, RegionSums

ERROR = DensityError(0.1, 0.05, 0.0, 5, Basis(5, 5, ("made up",)))


def sums(nucleus: int, tissue: int) -> RegionSums:
    return RegionSums(nucleus, tissue, tissue, nucleus // 100, 0.25e-6)


def parts(percent: np.ndarray) -> np.ndarray:
    """Patches of these densities, of 1000 tissue px each, one beside the other."""
    made = np.zeros(percent.size, REGION_PART_DTYPE)
    made["row"], made["column"] = np.divmod(np.arange(percent.size), 10)
    made["nucleus_px"], made["tissue_px"] = np.round(10 * percent), 1000
    return made


def of(made: np.ndarray) -> RegionSums:
    return sums(int(made["nucleus_px"].sum()), int(made["tissue_px"].sum()))


def without(patches: PatchTable, gone: np.ndarray) -> PatchTable:
    state = np.where(gone, PatchState.EXCLUDED, patches.state).astype(np.uint8)
    return dataclasses.replace(patches, state=state)


def test_cells_are_given_over_the_reference_regions_together() -> None:
    patches = patch_table(np.array([[3.0, 12.0], [6.0, 0.0]]))
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    reference = sums(20, 1000) + sums(40, 1000)
    assert ratio_to_reference(cells, reference) == pytest.approx((1, 4, 2, 0), rel=1e-3)
    assert ratio_to_reference(cells, sums(0, 1000)) == (None,) * 4
    assert ratio_to_reference(cells, sums(0, 0)) == (None,) * 4


def test_a_cell_without_tissue_has_no_ratio() -> None:
    patches = patch_table(np.zeros((1, 1)), tissue_share=0)
    cells = measure_cells(patches, cell_grid(patches.lattice))
    assert ratio_to_reference(cells, sums(20, 1000)) == (None,)


def test_the_bias_of_the_slide_cancels_in_the_ratio_and_scales_the_difference() -> None:
    a, b = sums(200, 1000), sums(100, 1000)
    only_slide = dataclasses.replace(ERROR, tissue_share=0.0)
    found = compare(a, b, error=only_slide)
    assert found is not None
    assert (found.difference_points, found.ratio) == (10, 2)
    assert found.ratio_interval == pytest.approx((2, 2))
    assert found.difference_interval is not None
    assert found.difference_interval.high - 10 == pytest.approx(ERROR.factor * 0.1 * 10)
    assert found.covers == "model"
    with_tissue = compare(a, b, error=ERROR)
    assert with_tissue is not None
    assert with_tissue.ratio_interval is not None
    log_half = np.log(with_tissue.ratio_interval.high / 2)
    assert log_half == pytest.approx(ERROR.factor * 0.05 * np.sqrt(2))


def test_the_bias_of_the_slide_does_not_cancel_in_the_ratio_to_sparse_tissue() -> None:
    only_slide = dataclasses.replace(ERROR, tissue_share=0.0, turning_percent=10.0)
    found = compare(sums(200, 1000), sums(20, 1000), error=only_slide)
    assert found is not None
    assert found.ratio_interval is not None
    # A slide with one standard deviation of error: both densities and their ratio in truth.
    true = [d - 0.1 * np.hypot(d, 10) for d in (20, 2)]
    off = np.log(true[0] / true[1] / 10)
    half = np.log(found.ratio_interval.high / 10)
    assert half == pytest.approx(ERROR.factor * off, rel=0.4)  # first order
    assert found.difference_interval is not None
    difference = found.difference_interval.high - 18
    assert difference == pytest.approx(ERROR.factor * (18 - (true[0] - true[1])))


def test_intervals_hold_the_difference_of_regions_drawn_anew() -> None:
    random = np.random.default_rng(7)
    held = ratio_held = 0
    for _ in range(60):
        a, b = parts(random.normal(20, 4, 24)), parts(random.normal(12, 4, 30))
        found = compare(of(a), of(b), a, b)
        assert found is not None
        assert found.difference_interval is not None
        assert found.ratio_interval is not None
        held += found.difference_interval.low < 8 < found.difference_interval.high
        ratio_held += found.ratio_interval.low < 20 / 12 < found.ratio_interval.high
    assert found.covers == "tissue"
    assert min(held, ratio_held) >= 54


def test_variances_of_tissue_and_model_add_up_about_what_is_true() -> None:
    random = np.random.default_rng(3)
    a, b = parts(random.normal(20, 4, 30)), parts(random.normal(12, 4, 30))
    error = dataclasses.replace(ERROR, centre=1.5)

    def half(*patches: np.ndarray, error: DensityError | None = None) -> float:
        found = compare(of(a), of(b), *patches, error=error)
        assert found is not None
        assert found.difference_interval is not None
        low, high = found.difference_interval
        middle = found.difference_points * (error.centre if error else 1)
        assert (low + high) / 2 == pytest.approx(middle)
        return (high - low) / 2

    tissue, model = half(a, b) / stats.norm.ppf(0.975), half(error=error) / error.factor
    assert half(a, b, error=error) == pytest.approx(error.factor * np.hypot(1.5 * tissue, model))


def test_the_spread_of_a_few_pieces_is_that_of_their_means() -> None:
    random = np.random.default_rng(8)
    a, b = parts(random.normal(20, 4, 6)), parts(random.normal(12, 4, 6))
    found = compare(of(a), of(b), a, b)
    assert found is not None
    assert found.difference_interval is not None
    of_means = [part["nucleus_px"] / 10 for part in (a, b)]
    error = np.sqrt(sum(percent.var(ddof=1) / 6 for percent in of_means))
    half = found.difference_interval.high - found.difference_points
    assert half == pytest.approx(stats.norm.ppf(0.975) * error, rel=0.05)


def test_neighbours_that_resemble_each_other_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    coarse = random.normal(15, 4, (10, 10)).repeat(3, 0).repeat(3, 1)
    shuffled = random.permutation(coarse.ravel()).reshape(coarse.shape)
    half = []
    for percent in (coarse, shuffled):
        made = np.zeros(percent.size, REGION_PART_DTYPE)
        made["row"], made["column"] = (axis.ravel() for axis in np.indices(percent.shape))
        made["nucleus_px"], made["tissue_px"] = np.round(10 * percent).ravel(), 1000
        found = compare(of(made), of(made), made, made)
        assert found is not None
        assert found.difference_interval is not None
        half.append(found.difference_interval.high)
    assert half[0] > 1.8 * half[1]


def test_what_a_person_vouches_for_is_known_and_the_models_error_holds_for_the_rest() -> None:
    error = dataclasses.replace(ERROR, centre=1.25)
    # The reader found 20 % in A, every patch of it; the model finds 16 % in B, where 20 % is true.
    a, b = parts(np.full(10, 20.0)), parts(np.full(10, 16.0))
    b["row"] += 1
    known = np.zeros((2, 10), bool)
    known[0] = True
    found = compare(of(a), of(b), a, b, error, known)
    assert found is not None
    assert found.difference_points == pytest.approx(4)
    assert found.difference_interval is not None
    half = error.factor * np.hypot(error.slide_sd(16), error.tissue_sd(16))
    assert found.difference_interval == pytest.approx((-half, half))
    assert found.ratio_interval is not None
    log_half = error.factor * np.hypot(error.slide_sd(16), error.tissue_sd(16)) / 20
    assert found.ratio_interval == pytest.approx((np.exp(-log_half), np.exp(log_half)))


def test_half_of_a_region_vouched_for_halves_what_the_model_makes_unsure() -> None:
    a, b = parts(np.full(4, 20.0)), parts(np.full(4, 12.0))
    half_known = np.array([[True, True, False, False]])
    error = dataclasses.replace(ERROR, centre=1.5)
    found = compare(of(a), of(b), a, b, error, half_known)
    assert found is not None
    assert found.difference_interval is not None
    low, high = found.difference_interval
    assert (low + high) / 2 == pytest.approx((20 - 12) / 2 * (1 + 1.5))
    tissue = np.hypot(error.tissue_sd(20), error.tissue_sd(12))
    whole = np.hypot(tissue, error.slide_sd(20) - error.slide_sd(12))
    assert (high - low) / 2 == pytest.approx(error.factor * whole / 2)


def test_a_region_that_was_edited_and_not_finished_is_not_put_right_twice() -> None:
    error = dataclasses.replace(ERROR, centre=1.25)
    a, b = parts(np.full(4, 20.0)), parts(np.full(4, 16.0))
    b["row"] += 1
    known, edited = np.zeros((2, 2, 10), bool)
    edited[0] = True
    found = compare(of(a), of(b), a, b, error, known, edited)
    assert found is not None
    assert found.difference_interval is not None
    own = np.hypot(error.tissue_sd(20), error.tissue_sd(16))
    half = error.factor * np.hypot(own, error.slide_sd(20) - error.slide_sd(16))
    assert found.difference_interval == pytest.approx((-half, half))


def test_between_regions_gone_through_by_hand_the_model_leaves_nothing_unsure() -> None:
    random = np.random.default_rng(4)
    a, b = parts(random.normal(20, 4, 10)), parts(random.normal(12, 4, 10))
    error = dataclasses.replace(ERROR, centre=1.5)
    found = compare(of(a), of(b), a, b, error, np.ones((1, 10), bool))
    assert found == compare(of(a), of(b), a, b)
    few = [made[:4] for made in (a, b)]
    found = compare(*map(of, few), *few, error, np.ones((1, 10), bool))
    assert found is not None
    assert (found.difference_interval, found.covers) == (None, "by hand")


def test_nothing_known_gives_no_interval_and_no_tissue_no_comparison() -> None:
    found = compare(sums(200, 1000), sums(0, 1000), parts(np.full(4, 20.0)), parts(np.zeros(4)))
    assert found is not None
    assert (found.difference_points, found.ratio) == (20, None)
    assert (found.difference_interval, found.ratio_interval) == (None, None)
    assert found.covers == "unknown"
    assert compare(sums(1, 10), sums(0, 0)) is None


def test_two_estimates_are_compared_where_both_have_read() -> None:
    random = np.random.default_rng(4)
    first = patch_table(random.uniform(5, 20, (3, 4)))
    second = patch_table(random.uniform(5, 20, (3, 4)))
    gone = np.zeros((3, 4), bool)
    gone[0, :2] = True
    first = without(first, gone)
    second.state[2, 3] = PatchState.PENDING
    common = ~gone
    common[2, 3] = False
    found = compare_estimates(first, second)
    expected = (100 * (second.nucleus_px - first.nucleus_px) / first.read_px)[common]
    np.testing.assert_array_equal(np.isnan(found.difference_points), ~common)
    np.testing.assert_allclose(found.difference_points[common], expected)
    assert found.patches == 9
    assert found.agreement is not None
    assert found.agreement == pytest.approx(
        (
            expected.mean(),
            expected.mean() - 1.96 * expected.std(ddof=1),
            expected.mean() + 1.96 * expected.std(ddof=1),
        )
    )
    assert found.second.density_percent == pytest.approx(
        100 * second.nucleus_px[common].sum() / second.read_px[common].sum()
    )
    # Patches are of one size here, so totals differ by the mean.
    assert found.first.density_percent is not None
    assert found.second.density_percent - found.first.density_percent == pytest.approx(
        found.agreement.bias
    )


def test_estimates_without_a_common_patch_say_so_and_other_lattices_are_refused() -> None:
    one = patch_table(np.full((2, 2), 10.0))
    nothing = compare_estimates(one, without(one, np.ones((2, 2), bool)))
    assert (nothing.patches, nothing.agreement) == (0, None)
    with pytest.raises(BadInput, match="runs of one slide"):
        compare_estimates(one, patch_table(np.full((2, 3), 10.0)))


def test_a_difference_reaches_no_further_than_100_points() -> None:
    found = compare(sums(990, 1000), sums(5, 1000), error=ERROR)
    assert found is not None
    assert found.difference_interval is not None
    assert found.difference_interval.low < found.difference_points < 100
    assert found.difference_interval.high == 100


def test_in_the_whole_slide_the_errors_of_single_tissues_cancel_out() -> None:
    part, slide = sums(200, 1000), sums(1000, 10_000)
    found = compare(part, slide, error=ERROR, whole_slide=(False, True))
    assert found is not None
    assert found.difference_interval is not None
    assert found.ratio_interval is not None
    half = ERROR.factor * np.hypot(ERROR.tissue_sd(20), ERROR.slide_sd(20) - ERROR.slide_sd(10))
    assert found.difference_interval == pytest.approx((10 - half, 10 + half))
    assert np.log(found.ratio_interval.high / 2) == pytest.approx(ERROR.factor * 0.05)
    turned = compare(slide, part, error=ERROR, whole_slide=(True, False))
    assert turned is not None
    assert turned.difference_interval == pytest.approx((-10 - half, -10 + half))
