"""The light of a slide is found and made white."""

import numpy as np
import pytest
from mixtures import draw_amounts, mixed

from napari_glioma_density.stain.light import WHITE, in_white_light, slide_light


def test_it_is_the_colour_of_the_glass() -> None:
    amounts = draw_amounts()
    amounts[::20] = 0
    assert slide_light(mixed(amounts, light=(220, 200, 180))) == pytest.approx((220, 200, 180))


def test_glass_becomes_white_and_black_stays_black() -> None:
    pixels = np.array([[[220, 200, 180], [0, 0, 0], [255, 255, 255], [88, 80, 72]]], np.uint8)
    white = in_white_light(pixels, (220.0, 200.0, 180.0))
    assert white.tolist() == [[[255] * 3, [0] * 3, [255] * 3, [102] * 3]]


def test_white_light_changes_nothing() -> None:
    pixels = mixed(draw_amounts(100))
    assert np.array_equal(in_white_light(pixels, WHITE), pixels)
    assert slide_light(pixels[:0]) == WHITE
