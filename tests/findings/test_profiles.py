"""Density against distance from a line, against sums over masks made here."""

import numpy as np
import pytest
import shapely
from drawn_tissue import LEVEL0_PX, measured_of, read_in_part, scattered_nuclei

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.profiles import profile_along, profile_from_border

HEIGHT, WIDTH = 960, 1500
MASK = scattered_nuclei(np.broadcast_to(np.linspace(0.02, 0.3, WIDTH), (HEIGHT, WIDTH)), seed=4)
DOWN = shapely.LineString([(LEVEL0_PX * 800, 0), (LEVEL0_PX * 800, LEVEL0_PX * HEIGHT)])


def test_bands_beside_a_straight_border_are_strips_of_the_mask() -> None:
    profile = profile_from_border(DOWN, 200, 50, measured_of(MASK))
    assert profile.distance_um.tolist() == [-175, -125, -75, -25, 25, 75, 125, 175]
    # Drawn downwards, the left of the drawing direction is the right of the screen.
    strips = [MASK[:, 800 + 100 * n : 900 + 100 * n] for n in (3, 2, 1, 0, -1, -2, -3, -4)]
    expected = [100 * strip.mean() for strip in strips]
    np.testing.assert_allclose(profile.density_percent, expected)
    np.testing.assert_allclose(profile.tissue_density_percent, expected)
    np.testing.assert_allclose(profile.tissue_mm2, HEIGHT * 100 * 0.25e-6)


def test_drawing_the_other_way_turns_the_sides() -> None:
    measured = measured_of(MASK)
    there, back = (profile_from_border(line, 150, 50, measured) for line in (DOWN, DOWN.reverse()))
    np.testing.assert_allclose(there.density_percent, back.density_percent[::-1])


def test_bands_beside_a_cornered_border_are_those_of_distances_to_every_pixel() -> None:
    line = shapely.LineString([(-400, 300), (900, 500), (600, 700), (1900, 1300)])
    mask = np.ascontiguousarray(MASK[:700, 300:1000])
    profile = profile_from_border(line, 120, 40, measured_of(mask))
    x, y = np.meshgrid(*(np.arange(side) + 0.5 for side in mask.shape[::-1]))
    in_plane = shapely.transform(line, lambda xy: xy / LEVEL0_PX)
    away_um = shapely.distance(in_plane, shapely.points(x, y)) * 0.5
    for band in range(3):
        inside = (away_um >= 40 * band) & (away_um < 40 * band + 40)
        both = profile.nucleus_px.sum(axis=0)[[2 - band, 3 + band]].sum()
        assert both == pytest.approx(np.count_nonzero(mask[inside]), rel=5e-3)
        both = profile.read_px.sum(axis=0)[[2 - band, 3 + band]].sum()
        assert both == pytest.approx(np.count_nonzero(inside), rel=5e-3)


def test_steps_along_a_line_are_slices_of_its_strip() -> None:
    line = shapely.LineString(
        [(LEVEL0_PX * 100, LEVEL0_PX * 400), (LEVEL0_PX * 1000, LEVEL0_PX * 400)]
    )
    profile = profile_along(line, 200, 100, measured_of(MASK))
    assert profile.distance_um.tolist() == [50, 150, 250, 350, 425]
    slices = [MASK[200:600, start : min(start + 200, 1000)] for start in range(100, 1000, 200)]
    np.testing.assert_allclose(profile.density_percent, [100 * one.mean() for one in slices])
    assert profile.tissue_mm2[-1] == pytest.approx(profile.tissue_mm2[0] / 2)


def test_glass_is_in_the_density_of_what_was_read_but_not_of_tissue() -> None:
    tissue = np.ones((HEIGHT // 16, -(-WIDTH // 16)), bool)
    tissue[: HEIGHT // 32] = False
    mask = MASK.copy()
    mask[: HEIGHT // 2] = 0
    profile = profile_from_border(DOWN, 100, 50, measured_of(mask, tissue))
    np.testing.assert_allclose(profile.tissue_density_percent, 2 * profile.density_percent)


def test_what_is_left_out_is_in_no_step() -> None:
    gone = shapely.box(0, 0, 2 * LEVEL0_PX * WIDTH, LEVEL0_PX * 500)
    profile = profile_from_border(DOWN, 100, 50, measured_of(MASK), gone)
    expected = [100 * MASK[500:, 800 + 100 * n : 900 + 100 * n].mean() for n in (1, 0, -1, -2)]
    np.testing.assert_allclose(profile.density_percent, expected)
    everything = shapely.box(-1, -1, 2 * LEVEL0_PX * WIDTH, 2 * LEVEL0_PX * HEIGHT)
    nothing = profile_from_border(DOWN, 100, 50, measured_of(MASK), everything)
    assert np.isnan(nothing.tissue_density_percent).all()
    assert not nothing.tissue_mm2.any()


def test_all_of_a_slide_within_reach_adds_up_to_the_patch_table() -> None:
    measured = measured_of(MASK, unread=0.25)
    profile = profile_from_border(DOWN, 1000, 50, measured)
    for name in ("nucleus_px", "read_px", "tissue_px"):
        total = getattr(measured.patches, name).sum()
        assert getattr(profile, name).sum() == pytest.approx(total), name


def test_steps_over_a_damaged_tile_hold_what_was_read_where_the_run_keeps_it() -> None:
    unread = np.zeros(MASK.shape, bool)
    unread[100:300, 820:900] = True
    mask = MASK * ~unread
    profile = profile_from_border(DOWN, 200, 50, read_in_part(mask, unread))
    strips = [np.s_[:, 800 + 100 * n : 900 + 100 * n] for n in (1, 0, -1)]
    assert [profile.read_px[:, 2:5].sum(0).tolist()] == [[(~unread[s]).sum() for s in strips]]
    assert [profile.nucleus_px[:, 2:5].sum(0).tolist()] == [[mask[s].sum() for s in strips]]


@pytest.mark.parametrize(("reach", "step"), [(100, 3), (0, 50), (float("nan"), 50)])
def test_steps_that_cannot_be_measured_are_refused(reach: float, step: float) -> None:
    with pytest.raises(BadInput, match="10 µm or more"):
        profile_from_border(DOWN, reach, step, measured_of(MASK[:480, :960]))
