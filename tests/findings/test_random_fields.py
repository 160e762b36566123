"""What random fields say of the slide; their interval holds the truth as often as it says."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_tissue import patch_table
from scipy import stats

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.annotation.sampling import draw_fields, is_sampled
from napari_glioma_density.density import Block, PatchState, PatchTable
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.random_fields import (
    RandomFields,
    Ratio,
    corrected_error,
    slide_factor,
)
from napari_glioma_density.findings.validation import Basis

VALIDATED = DensityError(0.03, 0.05, 2.0, 5, Basis(40, 5, ("GBM",)))


def ratio_of(
    found: list[float] | np.ndarray,
    corrected: list[float] | np.ndarray,
    population: int = 10**9,
    validated: DensityError | None = None,
    found_percent: float = 10.0,
) -> Ratio | None:
    # A view that repeats one value: as many patches as wanted, without their memory.
    stand_for = np.broadcast_to(np.True_, population)
    arrays = (np.array(values, np.float64) for values in (found, corrected))
    return RandomFields(*arrays, found_percent, stand_for).ratio(validated)


def test_the_ratio_by_hand() -> None:
    found = ratio_of([100, 200, 300], [110, 240, 310])
    assert found is not None
    assert found.ratio == pytest.approx(1.1)
    # residuals 0, 20, -20; s² = 800 / 2; mean 200; t(2) = 4.3027
    half = 4.302653 * np.sqrt(400 / (3 * 200**2))
    assert found.interval == pytest.approx((1.1 - half, 1.1 + half))
    assert found.fields == 3


def test_half_of_all_patches_leaves_less_doubt_and_all_leave_none() -> None:
    values = [100, 200, 300], [110, 240, 310]
    few, half, all_of_them = (ratio_of(*values, population) for population in (10**9, 6, 3))
    assert few
    assert half
    assert all_of_them
    assert half.standard_error == pytest.approx(few.standard_error * np.sqrt(1 / 2))
    assert all_of_them.interval == (all_of_them.ratio, all_of_them.ratio)


def test_few_fields_and_empty_ones_give_no_ratio() -> None:
    assert ratio_of([100, 200], [100, 210]) is None
    assert ratio_of([0, 0, 0], [5, 6, 7]) is None


def test_fields_scatter_no_less_than_those_of_validation() -> None:
    unchanged = ratio_of([100, 200, 300], [100, 200, 300], validated=VALIDATED)
    assert unchanged is not None
    assert unchanged.ratio == 1
    # Of validation at 10 %: 0.05 · sqrt(10² + 2²) points.
    scatter = 0.05 * np.sqrt(104) / 10
    assert unchanged.scatter == pytest.approx(scatter)
    half = stats.t.ppf(0.975, 2) * scatter / np.sqrt(3)
    assert unchanged.interval == pytest.approx((1 - half, 1 + half))
    wild = [100, 200, 300], [100, 400, 300]
    assert ratio_of(*wild, validated=VALIDATED) == ratio_of(*wild)


def test_unchanged_fields_of_a_model_without_validation_tell_nothing() -> None:
    assert ratio_of([100, 200, 300], [100, 200, 300]) is None


def population(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a model finds in the patches of a slide, and what is true: it misses some nuclei."""
    found = chance.gamma(6, 6000, 500)
    return found, found * chance.normal(1.12, 0.08, 500) + chance.normal(0, 800, 500)


