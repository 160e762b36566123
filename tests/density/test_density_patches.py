"""Densities of patches and their totals, against small cases worked out by hand."""

import numpy as np
import pytest
from chosen_patches import FULL, make_patches

from napari_glioma_density.density import Block, Lattice, PatchState, PatchTable

PENDING, BACKGROUND, READ, UNREAD, EXCLUDED = PatchState


def test_density_is_nucleus_px_over_read_px() -> None:
    patches = make_patches([[FULL // 50, FULL]], tissue_px=[[FULL // 2, FULL]])
    assert patches.density_percent().tolist() == [[2.0, 100.0]]
    assert patches.tissue_density_percent().tolist() == [[4.0, 100.0]]


def test_the_denominator_is_what_was_read() -> None:
    patches = make_patches([[50]], read_px=[[1000]], tissue_px=[[500]], unread_px=[[FULL - 1000]])
    assert patches.density_percent()[0, 0] == 5.0


@pytest.mark.parametrize("state", [PENDING, BACKGROUND, UNREAD, EXCLUDED])
def test_a_patch_that_was_not_read_has_no_density(state: PatchState) -> None:
    patches = make_patches([[100]], state=[[state]])
    for values in (
        patches.density_percent(),
        patches.tissue_density_percent(),
        patches.nuclei_per_mm2(),
    ):
        assert np.isnan(values[0, 0])


def test_nuclei_are_counted_per_mm2_of_tissue() -> None:
    patches = make_patches([[0]], count=[[144]], tissue_px=[[FULL // 2]])
    assert patches.nuclei_per_mm2()[0, 0] == pytest.approx(144 / (0.24**2 / 2))


def test_a_read_patch_without_tissue_has_no_tissue_density() -> None:
    patches = make_patches([[0]], tissue_px=[[0]])
    assert patches.density_percent()[0, 0] == 0.0
    assert np.isnan(patches.tissue_density_percent()[0, 0])


def test_totals_add_px_and_not_percentages() -> None:
    patches = make_patches([[90, 10]], read_px=[[100, 900]], tissue_px=[[100, 300]])
    totals = patches.totals()
    assert totals.density_percent == 10.0
    assert totals.tissue_density_percent == 25.0


def test_totals_of_nothing_read_are_unknown_and_never_0_percent() -> None:
    totals = PatchTable.pending(Lattice.over(1000, 1000, 0.5)).totals()
    assert totals.density_percent is None
    assert totals.tissue_density_percent is None
    assert totals.nuclei_per_mm2 is None
    assert totals.bands == (0.0,) * 6
    assert totals.pending == 9
    assert not totals.complete


def test_totals_keep_to_their_scope() -> None:
    patches = make_patches([[FULL, 0]], state=[[READ, PENDING]])
    totals = patches.totals(np.array([[True, False]]))
    assert totals.density_percent == 100.0
    assert totals.complete
    assert not patches.totals().complete


def test_unread_area_is_told_and_in_no_denominator() -> None:
    patches = make_patches(
        [[FULL // 10, 0, 0]],
        state=[[READ, UNREAD, BACKGROUND]],
        read_px=[[FULL, 0, 0]],
        unread_px=[[0, FULL, 0]],
    )
    totals = patches.totals()
    assert totals.density_percent == 10.0
    assert totals.read_mm2 == pytest.approx(0.24**2)
    assert totals.unread_mm2 == pytest.approx(0.24**2)
    assert totals.patches == 2
    assert totals.complete


def test_band_shares_of_read_patches_sum_to_one() -> None:
    nucleus = [[FULL * percent // 100 for percent in (1, 3, 5, 10, 18, 50, 100, 99)]]
    patches = make_patches(nucleus, state=[[READ] * 7 + [EXCLUDED]])
    shares = patches.totals().bands
    assert shares == pytest.approx((1 / 7, 1 / 7, 1 / 7, 1 / 7, 1 / 7, 2 / 7))
    assert sum(shares) == pytest.approx(1)


def test_blocks_meet_where_they_share_a_patch() -> None:
    block = Block(2, 3, 2, 1)
    lattice = np.zeros((7, 7), bool)
    lattice[block.patches] = True
    for row, column in np.ndindex(5, 5):
        other = Block(row, column, 1, 2)
        assert block.meets(other) == other.meets(block) == bool(lattice[other.patches].any())
