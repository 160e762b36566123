"""Random fields are random, and their interval holds the truth as often as it says."""

import numpy as np
import pytest
from scipy import stats

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.annotation.sampling import correction_factor, draw_fields, slide_factor
from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable

NOTHING_TAKEN = np.zeros((12, 15), bool)


@pytest.fixture
def patches() -> PatchTable:
    """Every state, and every share of tissue."""
    chance = np.random.default_rng(4)
    lattice = Lattice.over(12 * PATCH_PX, 15 * PATCH_PX, 0.5)
    full = lattice.patch_px()
    state = chance.choice([s.value for s in PatchState] + [2] * 6, full.shape).astype(np.uint8)
    tissue = (full * chance.uniform(0, 1, full.shape)).astype(np.int64)
    return PatchTable(lattice, state, tissue // 4, full, tissue, 0 * full, tissue // 1000)


def test_fields_fall_on_tissue_that_was_read_and_is_not_taken(patches: PatchTable) -> None:
    taken = np.random.default_rng(1).random(NOTHING_TAKEN.shape) < 0.3
    drawn = draw_fields(patches, taken, number=1000, seed=3)
    eligible = patches.is_read & (patches.tissue_px * 2 >= patches.read_px) & ~taken
    places = {(block.row, block.column) for block in drawn}
    assert len(places) == len(drawn) == np.count_nonzero(eligible)
    assert all(eligible[place] for place in places)
    assert {(block.rows, block.columns) for block in drawn} == {(1, 1)}


def test_the_seed_decides(patches: PatchTable) -> None:
    one, again, other = (draw_fields(patches, NOTHING_TAKEN, seed=seed) for seed in (1, 1, 2))
    assert len(one) == 10
    assert one == again
    assert set(one) != set(other)


def test_every_patch_is_as_likely(patches: PatchTable) -> None:
    eligible = patches.is_read & (patches.tissue_px * 2 >= patches.read_px)
    hits = np.zeros(eligible.shape)
    for seed in range(600):
        for block in draw_fields(patches, NOTHING_TAKEN, seed=seed):
            hits[block.row, block.column] += 1
    observed = hits[eligible]
    # Draws of one seed exclude each other, which makes the statistic a little smaller.
    assert stats.chisquare(observed).pvalue > 0.001


def test_without_tissue_nothing_is_drawn(patches: PatchTable) -> None:
    assert draw_fields(patches, ~NOTHING_TAKEN) == ()


def test_the_factor_by_hand() -> None:
    factor = correction_factor([100, 200, 300], [110, 240, 310])
    assert factor is not None
    assert factor.factor == pytest.approx(1.1)
    # residuals 0, 20, -20; s² = 800 / 2; mean 200; t(2) = 4.3027
    half = 4.302653 * np.sqrt(400 / (3 * 200**2))
    assert (factor.low, factor.high) == pytest.approx((1.1 - half, 1.1 + half))
    assert factor.fields == 3


def test_a_sample_of_everything_leaves_no_doubt() -> None:
    factor = correction_factor([100, 200, 300], [110, 240, 310], population=3)
    assert factor is not None
    assert factor.low == factor.high == factor.factor


def test_few_fields_and_empty_ones_give_no_factor() -> None:
    assert correction_factor([100, 200], [100, 210]) is None
    assert correction_factor([0, 0, 0], [5, 6, 7]) is None


def population(chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """What a model finds in the patches of a slide, and what is true: it misses some nuclei."""
    found = chance.gamma(6, 6000, 500)
    return found, found * chance.normal(1.12, 0.08, 500) + chance.normal(0, 800, 500)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = np.random.default_rng(0)
    held = 0
    for _ in range(600):
        model, true = population(chance)
        drawn = chance.choice(500, 10, replace=False)
        factor = correction_factor(model[drawn], true[drawn], population=500)
        assert factor is not None
        held += factor.low <= true.sum() / model.sum() <= factor.high
    assert 0.92 < held / 600 < 0.98


def test_the_interval_is_that_of_a_bootstrap() -> None:
    chance = np.random.default_rng(3)
    model, true = (values[:80] for values in population(chance))
    factor = correction_factor(model, true)
    drawn = stats.bootstrap(
        (model, true),
        lambda x, y, axis: y.sum(axis=axis) / x.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert factor is not None
    width = drawn.high - drawn.low
    assert factor.low == pytest.approx(drawn.low, abs=0.15 * width)
    assert factor.high == pytest.approx(drawn.high, abs=0.15 * width)


def test_the_slide_factor_compares_fields_with_their_patches(patches: PatchTable) -> None:
    drawn = draw_fields(patches, NOTHING_TAKEN, number=6)
    one = np.ones((1, 1), np.int64)
    fields = [
        FieldValues(block, 2 * patches.nucleus_px[block.patches], one, one) for block in drawn
    ]
    pending = Block(*np.argwhere(patches.state == PatchState.PENDING)[0].tolist(), 1, 1)
    fields.append(FieldValues(pending, 10**6 * one, one, one))
    factor = slide_factor(patches, fields)
    assert factor is not None
    assert (factor.factor, factor.low, factor.high) == pytest.approx((2, 2, 2))
    assert factor.fields == 6


def test_chosen_fields_stand_for_themselves_and_random_ones_for_the_rest(
    patches: PatchTable,
) -> None:
    chosen, *drawn = draw_fields(patches, NOTHING_TAKEN, number=7)
    one = np.ones((1, 1), np.int64)

    def times(factor: int, block: Block) -> FieldValues:
        return FieldValues(block, factor * patches.nucleus_px[block.patches], one, one)

    factor = slide_factor(patches, [times(2, block) for block in drawn], [times(10, chosen)])
    tissue = patches.is_read & (patches.tissue_px * 2 >= patches.read_px)
    own = int(patches.nucleus_px[chosen.patches].sum())
    rest = int(patches.nucleus_px[tissue].sum()) - own
    assert factor is not None
    assert factor.factor == pytest.approx((10 * own + 2 * rest) / (own + rest))
    assert factor.fields == 6
