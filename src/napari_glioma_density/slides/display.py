"""Levels for the screen: the file's own, and coarser ones made where it has none.

A made level up to 8 times coarser than its source averages every pixel. Beyond that, averaging
would decode hundreds of megapixels for each view. So only one corner of every 32 px square is read,
reduced 8 times, and drawn as large as the square: a mosaic that shows where the tissue lies but not
its grain. The log says when this happens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.slides.source import Pixels

if TYPE_CHECKING:
    from napari_glioma_density.slides.slide import Slide

_COARSEST_PX = 2048
_LARGEST_GAP = 4.4
_MAX_EXACT_REDUCTION = 8
_CELL_PX = 32


@dataclass(frozen=True)
class DisplayLevel:
    """One level on the screen.

    `reduction` px of the slide's level `level` along each side become one.
    """

    slide: Slide
    level: int
    reduction: int

    @cached_property
    def height(self) -> int:
        """Height in px."""
        return max(1, self.slide.levels[self.level].height // self.reduction)

    @cached_property
    def width(self) -> int:
        """Width in px."""
        return max(1, self.slide.levels[self.level].width // self.reduction)

    @property
    def is_sampled(self) -> bool:
        """Whether only a part of the slide's px is looked at."""
        return self.reduction > _MAX_EXACT_REDUCTION

    def read(self, y: int, x: int, height: int, width: int) -> Pixels:
        """Read a window in px of this level; white and unread beyond its edges."""
        if self.reduction == 1:
            return self.slide.read(self.level, y, x, height, width)
        if self.is_sampled:
            return self._sampled(y, x, height, width)
        return self._averaged(y, x, height, width)

    def _averaged(self, y: int, x: int, height: int, width: int) -> Pixels:
        r = self.reduction
        return shrink(self.slide.read(self.level, y * r, x * r, height * r, width * r), r)

    def _sampled(self, y: int, x: int, height: int, width: int) -> Pixels:
        """Mosaic of cells, each a sample of the source px that lie under it."""
        rgb = np.full((height, width, 3), 255, dtype=np.uint8)
        read = np.zeros((height, width), dtype=np.bool_)
        for row in range(y // _CELL_PX, -(-(y + height) // _CELL_PX)):
            for column in range(x // _CELL_PX, -(-(x + width) // _CELL_PX)):
                cell = self._cell(row * _CELL_PX, column * _CELL_PX)
                _paste(rgb, cell.rgb, row * _CELL_PX - y, column * _CELL_PX - x)
                _paste(read, cell.read, row * _CELL_PX - y, column * _CELL_PX - x)
        return Pixels(rgb, read)

    def _cell(self, y: int, x: int) -> Pixels:
        """Read the first px under a cell; on the usual tiles that is one tile."""
        side = _CELL_PX * _MAX_EXACT_REDUCTION
        y, x = y * self.reduction, x * self.reduction
        return shrink(self.slide.read(self.level, y, x, side, side), _MAX_EXACT_REDUCTION)


def display_levels(slide: Slide) -> list[DisplayLevel]:
    """Return the file's levels, and made ones in gaps over four times and below the last."""
    shown = []
    for index, level in enumerate(slide.levels):
        shown.append(DisplayLevel(slide, index, 1))
        is_last = index + 1 == len(slide.levels)
        following = None if is_last else slide.levels[index + 1].downsample / level.downsample
        longer = max(level.width, level.height)
        shown += [DisplayLevel(slide, index, r) for r in _reductions(longer, following)]
    return shown


def _reductions(longer_px: int, following: float | None) -> list[int]:
    """Return the reductions to make below a level, up to the next one or to a small overview."""
    reductions = []
    made = 1
    while (following is None and longer_px > _COARSEST_PX * made) or (
        following is not None and following > _LARGEST_GAP * made
    ):
        made *= 2
        reductions.append(made)
    return reductions


def shrink(pixels: Pixels, factor: int) -> Pixels:
    """Average squares of `factor` px; a px is read only where its whole square was."""
    height, width = (side // factor for side in pixels.read.shape)
    rgb = cv2.resize(pixels.rgb, (width, height), interpolation=cv2.INTER_AREA)
    # Strided slices: numpy's reductions over short axes are several times slower.
    rows = [pixels.read[row : height * factor : factor] for row in range(factor)]
    whole = np.logical_and.reduce(rows)
    columns = [whole[:, column : width * factor : factor] for column in range(factor)]
    read = np.asarray(np.logical_and.reduce(columns), np.bool_)
    return Pixels(np.asarray(rgb, dtype=np.uint8), read)


def _paste(canvas: NDArray[Any], part: NDArray[Any], top: int, left: int) -> None:
    """Copy a part to (top, left) of a canvas, as far as it lies on it."""
    bottom, right = top + part.shape[0], left + part.shape[1]
    y0, x0 = max(top, 0), max(left, 0)
    clipped = part[y0 - top :, x0 - left :]
    target = canvas[y0 : max(bottom, 0), x0 : max(right, 0)]
    target[...] = clipped[: target.shape[0], : target.shape[1]]
