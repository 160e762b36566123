"""Pictures of wrong pixels: what is red, what is blue, what is left alone."""

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.training.field_pictures import AGREED, draw_errors, draw_field

SIDE = 60
TISSUE = (200, 150, 180)


def overlapping_squares() -> tuple[NDArray[np.uint8], NDArray[np.uint16], NDArray[np.bool_]]:
    """Truth in columns 10–39, prediction in 20–49, both in rows 10–49."""
    rgb = np.full((SIDE, SIDE, 3), TISSUE, np.uint8)
    labels, mask = np.zeros((SIDE, SIDE), np.uint16), np.zeros((SIDE, SIDE), bool)
    labels[10:50, 10:40] = 4
    mask[10:50, 20:50] = True
    return rgb, labels, mask


def test_errors_are_coloured_and_the_rest_is_left_as_it_was() -> None:
    rgb, labels, mask = overlapping_squares()
    picture = draw_errors(rgb, labels, mask).astype(int)
    red, green, blue = picture[30, 45]
    assert red > 200 > 100 > max(green, blue)
    red, green, blue = picture[30, 15]
    assert blue > 200 > 120 > red
    assert tuple(picture[30, 30]) == TISSUE == tuple(picture[5, 5])
    assert {tuple(picture[30, x]) for x in (20, 39)} == {AGREED}
    assert np.array_equal(rgb, overlapping_squares()[0])


def test_errors_stay_see_through() -> None:
    rgb, labels, mask = overlapping_squares()
    rgb[30, 45] = rgb[30, 15] = 0
    picture = draw_errors(rgb, labels, mask)
    assert np.any(picture[30, 45] != picture[31, 45])
    assert np.any(picture[30, 15] != picture[31, 15])


def test_the_field_stands_beside_its_errors_above_the_caption() -> None:
    rgb, labels, mask = overlapping_squares()
    picture = draw_field(rgb, labels, mask, ("F1 0.750", "density 33.3 % true"))
    assert np.array_equal(picture[:SIDE, :SIDE], rgb)
    errors = draw_errors(rgb, labels, mask)
    places = (picture[:SIDE, x : x + SIDE] for x in range(SIDE, SIDE + 20))
    assert any(np.array_equal(place, errors) for place in places)
    assert np.any(picture[SIDE:] < 128)


def test_a_caption_is_never_cut_off() -> None:
    rgb, labels, mask = overlapping_squares()
    picture = draw_field(rgb, labels, mask, ("Größe " * 40,))
    assert np.all(picture[:, -4:] == 255)
    assert np.any(picture[SIDE:, -200:] < 128)
