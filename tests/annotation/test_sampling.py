"""Random fields are random."""

import numpy as np
import pytest
from scipy import stats

from napari_glioma_density.annotation.sampling import draw_fields
from napari_glioma_density.density import PATCH_PX, Lattice, PatchState, PatchTable

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
