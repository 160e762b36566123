"""Darkness relative to the slide: 0 where its background tissue lies, 1 where its nuclei do.

A threshold after Otsu parts the tissue of a slide into its paler and its darker share; the means
of both anchor the scale. However strong, faded or tinted the stain is, nuclei come out alike.
Statistics are four numbers: the two means of optical density in red, then of haematoxylin.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import (
    STAINS,
    Statistics,
    optical_density,
    tells_stains,
    tissue_density,
)

TYPICAL: Final[Statistics] = (0.44, 1.05, 0.52, 1.30)
"""For pictures with too little tissue to tell: about the mean of all sets at hand."""

LEAST_STEP: Final = 0.15
"""Between the means of paler and darker tissue; a flat slide must not be blown up to noise."""
RANGE: Final = (-1.0, 2.5)
"""Darkness beyond is cut off."""
_BINS: Final = 256
UNMIX_HAEMATOXYLIN: Final = np.linalg.inv(STAINS)[:, 0]
"""What red, green and blue give to the density of haematoxylin."""


def relative(pixels: NDArray[np.uint8]) -> Statistics:
    """Means of the paler and the darker tissue, of red light and of haematoxylin.

    Parameters
    ----------
    pixels
        (n, 3) uint8 RGB from all over the slide; glass is left out.
    """
    density = tissue_density(pixels)
    if not tells_stains(density):
        return TYPICAL
    return (*_two_means(density[:, 0]), *_two_means(density @ UNMIX_HAEMATOXYLIN))


def relative_darkness(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
    """Two channels (…, 2), of red light and of haematoxylin: 0 background tissue, 1 nucleus."""
    density = optical_density(images)
    red_low, red_high, low, high = statistics
    planes = (
        _between(density[..., 0], red_low, red_high),
        _between(density @ UNMIX_HAEMATOXYLIN, low, high),
    )
    return np.stack(planes, axis=-1)


def _between(values: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    step = max(high - low, LEAST_STEP)
    return np.asarray(np.clip((values - np.float32(low)) / np.float32(step), *RANGE))


def _two_means(values: NDArray[np.float32]) -> tuple[float, float]:
    """Means below and above the threshold that parts the values best (Otsu 1979)."""
    counts, edges = np.histogram(values, bins=_BINS)
    centres = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), np.cumsum(counts * centres)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = total / below, (total[-1] - total) / above
        between = np.nan_to_num(below * above * (high - low) ** 2)
    best = int(np.argmax(between[:-1]))
    return float(low[best]), float(high[best])
