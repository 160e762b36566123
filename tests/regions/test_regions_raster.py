"""Pixels and patches that an outline covers are those that shapely finds one by one."""

import numpy as np
import pytest
import shapely
from made_up_runs import HEIGHT, LATTICE, WIDTH, centres_inside, shapes, star

from napari_glioma_density.density import PATCH_PX, Block, Lattice
from napari_glioma_density.regions.raster import covered_pixels, patches_met

WHOLE = slice(0, HEIGHT), slice(0, WIDTH)


@pytest.mark.parametrize("name", shapes())
def test_covered_pixels_are_those_whose_centre_shapely_finds_inside(name: str) -> None:
    shape = shapes()[name]
    expected = centres_inside(shape)
    assert np.array_equal(covered_pixels(shape, WHOLE), expected)
    chance = np.random.default_rng(3)
    for _ in range(5):
        top, bottom = sorted(chance.integers(0, HEIGHT + 1, 2).tolist())
        left, right = sorted(chance.integers(0, WIDTH + 1, 2).tolist())
        window = slice(top, bottom), slice(left, right)
        assert np.array_equal(covered_pixels(shape, window), expected[window])


@pytest.mark.parametrize("name", shapes())
def test_patches_are_inside_divided_or_outside_as_their_pixels_are(name: str) -> None:
    shape = shapes()[name]
    inside, crossed = patches_met(shape, LATTICE)
    expected = centres_inside(shape)
    assert not (inside & crossed).any()
    for row, column in np.ndindex(inside.shape):
        pixels = expected[LATTICE.window(Block(row, column, 1, 1))]
        if inside[row, column]:
            assert pixels.all()
        elif not crossed[row, column]:
            assert not pixels.any()


def test_an_outline_on_patch_borders_or_beyond_the_slide_divides_no_patch() -> None:
    for name, patches in (("on patch borders", 4), ("around the slide", 12)):
        inside, crossed = patches_met(shapes()[name], LATTICE)
        assert inside.sum() == patches
        assert not crossed.any()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_neighbours_share_no_pixel_and_leave_none_out(seed: int) -> None:
    """Triangles whose corners and edges run through centres of pixels."""
    chance = np.random.default_rng(seed)
    corners = [(0.5, 0.5), (300.5, 0.5), (0.5, 200.5), (300.5, 200.5)]
    points = shapely.MultiPoint([*corners, *(chance.integers(1, 200, (40, 2)) + 0.5).tolist()])
    window = slice(0, 210), slice(0, 310)
    triangles = shapely.get_parts(shapely.delaunay_triangles(points))
    covered = sum(covered_pixels(triangle, window).astype(int) for triangle in triangles)
    expected = np.zeros((210, 310), int)
    expected[0:200, 0:300] = 1
    assert np.array_equal(covered, expected)


@pytest.mark.parametrize(
    "shape",
    [shapely.LineString([(0, 0), (900, 900)]), shapely.Point(5, 5), shapely.MultiPolygon()],
)
def test_what_has_no_area_covers_nothing(shape: shapely.Geometry) -> None:
    assert not covered_pixels(shape, WHOLE).any()
    assert not np.any(patches_met(shape, LATTICE))


def test_thousands_of_random_outlines_agree_with_shapely_on_their_patches() -> None:
    """Thin, steep and flat ones among them, on patches of which a handful of px is looked at."""
    lattice = Lattice.over(6 * PATCH_PX - 7, 6 * PATCH_PX - 3, 0.5)
    chance = np.random.default_rng(5)
    for seed in range(300):
        centre = chance.uniform(-200, 6 * PATCH_PX + 200, 2)
        squeeze = 10.0 ** chance.uniform(-3, 0, 2)
        shape = shapely.transform(
            star(seed, (0, 0), 900, 12), lambda xy, c=centre, s=squeeze: xy * s + c
        )
        inside, crossed = patches_met(shape, lattice)
        spots = chance.integers(0, (lattice.height_px, lattice.width_px), (400, 2))
        held = shapely.contains_xy(shape, spots[:, 1] + 0.5, spots[:, 0] + 0.5)
        patch = tuple((spots // PATCH_PX).T)
        assert held[inside[patch]].all()
        assert not held[~inside[patch] & ~crossed[patch]].any()
