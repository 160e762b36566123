"""Reinhard: after it a picture has the reference's mean and spread on the lαβ axes."""

import numpy as np
import pytest
from mixtures import draw_amounts, mixed
from numpy.typing import NDArray

from napari_glioma_density.stain.reinhard import TYPICAL, match_colours, reinhard


def ruderman(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """lαβ of colours (n, 3) in 0–1, one channel after the other as the paper writes it."""
    r, g, b = rgb.astype(np.float64).T
    long = np.log10(0.3811 * r + 0.5783 * g + 0.0402 * b)
    middle = np.log10(0.1967 * r + 0.7244 * g + 0.0782 * b)
    short = np.log10(0.0241 * r + 0.1288 * g + 0.8444 * b)
    return np.stack(
        [
            (long + middle + short) / np.sqrt(3),
            (long + middle - 2 * short) / np.sqrt(6),
            (long - middle) / np.sqrt(2),
        ],
        axis=1,
    )


PIXELS = mixed(draw_amounts())


def test_statistics_are_mean_and_spread_on_the_axes() -> None:
    axes = ruderman(PIXELS / 255.0)
    assert reinhard(PIXELS) == pytest.approx([*axes.mean(axis=0), *axes.std(axis=0)], abs=2e-3)


@pytest.mark.parametrize("strength", [0.9, 1.4])
def test_a_matched_picture_has_the_references_mean_and_spread(strength: float) -> None:
    pixels = mixed(draw_amounts() * strength)
    matched = match_colours(pixels, reinhard(pixels))
    unclipped = ((matched > 0) & (matched < 1)).all(axis=1)
    assert unclipped.mean() > 0.95
    axes = ruderman(np.clip(matched, 1e-3, 1))
    assert [*axes.mean(axis=0), *axes.std(axis=0)] == pytest.approx(TYPICAL, abs=0.01)


def test_the_reference_is_left_as_it_is() -> None:
    assert np.allclose(match_colours(PIXELS, TYPICAL), PIXELS / 255.0, atol=2e-3)
