"""Seeded augmentation of training crops: where, how large, which stain, how sharp."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain import STAINS, UNMIX, optical_density
from napari_glioma_density.training.stain_exchange import Profile, exchange_stains

_Plane = NDArray[Any]


@dataclass(frozen=True)
class Augmentation:
    """How far a training crop may be moved from the picture it was cut from.

    All ranges are symmetric unless named otherwise; 0 switches a step off. Flips and quarter
    turns are always on (P1).
    """

    scale: float = 0.25
    """Crops show 1 − scale … 1 + scale of the nominal field."""
    stain: float = 1.0
    """Factor on each stain's optical density, 2 to the power of −stain … stain. Slides of
    different laboratories differ that much and more."""
    stain_shift: float = 0.05
    """Addition to each stain's optical density."""
    brightness: float = 0.1
    """Factor on each channel of the light, as white balance differs between scanners."""
    blur_px: float = 1.0
    """Largest Gaussian σ; every third crop is blurred."""
    jpeg_quality: int = 40
    """Lowest JPEG quality; every third crop is compressed. 100 is off."""
    free_turns: float = 0.3
    """Share of crops that are turned by any angle, not by quarters alone."""
    foreign_stain: float = 0.3
    """Share of crops that take on the stain of another field before they are jittered."""


FLIPS_AND_TURNS: Final = Augmentation(0, 0, 0, 0, 0, 100, 0, 0)
"""The augmentation of P1."""


@dataclass(frozen=True)
class SourceField:
    """A field in memory, ready to be cut."""

    rgb: NDArray[np.uint8]
    """(height, width, 3)"""
    nucleus: NDArray[np.bool_]
    """(height, width)"""
    um_per_px: float
    colours: NDArray[np.uint8]
    """(n, 3) from all over it at the working resolution, to fit colour inputs to"""
    stains: Profile = ()
    """Its stain profile; empty when not known"""
    ignored: NDArray[np.bool_] | None = None
    """(height, width): where the truth is not known"""

    @property
    def area_um2(self) -> float:
        """Tissue and glass it shows."""
        return float(self.nucleus.size * self.um_per_px**2)


class Crop(NamedTuple):
    """A training crop, before its colours are turned into a network's input."""

    rgb: NDArray[np.uint8]
    """(side, side, 3)"""
    share: NDArray[np.float32]
    """(side, side): how much of each pixel is nucleus, 0–1. Rounding it to 0 or 1 would inflate
    nuclei, for ties count as nucleus, so it is learnt as it is."""
    slide_colours: NDArray[np.uint8]
    """(n, 3): colours from all over the field, stained as the crop is."""
    weight: NDArray[np.float32] | None
    """(side, side): how much each pixel counts, 0 where the truth is not known; None when all
    count."""


def cut_crop(
    field: SourceField,
    side_px: int,
    working_um_per_px: float,
    augmentation: Augmentation,
    random: np.random.Generator,
    donor: Profile = (),
) -> Crop:
    """Cut, scale, turn and recolour one crop at ``working_um_per_px``.

    Parameters
    ----------
    field
        What it is cut from.
    side_px
        Side of the crop.
    working_um_per_px
        Its resolution.
    augmentation
        How far it may be moved.
    random
        Where all chance comes from.
    donor
        Stain profile of another field, which the share ``foreign_stain`` of crops take on.
    """
    zoom = 1 + random.uniform(-augmentation.scale, augmentation.scale)
    wanted = max(16, round(side_px * working_um_per_px / field.um_per_px * zoom))
    planes = _turned(_window(field, wanted, _angle(augmentation, random), random), random)
    how = cv2.INTER_AREA if wanted > side_px else cv2.INTER_LINEAR
    size = (side_px, side_px)
    rgb, share, *weight = (cv2.resize(plane, size, interpolation=how) for plane in planes)
    exchange = _exchange(field.stains, donor, augmentation, random)
    recolour = _recolouring(augmentation, exchange, random)
    rgb = _degraded(recolour(np.asarray(rgb)), augmentation, random)
    return Crop(rgb, share, recolour(field.colours), weight[0] if weight else None)


def _angle(augmentation: Augmentation, random: np.random.Generator) -> float:
    """Degrees to turn by beside quarter turns."""
    turns, angle = random.random() < augmentation.free_turns, random.uniform(-45, 45)
    return angle if turns else 0.0


