"""Relative darkness: the same for faded and for strong slides."""

import numpy as np
import pytest
from mixtures import draw_amounts, mixed
from numpy.typing import NDArray
from skimage.filters import threshold_otsu

from napari_glioma_density.stain.optical import STAINS, optical_density
from napari_glioma_density.stain.relative import colours_and_darkness, relative

AMOUNTS = draw_amounts() + 0.3
PIXELS = mixed(AMOUNTS)


def darkness_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Both channels of darkness (n, 2), fitted to the pixels (n, 3) themselves."""
    return colours_and_darkness(pixels[None], relative(pixels))[0, :, 3:]


def test_its_means_are_those_on_either_side_of_otsus_threshold() -> None:
    density = optical_density(PIXELS)
    planes = density[:, 0], density @ np.linalg.inv(STAINS)[:, 0]
    expected = []
    for values in planes:
        at = threshold_otsu(values, nbins=256)
        expected += [values[values <= at].mean(), values[values > at].mean()]
    assert relative(PIXELS) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("factor", [0.6, 1.5])
def test_fading_and_over_staining_change_nothing(factor: float) -> None:
    other = mixed(AMOUNTS * factor)
    one, two = (darkness_of(pixels) for pixels in (PIXELS, other))
    assert np.abs(one - two).mean() < 0.02


def test_a_shift_of_optical_density_changes_nothing() -> None:
    dimmer = mixed(AMOUNTS, light=(220, 220, 220))
    one, two = (darkness_of(pixels) for pixels in (PIXELS, dimmer))
    assert np.abs(one - two).mean() < 0.02


def test_background_is_0_and_nuclei_are_1() -> None:
    red, haematoxylin = darkness_of(PIXELS).T
    is_nucleus = AMOUNTS[:, 0] > AMOUNTS[:, 1]
    for plane in (red, haematoxylin):
        assert plane[~is_nucleus].mean() == pytest.approx(0, abs=0.05)
        assert plane[is_nucleus].mean() == pytest.approx(1, abs=0.05)


def test_the_first_three_channels_are_the_colours() -> None:
    channels = colours_and_darkness(PIXELS[None], relative(PIXELS))
    assert np.array_equal(channels[0, :, :3], (PIXELS / 255).astype(np.float32))
