"""A nucleus mask as a pyramid for other viewers, made in one pass without ever holding the slide.

Each level is four times coarser than the one before, as scanners write them. A px of a coarse level
is the mean of its sixteen: its grey is the share of nucleus there, and sparse nuclei fade but do
not vanish.
"""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.results.masks import MaskLevel

STEP: Final = 4
"""Px of a level along one px of the next."""
CELL_PX: Final = STEP * PATCH_PX
"""Side of what is read at once: sixteen patches, which make one tile of the next level."""
NUCLEUS: Final = 255

_HELD_FROM: Final = 2

Grey = NDArray[np.uint8]


class MaskCell(NamedTuple):
    """A piece of the mask and what the next level shows of it, clipped at the slide's edge."""

    top: int
    left: int
    pixels: Grey
    """0, or 255 where there is nucleus."""
    quarter: Grey

    @property
    def window(self) -> tuple[slice, slice]:
        """Where `pixels` lie on level 0."""
        return _window(self.top, self.left, self.pixels)

    @property
    def quarter_window(self) -> tuple[slice, slice]:
        """Where `quarter` lies on level 1."""
        return _window(self.top // STEP, self.left // STEP, self.quarter)


class MaskLevels:
    """The levels of a mask.

    Level 0 and 1 are given piece by piece by `rows`; the others, 1/256 of the px and less, are
    held meanwhile.

    Attributes
    ----------
    shapes
        Height and width of every level, the longer side of the last at most one patch.
    """

    def __init__(self, mask: MaskLevel) -> None:
        self._mask = mask
        height, width = mask.shape
        self.shapes = [(height, width)]
        while max(self.shapes[-1]) > PATCH_PX:
            height, width = self.shapes[-1]
            self.shapes.append((-(-height // STEP), -(-width // STEP)))
        held = self.shapes[_HELD_FROM:]
        self._held = [np.zeros(shape, np.uint8) for shape in held]

    def rows(self, on_progress: Progress | None = None) -> Iterator[Iterator[MaskCell]]:
        """Read the mask once, a row of cells after the other; each is to be used up in turn."""
        tops = range(0, self.shapes[0][0], CELL_PX)
        for done, top in enumerate(tops, start=1):
            yield self._row(top, partial(on_progress, done, len(tops)) if on_progress else None)

    def held(self) -> list[Grey]:
        """Return level 2 and those after it, once every row was used up."""
        for finer, coarser in pairwise(self._held):
            coarser[:] = quarter(finer)
        return self._held

    def _row(self, top: int, when_done: Callable[[], None] | None) -> Iterator[MaskCell]:
        _, width = self.shapes[0]
        for left in range(0, width, CELL_PX):
            pixels = self._mask[top : top + CELL_PX, left : left + CELL_PX]
            grey = np.multiply(np.asarray(pixels) > 0, NUCLEUS, dtype=np.uint8)
            cell = MaskCell(top, left, grey, quarter(grey))
            if self._held:
                coarse = quarter(cell.quarter)
                self._held[0][_window(top // STEP**2, left // STEP**2, coarse)] = coarse
            yield cell
        if when_done is not None:
            when_done()


def quarter(grey: Grey) -> Grey:
    """Average 4 × 4 px, the last row and column repeated where they hang over the edge."""
    if not grey.any():
        height, width = (-(-side // STEP) for side in grey.shape)
        return np.zeros((height, width), np.uint8)
    down, across = (-side % STEP for side in grey.shape)
    whole = np.pad(grey, ((0, down), (0, across)), mode="edge")
    size = whole.shape[1] // STEP, whole.shape[0] // STEP
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)


def _window(top: int, left: int, pixels: Grey) -> tuple[slice, slice]:
    height, width = pixels.shape
    return slice(top, top + height), slice(left, left + width)
