"""What holds for every colour input."""

import warnings

import numpy as np
import pytest
from mixtures import draw_amounts, mixed

from napari_glioma_density.errors import ModelError
from napari_glioma_density.stain import INPUTS, colour_input, normalise, rgb, rgb_ratio

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
TISSUE = mixed(draw_amounts())
FITTED = [name for name, one in INPUTS.items() if one.is_fitted]


@pytest.mark.parametrize("name", INPUTS)
class TestEveryInput:
    def test_it_gives_its_channels_for_pictures_of_any_shape(self, name: str) -> None:
        chosen = colour_input(name)
        for images in (IMAGES, IMAGES[0], IMAGES[:, ::2, 1:5], IMAGES[:0]):
            channels = chosen.apply(images, chosen.typical)
            assert channels.shape == (*images.shape[:-1], chosen.channels)
            assert channels.dtype == np.float32

    def test_values_are_of_the_order_of_1(self, name: str) -> None:
        channels = normalise(IMAGES, name)
        assert channels.min() >= -1
        assert channels.max() <= 2.5

    def test_a_px_does_not_depend_on_what_lies_around_it(self, name: str) -> None:
        statistics = colour_input(name).fit(TISSUE)
        whole = normalise(IMAGES, name, statistics)
        part = normalise(IMAGES[1:, 2:5, 3:7], name, statistics)
        assert np.allclose(part, whole[1:, 2:5, 3:7], atol=1e-6)

    @pytest.mark.parametrize("grey", [0, 1, 128, 254, 255])
    def test_pictures_of_one_colour_are_no_trouble(self, name: str, grey: int) -> None:
        chosen = colour_input(name)
        blank = np.full((50, 50, 3), grey, np.uint8)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            statistics = chosen.fit(blank.reshape(-1, 3))
            channels = chosen.apply(blank, statistics)
        assert statistics == chosen.typical
        assert np.isfinite(channels).all()


@pytest.mark.parametrize("name", FITTED)
class TestEveryFittedInput:
    def test_statistics_are_numbers_as_many_as_the_typical_ones(self, name: str) -> None:
        chosen = colour_input(name)
        statistics = chosen.fit(TISSUE)
        assert len(statistics) == len(chosen.typical)
        assert {type(value) for value in statistics} == {float}
        assert statistics == chosen.fit(TISSUE)

    def test_without_tissue_they_are_the_typical_ones(self, name: str) -> None:
        glass = np.random.default_rng(1).integers(240, 250, (9000, 3), dtype=np.uint8)
        for pixels in (glass, TISSUE[:20], TISSUE[:0]):
            assert colour_input(name).fit(pixels) == colour_input(name).typical

    def test_half_of_the_pixels_tell_the_same(self, name: str) -> None:
        fit = colour_input(name).fit
        assert np.allclose(fit(TISSUE[::2]), fit(TISSUE), rtol=0.02, atol=0.02)

    def test_dim_tinted_light_changes_little(self, name: str) -> None:
        amounts = draw_amounts()
        amounts[::10] = 0
        dim = mixed(amounts, light=(190, 170, 150))
        chosen = colour_input(name)
        seen, expected = (
            chosen.apply(pixels, chosen.fit(pixels))[..., -3:] for pixels in (dim, mixed(amounts))
        )
        stained = amounts.sum(axis=1) > 0
        if name == "rgb + relative":
            seen, expected = seen[..., 1:], expected[..., 1:]
        assert np.abs(seen - expected)[stained].mean() < 0.03


def test_rgb_is_the_colours_scaled() -> None:
    every = np.arange(256, dtype=np.uint8).reshape(1, -1, 1)
    assert np.array_equal(rgb(every), every.astype(np.float32) / np.float32(255))


def test_rgb_ratio_is_equation_1_and_forgets_brightness() -> None:
    pixels = np.array([[[200, 100, 100], [100, 50, 50]]], dtype=np.uint8)
    assert np.allclose(rgb_ratio(pixels), [[[0.5, 0.25, 0.25]] * 2])
    assert np.allclose(rgb_ratio(IMAGES).sum(axis=-1), 1)


def test_a_black_px_is_a_third_in_each_channel() -> None:
    black = np.zeros((1, 1, 3), dtype=np.uint8)
    assert np.allclose(rgb_ratio(black), 1 / 3)


def test_combined_inputs_begin_with_the_colours_as_they_are() -> None:
    assert np.array_equal(normalise(IMAGES, "rgb + ratio")[..., :3], rgb(IMAGES))
    assert np.array_equal(normalise(IMAGES, "rgb + ratio")[..., 3:], rgb_ratio(IMAGES))
    assert np.array_equal(normalise(IMAGES, "rgb + relative")[..., :3], rgb(IMAGES))


def test_an_unknown_input_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r'"lab" is unknown.*"rgb ratio"'):
        normalise(IMAGES, "lab")
