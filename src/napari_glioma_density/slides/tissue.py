"""Where on the slide there is tissue.

Haematoxylin and eosin both take more green out of the light than red or blue together leave, while
glass, dust, a scanner's black border and green or blue ink do not. The measure of a place is
therefore how much more it absorbs in green than in the least absorbed of red and blue, in units of
optical density against the slide's own white. Pale, oedematous brain still shows it.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.slides.places import TISSUE_PX, colours_of_places, map_shape
from napari_glioma_density.slides.source import Pixels
from napari_glioma_density.slides.working import WorkingPlane

_T = TypeVar("_T")

_STRIP_PLACES = 2**18
_THREADS = 4

# Optical densities. Otsu finds the valley between glass and tissue; where there is no glass, or
# hardly any tissue, it must not stray.
_THRESHOLD_RANGE = (0.02, 0.035)
_OTSU_STEP = 0.002
_BLACK = 40
_DEFAULT_WHITE = 242.0
_GLASS_MIN, _GLASS_SPREAD, _GLASS_SHARE = 200, 14, 0.005
# A blue pen absorbs red far more than green; haematoxylin hardly more.
_BLUE_INK_RATIO = 1.7

_SMALLEST_TISSUE_MM2 = 0.0015
# A capillary or a shrinkage cleft belongs to the tissue; the lumen of a vessel or gland does not.
_LARGEST_HOLE_MM2 = 0.002


class TissueKind(IntEnum):
    """What a place of the slide is; UNKNOWN could not be read, so it must be tried."""

    BACKGROUND = 0
    TISSUE = 1
    UNKNOWN = 2


@dataclass(frozen=True, eq=False)
class TissueMap:
    """Kinds of the places of a slide.

    Attributes
    ----------
    kinds
        uint8 `TissueKind`, (ceil(height / px), ceil(width / px)) of the working plane.
    px
        Side of a place in working px.
    """

    kinds: NDArray[np.uint8]
    px: int = TISSUE_PX


def whole_slide_tissue(plane: WorkingPlane) -> TissueMap:
    """Return a map that calls everything tissue."""
    return TissueMap(np.full(map_shape(plane), TissueKind.TISSUE, dtype=np.uint8))


def find_tissue(plane: WorkingPlane) -> TissueMap:
    """Find the tissue of a slide, from its coarsest level that is fine enough.

    The largest slides have more than a hundred million places: but for their colours, one number a
    place or less is ever held.
    """
    seen = colours_of_places(plane)
    tissue, read = _stained(seen), seen.read
    del seen  # the colours of the largest slides are half a gigabyte
    place_mm2 = (TISSUE_PX * plane.um_per_px / 1000) ** 2
    tissue = cv2.morphologyEx(tissue, cv2.MORPH_CLOSE, np.ones((3, 3), dtype=np.uint8))
    tissue = _without_specks(tissue, _SMALLEST_TISSUE_MM2 / place_mm2)
    tissue = 1 - _without_specks(1 - tissue, _LARGEST_HOLE_MM2 / place_mm2)
    kinds = cv2.dilate(tissue, np.ones((3, 3), dtype=np.uint8))
    kinds[~read] = TissueKind.UNKNOWN
    return TissueMap(kinds)


def tissue_px(
    kinds: NDArray[np.uint8], height_px: int, width_px: int, side_px: int
) -> NDArray[np.int64]:
    """Count the px of tissue in squares of a plane, clipped where it ends, as the last places are.

    Parameters
    ----------
    kinds
        uint8 `TissueKind`, one value per :data:`TISSUE_PX` px.
    height_px, width_px
        Of the plane.
    side_px
        Of a square: a whole number of places.

    Returns
    -------
    NDArray[np.int64]
        (rows of squares, columns of squares).
    """
    heights, widths = (_sides(length) for length in (height_px, width_px))
    per_square = side_px // TISSUE_PX
    rows, columns = (range(0, length, per_square) for length in kinds.shape)

    def in_columns(row: int) -> NDArray[np.float32]:
        places = slice(row, row + per_square)
        px = heights[places] @ (kinds[places] == TissueKind.TISSUE).astype(np.float32)
        return np.asarray(px * widths, np.float32)

    # A row of squares at a time: numbers of all places at once would take half a gigabyte.
    sums = [np.add.reduceat(in_columns(row), columns) for row in rows]
    return np.array(sums).astype(np.int64)


def _sides(length_px: int) -> NDArray[np.float32]:
    """Px along the side of every place; whole numbers, and so are their sums for a square."""
    edges = np.append(np.arange(0, length_px, TISSUE_PX), length_px)
    return np.diff(edges).astype(np.float32)


def stain_excess(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much more each px absorbs in green than in red or blue, in optical density.

    Parameters
    ----------
    rgb
        uint8, (height, width, 3).

    Returns
    -------
    NDArray[np.float32]
        (height, width); 0 for glass, black borders and ink.
    """
    return _excess(rgb, _white(rgb))


