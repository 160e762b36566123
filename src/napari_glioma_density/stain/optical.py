"""Optical density: what each stain takes from the light, and adds up where stains overlap."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Statistics = tuple[float, ...]
"""A few numbers that a colour input is fitted to a slide by; which, says the input."""

STAINS: Final = np.array(
    [[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]], dtype=np.float32
)
"""Optical density of haematoxylin, eosin and the residual in red, green, blue, each of unit
length (Ruifrok & Johnston 2001)."""

UNMIX: Final = np.linalg.inv(STAINS)
"""Optical densities (…, 3) of red, green and blue times this are those of the stains."""

TISSUE_DENSITY: Final = 0.15
"""Mean optical density of the channels above which a px is taken for tissue rather than glass:
the β of Macenko et al. (2009)."""

_LEAST_PIXELS: Final = 100

_DENSITY: Final = -np.log((np.maximum(np.arange(256), 1) / 255).astype(np.float32))


def optical_density(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """−ln(I / 255) of each channel, float32 of the shape of ``rgb``; black counts as 1 of 255."""
    if not rgb.size:
        return np.zeros(rgb.shape, dtype=np.float32)
    # NumPy's own look-up first widens every index to 64 bits: three times slower.
    density = cv2.LUT(np.ascontiguousarray(rgb).reshape(1, -1), _DENSITY)
    return np.asarray(density, dtype=np.float32).reshape(rgb.shape)


def tissue_density(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Optical densities (m, 3) of those among ``pixels`` (n, 3) that show tissue, not glass."""
    density = optical_density(pixels)
    return np.asarray(density[density.mean(axis=1) > TISSUE_DENSITY])


def tells_stains(density: NDArray[np.float32]) -> bool:
    """Whether densities (m, 3) of tissue are enough, and various enough, to fit anything to."""
    return len(density) >= _LEAST_PIXELS and bool(np.ptp(density, axis=0).all())
