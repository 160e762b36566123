"""Seeded augmentation of training crops: where, how large, which stain, how sharp."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.training.dataset import FieldPixels

# Haematoxylin, eosin and residual optical densities of red, green, blue (Ruifrok & Johnston 2001).
STAINS: Final = np.array(
    [[0.650, 0.704, 0.286], [0.072, 0.990, 0.105], [0.268, 0.570, 0.776]], dtype=np.float32
)
_UNMIX: Final = np.linalg.inv(STAINS)


@dataclass(frozen=True)
class Augmentation:
    """How far a training crop may be moved from the picture it was cut from.

    All ranges are symmetric unless named otherwise; 0 switches a step off. Flips and quarter
    turns are always on (P1).
    """

    scale: float = 0.25
    """Crops show 1 − scale … 1 + scale of the nominal field."""
    stain: float = 0.25
    """Factor on each stain's optical density, 1 − stain … 1 + stain."""
    stain_shift: float = 0.05
    """Addition to each stain's optical density."""
    brightness: float = 0.1
    """Factor on each channel of the light, as white balance differs between scanners."""
    blur_px: float = 1.0
    """Largest Gaussian σ; every third crop is blurred."""
    jpeg_quality: int = 40
    """Lowest JPEG quality; every third crop is compressed. 100 is off."""


FLIPS_AND_TURNS: Final = Augmentation(0, 0, 0, 0, 0, 100)
"""The augmentation of P1."""


def cut_crop(
    pixels: FieldPixels,
    um_per_px: float,
    side_px: int,
    working_um_per_px: float,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut, scale, turn and recolour one crop.

    Returns
    -------
    rgb, share
        (side_px, side_px, 3) uint8, and how much of each pixel is nucleus, 0–1, (side_px,
        side_px) float32, both at ``working_um_per_px``. Rounding that share to 0 or 1 would
        inflate nuclei, for ties count as nucleus, so it is learnt as it is.
    """
    zoom = 1 + random.uniform(-augmentation.scale, augmentation.scale)
    wanted = max(16, round(side_px * working_um_per_px / um_per_px * zoom))
    rgb, nucleus = _window(pixels, wanted, random)
    shrinks = wanted > side_px
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    rgb = cv2.resize(rgb, (side_px, side_px), interpolation=how)
    share = cv2.resize(nucleus, (side_px, side_px), interpolation=how)
    rgb, share = _turn(rgb, np.asarray(share), random)
    return _degrade(_restain(rgb, augmentation, random), augmentation, random), share


def _window(
    pixels: FieldPixels, side: int, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Cut a random square; pictures smaller than it are mirrored at their border."""
    height, width = pixels.labels.shape
    rgb, nucleus = pixels.rgb, (pixels.labels > 0).astype(np.float32)
    down, right = max(0, side - height), max(0, side - width)
    if down or right:
        border = (down // 2, down - down // 2, right // 2, right - right // 2)
        rgb = np.asarray(cv2.copyMakeBorder(rgb, *border, cv2.BORDER_REFLECT_101))
        nucleus = np.asarray(cv2.copyMakeBorder(nucleus, *border, cv2.BORDER_REFLECT_101))
    y = int(random.integers(0, nucleus.shape[0] - side + 1))
    x = int(random.integers(0, nucleus.shape[1] - side + 1))
    window = np.s_[y : y + side, x : x + side]
    return rgb[window], nucleus[window]


def _turn(
    rgb: NDArray[np.uint8], share: NDArray[np.float32], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    quarters, flip = int(random.integers(4)), bool(random.integers(2))
    rgb, share = np.rot90(rgb, quarters), np.rot90(share, quarters)
    return (rgb[:, ::-1], share[:, ::-1]) if flip else (rgb, share)


def _restain(
    rgb: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Scale and shift each stain in optical density, then the light of each channel."""
    factors = 1 + random.uniform(-1, 1, 3) * augmentation.stain
    shifts = random.uniform(-1, 1, 3) * augmentation.stain_shift
    light = 1 + random.uniform(-1, 1, 3) * augmentation.brightness
    if not (augmentation.stain or augmentation.stain_shift or augmentation.brightness):
        return rgb
    # One matrix does unmix, scale and mix again, so the float work is one product a pixel.
    change = (_UNMIX @ np.diag(factors) @ STAINS).astype(np.float32)
    density = _OPTICAL_DENSITY[rgb].reshape(-1, 3) @ change + (shifts @ STAINS).astype(np.float32)
    seen = 255 * np.exp(-density) * light.astype(np.float32)
    return np.asarray(np.clip(seen, 0, 255).astype(np.uint8).reshape(rgb.shape))


_OPTICAL_DENSITY: Final = -np.log((np.maximum(np.arange(256), 1) / 255).astype(np.float32))


def _degrade(
    rgb: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Blur and compress some crops, as optics and scanners do."""
    blurs, compresses = random.random(2) < 1 / 3
    sigma = random.uniform(0.3, max(0.3, augmentation.blur_px))
    quality = int(random.integers(augmentation.jpeg_quality, 101))
    rgb = np.ascontiguousarray(rgb)
    if blurs and augmentation.blur_px:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma))
    if compresses and quality < 100:
        _, encoded = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
        rgb = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))
    return rgb
