"""Places beside a drawn line, checked against shapely."""

import numpy as np
import pytest
import shapely

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.drawn_line import DrawnLine

CORNERED = shapely.LineString([(50, 400), (200, 100), (260, 420), (300, 90), (600, 300)])
X = np.arange(2.0, 640, 7)
Y = np.arange(1.0, 480, 7)


def points() -> np.ndarray:
    return shapely.points(*np.meshgrid(X, Y))


def test_distances_and_feet_are_those_of_shapely() -> None:
    beside = DrawnLine.of(CORNERED).beside(X, Y)
    np.testing.assert_allclose(np.abs(beside.across_px), shapely.distance(CORNERED, points()))
    feet = shapely.line_interpolate_point(CORNERED, beside.along_px)
    np.testing.assert_allclose(
        shapely.distance(feet, points()), shapely.distance(CORNERED, points()), atol=1e-6
    )


def test_a_ring_has_its_inside_on_one_side() -> None:
    ring = shapely.LineString(
        [(100, 100), (500, 60), (300, 200), (520, 400), (90, 350), (100, 100)]
    )
    beside = DrawnLine.of(ring).beside(X, Y)
    inside = shapely.contains(shapely.Polygon(ring), points())
    # Drawn clockwise on screen: the inside is on the right.
    np.testing.assert_array_equal(beside.across_px > 0, inside)
    assert beside.has_foot.all()


def test_left_and_right_are_those_seen_on_screen() -> None:
    to_the_right = DrawnLine.of(shapely.LineString([(0, 50), (100, 50)]))
    across = to_the_right.beside(np.array([50.0]), np.array([20.0, 90.0])).across_px
    assert across.ravel().tolist() == [-30, 40]


def test_nothing_beyond_the_ends_has_a_foot() -> None:
    line = DrawnLine.of(shapely.LineString([(100, 50), (200, 50), (200, 150)]))
    has_foot = line.beside(np.array([90.0, 150.0]), np.array([60.0, 140.0, 160.0])).has_foot
    assert has_foot.tolist() == [[False, True], [False, True], [False, False]]


def test_only_near_pieces_are_looked_at_and_change_nothing() -> None:
    angle = np.linspace(0, 2 * np.pi, 400)
    wavy = 300 + (200 + 20 * np.cos(9 * angle)) * np.stack([np.cos(angle), np.sin(angle)])
    line = shapely.LineString(wavy.T)
    x, y = np.arange(480.0, 500), np.arange(300.0, 320)
    drawn = DrawnLine.of(line)
    assert drawn._near(x, y).size < len(drawn.lengths_px) / 3
    exact = shapely.distance(line, shapely.points(*np.meshgrid(x, y)))
    # A freehand line may be straightened by a px.
    np.testing.assert_allclose(np.abs(drawn.beside(x, y).across_px), exact, atol=1)


@pytest.mark.parametrize(
    "drawing",
    [
        shapely.LineString([(5, 5), (5, 5)]),
        shapely.MultiLineString([[(0, 0), (10, 0)], [(20, 5), (30, 5)]]),
        shapely.box(0, 0, 9, 9),
    ],
)
def test_what_is_not_one_line_is_refused(drawing: shapely.Geometry) -> None:
    with pytest.raises(BadInput, match="draw one"):
        DrawnLine.of(drawing)
