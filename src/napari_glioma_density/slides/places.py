"""The places of a slide, squares of working px, each with its mean colour."""

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.slides.slide import Slide
from napari_glioma_density.slides.source import Pixels
from napari_glioma_density.slides.working import WorkingPlane

TISSUE_PX = 16
_WINDOW_PX = 4 * 2**20
_THREADS = 4

_Window = tuple[slice, slice]


def map_shape(plane: WorkingPlane) -> tuple[int, int]:
    """Return how many rows and columns of places a slide has."""
    return -(-plane.height // TISSUE_PX), -(-plane.width // TISSUE_PX)


def colours_of_places(plane: WorkingPlane) -> Pixels:
    """Look at every place of a slide, on the coarsest level that is fine enough.

    One damaged tile of a coarse level can hide much tissue that finer levels still show. So places
    that it leaves unread are looked at again, on one finer level after another. A sound slide is
    read once.

    Returns
    -------
    Pixels
        Mean colours, (rows, columns) of places; read only where a level holds all of the place.
    """
    rows, columns = map_shape(plane)
    seen = Pixels(np.empty((rows, columns, 3), np.uint8), np.zeros((rows, columns), np.bool_))
    first = _level_to_look_at(plane)
    look = _look(plane, first)
    _see(look, seen, list(_windows(seen.read.shape, columns, look.side)))
    for level in range(first - 1, -1, -1):
        look = _look(plane, level)
        _see(look, seen, list(_unread_windows(look, seen.read)))
    return seen


@dataclass(frozen=True)
class _Look:
    """A level that places are looked at on, and the side of a place in its px."""

    slide: Slide
    level: int
    side: float

    def at(self, window: _Window) -> Pixels:
        """Read some rows and columns of places and average them."""
        size, (rows, columns) = self.slide.levels[self.level], window
        y0, y1, x0, x1 = (
            round(edge * self.side) for part in window for edge in (part.start, part.stop)
        )
        y0, x0 = min(y0, size.height - 1), min(x0, size.width - 1)
        height, width = min(y1, size.height) - y0, min(x1, size.width) - x0
        source = self.slide.read(self.level, y0, x0, height, width)
        to = (columns.stop - columns.start, rows.stop - rows.start)
        if not source.read.any():  # much of a slide may be, and white need not be averaged
            return Pixels(np.full((*to[::-1], 3), 255, np.uint8), np.zeros(to[::-1], np.bool_))
        # The slide's last px go on beyond its edge, else the places there would be stretched.
        beyond = (0, y1 - y0 - height, 0, x1 - x0 - width)

        def averaged(values: NDArray[Any]) -> NDArray[Any]:
            whole = cv2.copyMakeBorder(values, *beyond, cv2.BORDER_REPLICATE)
            return np.asarray(cv2.resize(whole, to, interpolation=cv2.INTER_AREA))

        if source.read.all():  # as nearly always: to average that takes as long as the colours do
            return Pixels(averaged(source.rgb), np.ones(to[::-1], np.bool_))
        unread = averaged((~source.read).astype(np.float32))
        return Pixels(averaged(source.rgb), np.asarray(unread < 1e-3, dtype=np.bool_))


def _look(plane: WorkingPlane, level: int) -> _Look:
    level0_px = TISSUE_PX * plane.level0_px_per_px
    return _Look(plane.slide, level, level0_px / plane.slide.levels[level].downsample)


def _level_to_look_at(plane: WorkingPlane) -> int:
    """Return the coarsest level with a px a place or more."""
    level0_px = TISSUE_PX * plane.level0_px_per_px
    levels = enumerate(plane.slide.levels)
    return max(i for i, level in levels if i == 0 or level.downsample <= level0_px)


def _see(look: _Look, seen: Pixels, windows: list[_Window]) -> None:
    """Look at these windows, and take from each what was not read before."""

    def add(window: _Window) -> None:
        found, read = look.at(window), seen.read[window]
        np.copyto(seen.rgb[window], found.rgb, where=~read[..., np.newaxis])
        read |= found.read

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(add, windows))


def _windows(shape: tuple[int, ...], wide: int, side: float) -> Iterator[_Window]:
    """Cut all places into windows of so many columns, of few px each."""
    rows, columns = shape
    tall = max(1, int(_WINDOW_PX / (side * side * wide)))
    for top in range(0, rows, tall):
        for left in range(0, columns, wide):
            yield slice(top, min(top + tall, rows)), slice(left, min(left + wide, columns))


def _unread_windows(look: _Look, read: NDArray[np.bool_]) -> Iterator[_Window]:
    """Yield windows that hold all places still unread, and few others.

    None is narrower than a tile: of a level in strips each tile would be decoded for many windows.
    """
    if read.all():
        return
    wide_px = max(math.isqrt(_WINDOW_PX), look.slide.tile_shape(look.level)[1])
    wide = min(read.shape[1], max(1, int(wide_px / look.side)))
    for window in _windows(read.shape, wide, look.side):
        unread = ~read[window]
        if unread.any():
            yield _around(unread, window)


def _around(wanted: NDArray[np.bool_], window: _Window) -> _Window:
    """Narrow a window to the rows and columns in which something is wanted."""
    down, across = (np.flatnonzero(wanted.any(axis=axis)) for axis in (1, 0))
    top, left = (part.start for part in window)
    rows = slice(top + int(down[0]), top + int(down[-1]) + 1)
    return rows, slice(left + int(across[0]), left + int(across[-1]) + 1)
