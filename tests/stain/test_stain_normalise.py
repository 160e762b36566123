import numpy as np
import pytest

from napari_glioma_density.errors import ModelError
from napari_glioma_density.stain import INPUTS, normalise, rgb, rgb_ratio

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_keep_the_shape_and_lie_within_0_and_1(name: str) -> None:
    normalised = normalise(IMAGES, name)
    assert normalised.shape == IMAGES.shape
    assert normalised.dtype == np.float32
    assert normalised.min() >= 0
    assert normalised.max() <= 1


def test_rgb_is_the_colours_scaled() -> None:
    assert np.allclose(rgb(IMAGES) * 255, IMAGES)


def test_rgb_ratio_is_equation_1_and_forgets_brightness() -> None:
    pixels = np.array([[[200, 100, 100], [100, 50, 50]]], dtype=np.uint8)
    assert np.allclose(rgb_ratio(pixels), [[[0.5, 0.25, 0.25]] * 2])
    assert np.allclose(rgb_ratio(IMAGES).sum(axis=-1), 1)


def test_a_black_px_is_a_third_in_each_channel() -> None:
    black = np.zeros((1, 1, 3), dtype=np.uint8)
    assert np.allclose(rgb_ratio(black), 1 / 3)


def test_an_unknown_input_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r'"lab" is unknown.*"rgb ratio"'):
        normalise(IMAGES, "lab")
