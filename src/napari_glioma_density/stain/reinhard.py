"""Colour transfer after Reinhard et al. (2001), between a slide's tissue and a reference."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import Statistics, tells_stains, tissue_density

# The published matrices: RGB to cone responses, and their logarithms to the lαβ axes.
_TO_CONES: Final = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]], np.float32
)
_TO_AXES: Final = (
    np.diag(1 / np.sqrt(np.array([3.0, 6.0, 2.0])))
    @ np.array([[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]])
).astype(np.float32)
_FROM_AXES: Final = np.linalg.inv(_TO_AXES)
_FROM_CONES: Final = np.linalg.inv(_TO_CONES)

TYPICAL: Final[Statistics] = (-0.26, -0.042, 0.009, 0.11, 0.029, 0.0043)
"""Mean, then standard deviation, of l, α and β of the reference: those of the training sets, on
the mean. A reference of stronger contrast would stretch most slides, and tint their glass."""

_LEAST_SPREAD: Final = np.array([0.03, 0.008, 0.002], np.float32)


def reinhard(pixels: NDArray[np.uint8]) -> Statistics:
    """Mean and spread of a slide's tissue on the lαβ axes.

    Parameters
    ----------
    pixels
        (n, 3) uint8 RGB from all over the slide; glass is left out.
    """
    density = tissue_density(pixels)
    if not tells_stains(density):
        return TYPICAL
    axes = _axes(np.exp(-density))
    return (*map(float, axes.mean(axis=0)), *map(float, axes.std(axis=0)))


def match_colours(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
    """Colours (…, 3) in 0–1, moved and stretched on the lαβ axes to the reference's."""
    mean, spread = np.asarray(statistics, np.float32).reshape(2, 3)
    to_mean, to_spread = np.asarray(TYPICAL, np.float32).reshape(2, 3)
    factor = to_spread / np.maximum(spread, _LEAST_SPREAD)
    axes = (_axes(images.astype(np.float32) / np.float32(255)) - mean) * factor + to_mean
    cones = np.power(np.float32(10), axes @ _FROM_AXES.T)
    return np.asarray(np.clip(cones @ _FROM_CONES.T, 0, 1), dtype=np.float32)


def _axes(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    cones = np.maximum(colours, np.float32(1 / 255)) @ _TO_CONES.T
    return np.asarray(np.log10(cones) @ _TO_AXES.T, dtype=np.float32)