def _stained(seen: Pixels) -> NDArray[np.uint8]:
    """Tell which places are stained: 0/1, (rows, columns)."""
    white = _white(seen.rgb)

    def count(strip: slice) -> NDArray[np.int64]:
        steps = _excess(seen.rgb[strip], white)[seen.read[strip]] / _OTSU_STEP
        return np.bincount(np.clip(steps, 0, 255).astype(np.uint8), minlength=256)

    threshold = _threshold(np.sum(_in_strips(count, seen.read.shape), axis=0))
    stained = np.empty(seen.read.shape, np.uint8)

    def decide(strip: slice) -> None:
        stained[strip] = _excess(seen.rgb[strip], white) > threshold

    _in_strips(decide, stained.shape)
    return stained


def _in_strips(work: Callable[[slice], _T], shape: tuple[int, ...]) -> list[_T]:
    """Do something to all rows of a map of this shape, few at once, in threads."""
    rows, columns = shape
    tall = max(1, _STRIP_PLACES // columns)
    strips = [slice(top, min(top + tall, rows)) for top in range(0, rows, tall)]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(work, strips))


def _excess(rgb: NDArray[np.uint8], white: NDArray[np.float32]) -> NDArray[np.float32]:
    # Channel by channel: numpy's reductions over an axis of three are slow on a big map.
    channels, brightest, _ = _channels(rgb)
    red, green, blue = (_optical_density(*each) for each in zip(channels, white, strict=True))
    excess = np.maximum(green - np.minimum(red, blue), 0)
    excess[(red > _BLUE_INK_RATIO * green) | (brightest < _BLACK)] = 0
    return excess


def _channels(
    rgb: NDArray[np.uint8],
) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8], NDArray[np.uint8]]:
    """Red, green and blue, and the largest and the smallest of them."""
    channels = [np.ascontiguousarray(rgb[..., channel]) for channel in range(3)]
    brightest = np.maximum(np.maximum(*channels[:2]), channels[2])
    darkest = np.minimum(np.minimum(*channels[:2]), channels[2])
    return channels, brightest, darkest


def _optical_density(channel: NDArray[np.uint8], white: float) -> NDArray[np.float32]:
    """Return -log10 of the light that passes, relative to the slide's glass."""
    light = np.maximum(np.arange(256), 1) / white
    return np.asarray((-np.log10(light)).astype(np.float32)[channel])


def _white(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the colour of glass: the median of bright, nearly grey places, if there are some."""
    levels = np.zeros((3, 256), np.int64)
    flat = rgb.reshape(-1, 3)
    for first in range(0, len(flat), _STRIP_PLACES):
        channels, brightest, darkest = _channels(flat[first : first + _STRIP_PLACES])
        is_glass = (darkest >= _GLASS_MIN) & (brightest - darkest <= _GLASS_SPREAD)
        for counts, channel in zip(levels, channels, strict=True):
            counts += np.bincount(channel[is_glass], minlength=256)
    glass = int(levels[0].sum())
    if glass < max(_GLASS_SHARE * len(flat), 1):
        return np.full(3, _DEFAULT_WHITE, dtype=np.float32)
    # The median of so many levels: the mean of the two in the middle.
    middle = [(glass - 1) // 2, glass // 2]
    found = [np.searchsorted(counts.cumsum(), middle, side="right") for counts in levels]
    return np.array([float(np.mean(each)) for each in found], np.float32)


def _threshold(counts: NDArray[np.int64]) -> float:
    """Return Otsu's threshold, kept within what glass and tissue of any slide can be.

    Otsu splits so that the variance between both sides is largest; `counts` says how many places
    there are at each step.
    """
    steps = np.arange(len(counts))
    below, sums = counts.cumsum(dtype=float), (counts * steps).cumsum(dtype=float)
    sides = below * (below[-1] - below)
    apart = (sums[-1] * below - sums * below[-1]) ** 2
    between = np.divide(apart, sides, out=np.zeros(len(counts)), where=sides > 0)
    return float(np.clip(between.argmax() * _OTSU_STEP, *_THRESHOLD_RANGE))


def _without_specks(mask: NDArray[np.uint8], smallest: float) -> NDArray[np.uint8]:
    """Clear connected parts of fewer than `smallest` places.

    The map is taken in strips, each with so many rows around it that no part that is too small
    reaches through them: what touches the strip and the window's edge is large enough.
    """
    around = math.ceil(smallest)
    cleared = np.empty_like(mask)

    def clear(strip: slice) -> None:
        top = max(0, strip.start - around)
        window = mask[top : strip.stop + around]
        _, labels, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8)
        keep = stats[:, cv2.CC_STAT_AREA] >= smallest
        keep[0] = False
        cleared[strip] = keep[labels[strip.start - top : strip.stop - top]]

    _in_strips(clear, mask.shape)
    return cleared
