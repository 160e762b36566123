"""A level as the screen shows it; what has been read stays in memory for a while."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.display import DisplayLevel, display_levels
from napari_glioma_density.slides.slide import Slide
from napari_glioma_density.slides.source import Pixels
from napari_glioma_density.slides.tile_cache import Tile, TileCache
from napari_glioma_density.slides.tiling import TileOf, put_together

_log = logging.getLogger(__name__)

_MIN_CHUNK_PX, _MAX_CHUNK_PX = 512, 1024
_KEPT_BYTES = 128 * 2**20
"""Of what was made, all levels of a slide together."""


@dataclass(frozen=True, eq=False)
class ShownLevel:
    """A display level that is read in chunks.

    Attributes
    ----------
    display
        The level.
    chunk_shape
        (height, width) of a chunk in px.
    coarser
        The levels below it, the next one first.
    kept
        The chunks of the levels that are made. The slide keeps the tiles of the others.
    """

    display: DisplayLevel
    chunk_shape: tuple[int, int]
    coarser: tuple[ShownLevel, ...]
    kept: TileCache

    @property
    def height(self) -> int:
        """Height in px."""
        return self.display.height

    @property
    def width(self) -> int:
        """Width in px."""
        return self.display.width

    @property
    def is_made(self) -> bool:
        """Whether the file does not hold it."""
        return self.display.reduction > 1

    def read(self, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        """Read a window, (height, width, 3); white where nothing can be read."""
        try:
            if self.is_made:
                return self._of_chunks(y, x, height, width, self._made).rgb
            return self.display.read(y, x, height, width).rgb
        except SlideError as fault:
            _log.warning("a part of the slide is not shown: %s", fault)
            return np.full((height, width, 3), 255, np.uint8)

    def at_hand(self, y: int, x: int, height: int, width: int) -> Pixels:
        """Return what `read` would, as far as that takes no decoding.

        Returns
        -------
        Pixels
            White and unread where tiles would have to be decoded.
        """
        if self.is_made:
            return self._of_chunks(y, x, height, width, self._made_before)
        return self.display.slide.at_hand(self.display.level, y, x, height, width)

    def _of_chunks(self, y: int, x: int, height: int, width: int, chunk_of: TileOf) -> Pixels:
        size = self.height, self.width
        return put_together((y, x, height, width), size, self.chunk_shape, chunk_of)

    def _made(self, row: int, column: int) -> Tile | None:
        tall, wide = self.chunk_shape
        y, x = row * tall, column * wide

        def make() -> Tile:
            tall_here, wide_here = min(tall, self.height - y), min(wide, self.width - x)
            return self.display.read(y, x, tall_here, wide_here).rgb

        return self.kept.get(self._key(row, column), make)

    def _made_before(self, row: int, column: int) -> Tile | None:
        return self.kept.peek(self._key(row, column))

    def _key(self, row: int, column: int) -> tuple[int, int, int]:
        return len(self.coarser), row, column


def shown_levels(slide: Slide) -> tuple[ShownLevel, ...]:
    """Return the display levels of a slide for the screen, finest first."""
    kept = TileCache(_KEPT_BYTES)
    shown: tuple[ShownLevel, ...] = ()
    for level in reversed(display_levels(slide)):
        shown = (ShownLevel(level, _chunk_shape(level), shown, kept), *shown)
    return shown


def _chunk_shape(level: DisplayLevel) -> tuple[int, int]:
    """Return the smallest chunks of whole tiles within 512–1024 px a side."""
    if level.reduction > 1:
        return _MIN_CHUNK_PX, _MIN_CHUNK_PX
    height, width = map(_chunk_px, level.slide.tile_shape(level.level))
    return height, width


def _chunk_px(tile_px: int) -> int:
    """Return the smallest multiple of a tile's side within 512–1024 px, 512 where none is.

    napari reads whole chunks: the smaller they are, the less lies outside the view.
    """
    multiple = -(-_MIN_CHUNK_PX // tile_px) * tile_px
    return multiple if multiple <= _MAX_CHUNK_PX else _MIN_CHUNK_PX
