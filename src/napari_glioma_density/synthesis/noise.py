"""Noise that is a pure function of seed and coordinates.

Every value comes from an integer hash of its place on a lattice anchored to the slide, so any
window can be made alone and neighbouring windows agree, however and in whatever order they are
made. A band of texture is one such lattice enlarged smoothly to pixels; bands add up to
band-limited noise.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

FloatPlane = NDArray[np.float32]

# Wide enough for the bicubic kernel and for the smoothing of the lattice before it.
_MARGIN = 4
# Multipliers of the SplitMix64 finaliser, and two odd constants that spread the coordinates.
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SPREAD_Y, _SPREAD_X = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_SPREAD_SEED = np.uint64(0xD6E8FEB86659FD93)
# Smoothing and enlarging shrink the spread of the lattice; this brings it back to about 1.
_GAIN_SMOOTH = np.float32(2.35)


@dataclass(frozen=True)
class Window:
    """A rectangle of level-0 pixels, which may begin before the slide does."""

    y: int
    x: int
    height: int
    width: int

    def grown(self, margin: int) -> "Window":
        """Return the window with `margin` pixels more on every side."""
        return Window(
            self.y - margin, self.x - margin, self.height + 2 * margin, self.width + 2 * margin
        )


def hashed_noise(seed: int, y: int, x: int, height: int, width: int) -> FloatPlane:
    """Return independent values of mean 0 and variance 1, one for each lattice point.

    Parameters
    ----------
    seed
        Names the plane of noise; planes of different seeds are unrelated.
    y, x, height, width
        Rectangle of lattice points.
    """
    with np.errstate(over="ignore"):
        rows = np.arange(y, y + height).astype(np.uint64) * _SPREAD_Y
        columns = np.arange(x, x + width).astype(np.uint64) * _SPREAD_X
        bits = (rows[:, None] + np.uint64(seed) * _SPREAD_SEED) ^ columns[None, :]
        bits = (bits ^ (bits >> np.uint64(30))) * _MIX_A
        bits = (bits ^ (bits >> np.uint64(27))) * _MIX_B
        bits ^= bits >> np.uint64(31)
    uniform = (bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-24)
    return np.asarray((uniform - 0.5) * math.sqrt(12), dtype=np.float32)


def enlarge(lattice: FloatPlane, factor: int, margin: int, smooth: bool = False) -> FloatPlane:
    """Enlarge a lattice plane to pixels and cut away the `margin` points around it.

    A lattice point stands at the middle of its `factor` × `factor` pixels.
    """
    method = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    size = (lattice.shape[1] * factor, lattice.shape[0] * factor)
    cut = margin * factor
    pixels = cv2.resize(lattice, size, interpolation=method)
    return np.asarray(pixels[cut : size[1] - cut, cut : size[0] - cut], dtype=np.float32)


def band(seed: int, spacing: int, window: Window) -> FloatPlane:
    """Return one band of smooth noise, mean 0 and variance about 1.

    Parameters
    ----------
    seed
        Names the plane.
    spacing
        Pixels between lattice points; features are about twice as wide.
    window
        Pixels wanted.
    """
    if spacing <= 1:
        return hashed_noise(seed, window.y, window.x, window.height, window.width)
    top, left = window.y // spacing, window.x // spacing
    rows = -(-(window.y + window.height) // spacing) - top
    columns = -(-(window.x + window.width) // spacing) - left
    lattice = hashed_noise(
        seed, top - _MARGIN, left - _MARGIN, rows + 2 * _MARGIN, columns + 2 * _MARGIN
    )
    soft = cv2.GaussianBlur(lattice, (3, 3), 0.8) * _GAIN_SMOOTH
    plane = enlarge(soft, spacing, _MARGIN, smooth=True)
    y, x = window.y - top * spacing, window.x - left * spacing
    return plane[y : y + window.height, x : x + window.width]


def spacing_for(scale_um: float, um_per_px: float) -> int:
    """Return the power of two of pixels that is nearest to `scale_um`."""
    return 1 << max(0, round(math.log2(scale_um / um_per_px)))
