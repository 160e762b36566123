"""A window of a level at once: sharp as far as its tiles are decoded, coarse where they are not."""

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.slides.level_array import Window
from napari_glioma_density.slides.shown_level import ShownLevel
from napari_glioma_density.slides.source import Pixels

Rgb = NDArray[np.uint8]


def glimpse(window: Window, overview: Rgb) -> Pixels:
    """Return what can be shown of a window without decoding a tile.

    Parameters
    ----------
    window
        Of a level.
    overview
        The slide's coarsest display level, (height, width, 3).

    Returns
    -------
    Pixels
        Unread where it is coarse: an enlarged part of the finest coarser level that is at hand.
    """
    seen = window.level.at_hand(window.y, window.x, window.height, window.width)
    if seen.read.all():
        return seen
    behind = _behind(window, overview)
    cv2.copyTo(seen.rgb, seen.read.view(np.uint8), behind)
    return Pixels(behind, seen.read)


def _behind(window: Window, overview: Rgb) -> Rgb:
    for coarser in window.level.coarser:
        y, x, height, width = _under(window, coarser)
        seen = coarser.at_hand(y, x, height, width)
        if seen.read.all():
            return _enlarged(seen.rgb, window, coarser, y, x)
    coarsest = (window.level, *window.level.coarser)[-1]
    y, x, height, width = _under(window, coarsest)
    return _enlarged(overview[y : y + height, x : x + width], window, coarsest, y, x)


def _under(window: Window, coarser: ShownLevel) -> tuple[int, int, int, int]:
    """(y, x, height, width) of the px of a coarser level that lie under a window."""
    down, right = _steps(window, coarser)
    top = min(int(window.y * down), coarser.height - 1)
    left = min(int(window.x * right), coarser.width - 1)
    bottom = min(int(np.ceil((window.y + window.height) * down)), coarser.height)
    beyond = min(int(np.ceil((window.x + window.width) * right)), coarser.width)
    return top, left, max(1, bottom - top), max(1, beyond - left)


def _steps(window: Window, coarser: ShownLevel) -> tuple[float, float]:
    """How many px of a coarser level, down and to the right, a px of the window is."""
    return coarser.height / window.level.height, coarser.width / window.level.width


def _enlarged(part: Rgb, window: Window, coarser: ShownLevel, top: int, left: int) -> Rgb:
    """Enlarge a part of a coarser level, whose corner is (top, left), to the window over it."""
    down, right = _steps(window, coarser)
    # Middles of px lie at half numbers: that of the window's first px is at (x + 0.5) there.
    source = [
        [right, 0, (window.x + 0.5) * right - 0.5 - left],
        [0, down, (window.y + 0.5) * down - 0.5 - top],
    ]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (window.width, window.height)
    enlarged = cv2.warpAffine(
        np.ascontiguousarray(part), np.array(source), size, None, how, cv2.BORDER_REPLICATE
    )
    return np.asarray(enlarged, np.uint8)