def rarely_wrong(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same where the model misses a good deal of every seventh patch and is right else."""
    found = chance.gamma(6, 6000, 500)
    is_wrong = chance.random(500) < 1 / 7
    return found, found * np.where(is_wrong, chance.normal(1.12, 0.04, 500), 1)


def held(truth: object, fields: int, validated: DensityError | None) -> float:
    """Share of 600 slides whose interval holds the true ratio."""
    chance = np.random.default_rng(0)
    hits = 0
    for _ in range(600):
        found, true = truth(chance)  # type: ignore[operator]
        drawn = chance.choice(500, fields, replace=False)
        ratio = ratio_of(found[drawn], true[drawn], 500, validated)
        hits += ratio is not None and (
            ratio.interval.low <= true.sum() / found.sum() <= ratio.interval.high
        )
    return hits / 600


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    assert 0.92 < held(population, 10, None) < 0.98


def test_it_does_where_the_model_is_rarely_wrong() -> None:
    assert held(rarely_wrong, 5, None) < 0.7
    assert held(rarely_wrong, 5, VALIDATED) > 0.94


def test_the_interval_is_that_of_a_bootstrap() -> None:
    chance = np.random.default_rng(3)
    model, true = (values[:80] for values in population(chance))
    found = ratio_of(model, true)
    drawn = stats.bootstrap(
        (model, true),
        lambda x, y, axis: y.sum(axis=axis) / x.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert found is not None
    width = drawn.high - drawn.low
    assert found.interval == pytest.approx((drawn.low, drawn.high), abs=0.15 * width)


@pytest.fixture
def patches() -> PatchTable:
    """A slide of tissue, a corner of which is still to be looked at."""
    table = patch_table(np.random.default_rng(4).uniform(5, 30, (9, 11)))
    table.state[0, :3] = PatchState.PENDING
    return table


def times(patches: PatchTable, block: Block, factor: float) -> FieldValues:
    one = np.ones((1, 1), np.int64)
    return FieldValues(block, np.int64(factor * patches.nucleus_px[block.patches]), one, one)


def test_the_slide_factor_compares_fields_with_their_patches(patches: PatchTable) -> None:
    drawn = draw_fields(patches, np.zeros((9, 11), bool), number=6)
    fields = [times(patches, block, 2) for block in drawn]
    unread = FieldValues(Block(0, 1, 1, 1), *np.full((3, 1, 1), 10**6))
    seen_in_part = replace(times(patches, drawn[0], 9), read_px=np.zeros((1, 1), np.int64))
    factor = slide_factor(patches, [*fields, unread, seen_in_part], validated=VALIDATED)
    assert factor is not None
    assert factor.factor == pytest.approx(2)
    assert factor.fields == 6


def test_chosen_fields_stand_for_themselves_and_random_ones_for_the_rest(
    patches: PatchTable,
) -> None:
    chosen, *drawn = draw_fields(patches, np.zeros((9, 11), bool), number=7)
    fields = [times(patches, block, 2) for block in drawn]
    factor = slide_factor(patches, fields, [times(patches, chosen, 10)], VALIDATED)
    own = int(patches.nucleus_px[chosen.patches].sum())
    rest = int(patches.nucleus_px[is_sampled(patches)].sum()) - own
    assert factor is not None
    assert factor.factor == pytest.approx((10 * own + 2 * rest) / (own + rest))
    assert factor.fields == 6


def test_random_fields_stand_for_patches_with_little_tissue_too(patches: PatchTable) -> None:
    """The factor is that of the slide, the middle of the total's interval over the model's."""
    patches.tissue_px[5:] //= 3
    patches.nucleus_px[5:] //= 3
    chosen, *drawn = draw_fields(patches, np.zeros((9, 11), bool), number=7)
    assert all(block.row < 5 for block in drawn)
    fields, known = [times(patches, one, 2) for one in drawn], [times(patches, chosen, 10)]
    factor = slide_factor(patches, fields, known, VALIDATED)
    own = int(patches.nucleus_px[chosen.patches].sum())
    found = int(patches.nucleus_px[patches.is_read].sum())
    assert factor is not None
    assert factor.factor == pytest.approx((10 * own + 2 * (found - own)) / found)


def test_what_was_chosen_by_hand_is_not_what_random_fields_stand_for(patches: PatchTable) -> None:
    """Of 96 patches six are drawn; where 48 others are known, the six are a larger share."""
    everything = draw_fields(patches, np.zeros((9, 11), bool), number=96)
    drawn = [times(patches, block, 1 + 0.1 * place) for place, block in enumerate(everything[:6])]
    known = [times(patches, block, 1) for block in everything[6:54]]
    alone, beside = (corrected_error(patches, drawn, chosen) for chosen in ((), known))
    assert alone
    assert beside
    assert alone.centre == beside.centre
    shares = (np.sqrt(1 - 6 / population) for population in (96, 48))
    assert beside.slide_share / alone.slide_share == pytest.approx(1 / np.divide(*shares))
    of_slide = slide_factor(patches, drawn)
    assert of_slide is not None
    half = (of_slide.interval.high - of_slide.interval.low) / 2
    assert half == pytest.approx(stats.t.ppf(0.975, 5) * alone.slide_share)