def _window(
    field: SourceField, side: int, angle: float, random: np.random.Generator
) -> list[_Plane]:
    """Cut a random square, at ``angle`` degrees, out of picture, nuclei and weights if any.

    Everything stays at the field's own resolution, so that it can be shrunk true to area
    afterwards. Pictures smaller than the square are mirrored at their border.
    """
    radians = math.radians(abs(angle))
    outer = math.ceil(side * (math.cos(radians) + math.sin(radians)))
    height, width = field.nucleus.shape
    down, right = max(0, outer - height), max(0, outer - width)
    y = int(random.integers(0, height + down - outer + 1))
    x = int(random.integers(0, width + right - outer + 1))
    border = (down // 2, down - down // 2, right // 2, right - right // 2)

    def cut(plane: _Plane) -> _Plane:
        # Cut first where that is possible: a border costs a copy of the whole field.
        seen = plane[y : y + outer, x : x + outer]
        if plane.dtype == np.bool_:
            seen = seen.astype(np.float32)
        if down or right:
            seen = np.asarray(cv2.copyMakeBorder(seen, *border, cv2.BORDER_REFLECT_101))
        return _rotated(seen, angle, side) if angle else seen

    planes = [cut(field.rgb), cut(field.nucleus)]
    return planes if field.ignored is None else [*planes, 1 - cut(field.ignored)]


def _rotated(plane: _Plane, angle: float, side: int) -> _Plane:
    """The middle of a square plane turned by ``angle`` degrees, side × side px."""
    outer = plane.shape[0]
    turn = cv2.getRotationMatrix2D(((outer - 1) / 2, (outer - 1) / 2), angle, 1)
    turn[:, 2] += (side - outer) / 2
    how = {"flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REFLECT_101}
    return np.asarray(cv2.warpAffine(plane, turn, (side, side), **how))


def _turned(planes: list[_Plane], random: np.random.Generator) -> list[_Plane]:
    quarters, flips = int(random.integers(4)), bool(random.integers(2))
    turned = [np.rot90(plane, quarters) for plane in planes]
    return [np.ascontiguousarray(plane[:, ::-1] if flips else plane) for plane in turned]


def _exchange(
    own: Profile, donor: Profile, augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.float32] | None:
    takes = random.random() < augmentation.foreign_stain
    return exchange_stains(own, donor) if takes and own and donor else None


def _recolouring(
    augmentation: Augmentation,
    exchange: NDArray[np.float32] | None,
    random: np.random.Generator,
) -> Callable[[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Draw a change of each stain in optical density, then of the light of each channel.

    A foreign stain, linear in optical density too, comes first where there is one.
    """
    factors = np.exp2(random.uniform(-1, 1, 3) * augmentation.stain)
    shifts = random.uniform(-1, 1, 3) * augmentation.stain_shift
    light = (1 + random.uniform(-1, 1, 3) * augmentation.brightness).astype(np.float32)
    jitters = augmentation.stain or augmentation.stain_shift or augmentation.brightness
    if exchange is None and not jitters:
        return lambda rgb: rgb
    # One matrix does unmix, scale and mix again, so the float work is one product a pixel.
    change = (UNMIX @ np.diag(factors) @ STAINS).astype(np.float32)
    if exchange is not None:
        change = exchange @ change
    shift = (shifts @ STAINS).astype(np.float32)

    def recolour(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        density = optical_density(rgb).reshape(-1, 3) @ change + shift
        seen = 255 * np.exp(-density) * light + 0.5  # rounded, not cut
        return np.asarray(np.clip(seen, 0, 255).astype(np.uint8).reshape(rgb.shape))

    return recolour


def _degraded(
    rgb: NDArray[np.uint8], augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.uint8]:
    """Blur and compress some crops, as optics and scanners do."""
    blurs, compresses = random.random(2) < 1 / 3
    sigma = random.uniform(0.3, max(0.3, augmentation.blur_px))
    quality = int(random.integers(augmentation.jpeg_quality, 101))
    if blurs and augmentation.blur_px:
        rgb = np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma))
    if compresses and quality < 100:
        # OpenCV takes blue first; JPEG keeps green, red and blue with different care.
        how = [cv2.IMWRITE_JPEG_QUALITY, quality]
        _, encoded = cv2.imencode(".jpg", rgb[..., ::-1], how)
        rgb = cv2.cvtColor(np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)), cv2.COLOR_BGR2RGB)
    return rgb
