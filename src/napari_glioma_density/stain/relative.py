"""Darkness relative to the slide: 0 where its background tissue lies, 1 where its nuclei do.

Otsu's threshold divides the tissue of a slide into a paler and a darker share; their means anchor
the scale. So nuclei look alike however strong, faded or tinted the stain is. Statistics are four
numbers: the two means of optical density in red, then those of haematoxylin.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import (
    UNMIX,
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
_COLOUR: Final = (np.arange(256) / 255).astype(np.float32)
_ROWS_AT_ONCE: Final = 64
"""So that what lies between colours and channels stays in the processor's cache."""
_EACH_TO_ITS_OWN: Final = [number for channel in range(5) for number in (channel, channel)]
UNMIX_HAEMATOXYLIN: Final = UNMIX[:, 0]
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


def colours_and_darkness(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
    """Five channels (…, width, 5): RGB, 0–1, and darkness in red light and in haematoxylin.

    The latter two are 0 for background tissue and 1 for nuclei.
    """
    rows = np.ascontiguousarray(images).reshape(-1, images.shape[-2], 3)
    scale = _scale(statistics)
    channels = np.empty((*rows.shape[:2], 5), np.float32)
    for top in range(0, len(rows), _ROWS_AT_ONCE):
        part = rows[top : top + _ROWS_AT_ONCE]
        both = [cv2.LUT(part, _COLOUR), _darkness(part, scale)]
        there = [channels[top : top + _ROWS_AT_ONCE]]
        cv2.mixChannels(both, there, _EACH_TO_ITS_OWN)
    return channels.reshape(*images.shape[:-1], 5)


def _scale(statistics: Statistics) -> NDArray[np.float32]:
    """What red, green and blue density and 1 give to the two channels: (2, 4)."""
    red_low, red_high, low, high = statistics
    red_step, step = max(red_high - red_low, LEAST_STEP), max(high - low, LEAST_STEP)
    red = np.array([1, 0, 0, -red_low]) / red_step
    return np.array([red, np.array([*UNMIX_HAEMATOXYLIN, -low]) / step], np.float32)


def _darkness(rows: NDArray[np.uint8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    darkness = cv2.transform(optical_density(rows), scale)
    return np.asarray(np.clip(darkness, *RANGE, out=darkness), np.float32)


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
