"""A slide on disk: its levels, its µm/px, and windows read from any level."""

from __future__ import annotations

import copy
import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import cv2
import numpy as np

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.display import DisplayLevel, display_levels
from napari_glioma_density.slides.fingerprint import fingerprint_of, pseudonym_of
from napari_glioma_density.slides.resolution import (
    BELIEVABLE_UM_PER_PX,
    Resolution,
    given_against,
    is_believable,
)
from napari_glioma_density.slides.source import Level, Pixels, TileSource
from napari_glioma_density.slides.tile_cache import Tile, TileCache
from napari_glioma_density.slides.tiling import put_together

if TYPE_CHECKING:
    import dask.array as da

_log = logging.getLogger(__name__)

_CACHE_BYTES = 128 * 2**20
_SAMPLED_TILES_A_SIDE = 8
_THUMBNAIL_STRIP_PX = 2**18
_THUMBNAIL_THREADS = 4


class Slide:
    """An open slide. Reading is safe from many threads and does not fail for damaged tiles.

    Parameters
    ----------
    path
        The file, or the folder of a DICOM slide, as the user named it.
    source
        The backend that decodes its tiles; the slide closes it.
    """

    def __init__(self, path: Path, source: TileSource) -> None:
        self.path = path
        self.name = path.name if path.name not in ("", "..") else path.resolve().name
        self.fingerprint = fingerprint_of(path)
        self.resolution = source.resolution
        self._source = source
        self._cache = TileCache(_CACHE_BYTES)
        self._damaged: set[tuple[int, int, int]] = set()
        self._noting = threading.Lock()

    @property
    def pseudonym(self) -> str:
        """Name to show instead of the file's."""
        return pseudonym_of(self.fingerprint)

    @property
    def format(self) -> str:
        """Name of the file format."""
        return self._source.format

    @property
    def reader(self) -> str:
        """Library that reads it."""
        return self._source.reader

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the file, finest first."""
        return self._source.levels

    @property
    def width(self) -> int:
        """Width of level 0 in px."""
        return self.levels[0].width

    @property
    def height(self) -> int:
        """Height of level 0 in px."""
        return self.levels[0].height

    @property
    def um_per_px(self) -> float | None:
        """µm per level-0 px; None when the file does not say it believably."""
        return self.resolution.um_per_px

    @property
    def objective(self) -> float | None:
        """Magnification of the scanner's objective, if stated."""
        return self._source.objective

    @property
    def bounds_offset(self) -> tuple[int, int]:
        """(x, y) level-0 px where the scanned part begins, (0, 0) where the file names none.

        Programs that crop to it, such as QuPath, count their px from there.
        """
        return self._source.bounds_offset

    @property
    def damaged_tiles(self) -> frozenset[tuple[int, int, int]]:
        """(level, row, column) of the damaged or empty tiles met so far."""
        with self._noting:
            return frozenset(self._damaged)

    def with_um_per_px(self, um_per_px: float, source: str | None = None) -> Slide:
        """Return the same open slide with another µm/px, and where that comes from.

        Without a `source` it counts as given by the user; if the file states another, the source
        says so.

        Raises
        ------
        SlideError
            When the value is outside 0.05–5 µm/px.
        """
        if not is_believable(um_per_px):
            low, high = BELIEVABLE_UM_PER_PX
            raise SlideError(
                f"{self.name}: {um_per_px:g} µm/px is not a slide's resolution; "
                f"give a value from {low:g} to {high:g} (20× is about 0.5, 40× about 0.25)"
            )
        twin = copy.copy(self)
        source = source or given_against(um_per_px, self._source.resolution)
        twin.resolution = Resolution(float(um_per_px), source)
        return twin

    def read(self, level: int, y: int, x: int, height: int, width: int) -> Pixels:
        """Read a window of a level; every tile it touches is decoded once.

        Parameters
        ----------
        level
            Level of the file.
        y, x, height, width
            Window in px of that level; it may hang over the slide's edges.

        Returns
        -------
        Pixels
            White and unread where tiles are damaged and beyond the edges.

        Raises
        ------
        SlideError
            When the file does not answer: what it holds there is not known.
        """
        return self._window(level, y, x, height, width, self._tile)

    def at_hand(self, level: int, y: int, x: int, height: int, width: int) -> Pixels:
        """Return what `read` would, as far as that takes no decoding.

        Returns
        -------
        Pixels
            White and unread where a tile would have to be decoded; damaged tiles are white and
            count as read, for there is nothing more to come.
        """
        return self._window(level, y, x, height, width, self._tile_at_hand)

    def thumbnail(self, max_px: int = 2048) -> Pixels:
        """Return the whole slide with its longer side at most `max_px`.

        It is made from the coarsest level that is still finer. Of a huge slide without coarse
        levels only a sample of the tiles is decoded.
        """
        display = self._display_level_for(max_px)
        scale = min(1.0, max_px / max(self.width, self.height))
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        read = np.empty((height, width), dtype=np.bool_)
        rows = max(1, int(_THUMBNAIL_STRIP_PX / display.width * height / display.height))

        def draw(top: int) -> None:
            bottom = min(top + rows, height)
            y0, y1 = (edge * display.height // height for edge in (top, bottom))
            strip = display.read(y0, 0, max(1, y1 - y0), display.width)
            to = (width, bottom - top)
            rgb[top:bottom] = cv2.resize(strip.rgb, to, interpolation=cv2.INTER_AREA)
            read[top:bottom] = True
            if not strip.read.all():
                unread = np.asarray(~strip.read, dtype=np.float32)
                read[top:bottom] = cv2.resize(unread, to, interpolation=cv2.INTER_AREA) == 0

        with ThreadPoolExecutor(_THUMBNAIL_THREADS) as threads:
            list(threads.map(draw, range(0, height, rows)))
        return Pixels(rgb, read)

    def pyramid(self) -> list[da.Array]:
        """Return uint8 RGB levels for display, finest first, as lazy dask arrays.

        Chunks are 512–1024 px a side. Coarse levels are made where the file has none; those of a
        huge slide are made from a sample of its tiles, so that an overview never decodes the whole
        of level 0. Reading does not raise: what cannot be read is white.
        """
        # dask is slow to import, and only the screen needs it.
        from napari_glioma_density.slides.level_array import pyramid_of

        return pyramid_of(self)

    def check_readable(self) -> None:
        """Make sure that some pixels of the slide can be read.

        Raises
        ------
        SlideError
            When not one tile of level 0 decodes.
        """
        sampled = set(self._level0_tiles(_SAMPLED_TILES_A_SIDE))
        remaining = (at for at in self._level0_tiles() if at not in sampled)
        if not any(self._tile(0, *at) is not None for at in itertools.chain(sampled, remaining)):
            raise SlideError(
                f"{self.name}: not one tile of it can be decoded; the file is damaged, "
                "copy it again from where it came"
            )

    def tile_shape(self, level: int) -> tuple[int, int]:
        """Return (height, width) in px of the tiles that are decoded at once."""
        return self._source.tile_shape(level)

    def close(self) -> None:
        """Close the file; windows read afterwards are refused."""
        self._source.close()
        self._cache.clear()

    def __enter__(self) -> Slide:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Slide {self.pseudonym}, {self.format}, {self.width}×{self.height} px>"

    def _window(
        self,
        level: int,
        y: int,
        x: int,
        height: int,
        width: int,
        tile_of: Callable[[int, int, int], Tile | None],
    ) -> Pixels:
        size = self.levels[level]
        return put_together(
            (y, x, height, width),
            (size.height, size.width),
            self._source.tile_shape(level),
            lambda row, column: tile_of(level, row, column),
            lambda row, column: self._cache.is_decoding((level, row, column)),
        )

    def _tile(self, level: int, row: int, column: int) -> Tile | None:
        key = (level, row, column)
        if key in self._damaged:
            return None
        tile = self._cache.get(key, lambda: self._source.read_tile(*key))
        if tile is None:
            self._note_damage(key)
        return tile

    def _tile_at_hand(self, level: int, row: int, column: int) -> Tile | None:
        key = (level, row, column)
        if key in self._damaged:
            return np.broadcast_to(np.uint8(255), (*self.tile_shape(level), 3))
        return self._cache.peek(key)

    def _note_damage(self, key: tuple[int, int, int]) -> None:
        with self._noting:
            is_new = key not in self._damaged
            self._damaged.add(key)
        if is_new:
            _log.info("%s: tile %d, %d of level %d is unread", self.pseudonym, *key[1:], key[0])

    def _display_level_for(self, max_px: int) -> DisplayLevel:
        levels = display_levels(self)
        finer = [each for each in levels if max(each.width, each.height) >= max_px]
        return finer[-1] if finer else levels[0]

    def _level0_tiles(self, most_a_side: int | None = None) -> Iterator[tuple[int, int]]:
        """Yield tiles of level 0 in order: all, or some spread evenly."""
        tile_height, tile_width = self._source.tile_shape(0)
        rows = _spread(-(-self.height // tile_height), most_a_side)
        columns = _spread(-(-self.width // tile_width), most_a_side)
        return itertools.product(rows, columns)


def _spread(count: int, most: int | None) -> list[int] | range:
    """Return all of range(count), or at most `most` of them, from the middle of equal parts."""
    if most is None or count <= most:
        return range(count)
    return [(2 * i + 1) * count // (2 * most) for i in range(most)]
