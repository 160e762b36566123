"""The light of a slide: what shines through where it is palest, taken for white.

Scanners and microscopes differ in lamp, exposure and white balance. Beer and Lambert's law is
relative to the light that enters the tissue, so stains can only be told apart once that is known.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

WHITE: Final = (255.0, 255.0, 255.0)

_PALEST_PERCENTILE: Final = 99
_DARKEST_LIGHT: Final = 32.0


def slide_light(pixels: NDArray[np.uint8]) -> tuple[float, ...]:
    """Red, green and blue (0–255) of the light, the 99th percentile of each channel.

    Parameters
    ----------
    pixels
        (n, 3) uint8 RGB from all over the slide, glass included.
    """
    if not len(pixels):
        return WHITE
    palest = np.percentile(pixels, _PALEST_PERCENTILE, axis=0)
    return tuple(map(float, np.maximum(palest, _DARKEST_LIGHT)))


def in_white_light(images: NDArray[np.uint8], light: tuple[float, ...]) -> NDArray[np.uint8]:
    """Images (…, 3) as they would be if ``light`` were white."""
    if not images.size or light == WHITE:
        return images
    brighter = np.arange(256)[:, None] * (255 / np.asarray(light))
    table = np.clip(np.round(brighter), 0, 255).astype(np.uint8)[None]
    row = np.ascontiguousarray(images).reshape(1, -1, 3)
    white: NDArray[np.uint8] = cv2.LUT(row, table)
    return white.reshape(images.shape)
