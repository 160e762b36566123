"""A mask on disk as napari draws it: outlines, tile by tile, each read away from the window."""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import GliomaDensityError

logger = logging.getLogger(__name__)

OUTSIDE, INSIDE, OUTLINE = 0, 1, 2
TILE_PX = 480
TILES_KEPT = 160
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

Tile = tuple[int, int]
"""Row and column of a tile of 480×480 px of a level."""


class Mask(Protocol):
    """A 0/1 mask on disk, as zarr hands it out: (height, width), uint8."""

    shape: tuple[int, ...]

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Read a window."""


class NoNuclei:
    """A mask of a run that has not begun."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        sides = zip(window, self.shape, strict=True)
        return np.zeros([len(range(*part.indices(side))) for part, side in sides], np.uint8)


class OutlinedMask:
    """One level of a mask, drawn: 0 outside, 1 inside, 2 on the outline of a nucleus.

    napari slices it like an array, in its draw loop, so slicing neither reads the disk nor raises.
    A tile that is not at hand is clear and noted as *wanted*; the owner of the mask draws wanted
    tiles in another thread, keeps them here and has the layer drawn again.
    """

    ndim = 2
    dtype = np.dtype(np.uint8)
    chunks = (TILE_PX, TILE_PX)

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._kept: OrderedDict[Tile, NDArray[np.uint8]] = OrderedDict()
        self._wanted: set[Tile] = set()
        height, width = mask.shape
        self.shape = (int(height), int(width))
        self.size = self.shape[0] * self.shape[1]

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        down, across = (
            slice(*part.indices(side)) for part, side in zip(key[:2], self.shape, strict=True)
        )
        drawn = np.zeros((down.stop - down.start, across.stop - across.start), np.uint8)
        for row, column in _tiles(down, across):
            kept = self._kept.get((row, column))
            if kept is None:
                self._wanted.add((row, column))
            else:
                self._kept.move_to_end((row, column))
                _paste(drawn, kept, row * TILE_PX - down.start, column * TILE_PX - across.start)
        return drawn

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.uint8]:
        """Draw the whole level at once, for those who save the layer."""
        return outlined(np.asarray(self._mask[:, :]))

    def take_wanted(self) -> set[Tile]:
        """Return the tiles that were looked at and are not at hand; they are wanted no more."""
        wanted, self._wanted = self._wanted, set()
        return wanted

    def mark_stale(self, down: slice, across: slice) -> None:
        """Want those kept tiles anew that a window (px of this level) touches."""
        grown = (slice(max(side.start - 1, 0), side.stop + 1) for side in (down, across))
        self._wanted.update(tile for tile in _tiles(*grown) if tile in self._kept)

    def mark_all_stale(self) -> None:
        """Want every kept tile anew."""
        self._wanted.update(self._kept)

    def look_at(self, mask: Mask) -> None:
        """Draw another mask of the same size from now on; what changed is to be marked stale."""
        self._mask = mask

    def draw(self, tile: Tile) -> NDArray[np.uint8] | None:
        """Read and draw a tile, in any thread; None, and a log line, when it cannot be read."""
        try:
            return self._draw(*tile)
        except (GliomaDensityError, OSError, ValueError, KeyError, RuntimeError) as error:
            logger.warning("The nuclei of tile %s cannot be read: %s", tile, error)
            return None

    def keep(self, tile: Tile, drawn: NDArray[np.uint8]) -> None:
        """Have a drawn tile at hand; the one not looked at for longest makes room."""
        self._kept[tile] = drawn
        self._kept.move_to_end(tile)
        while len(self._kept) > TILES_KEPT:
            self._kept.popitem(last=False)

    def give_up(self, tile: Tile) -> None:
        """Leave a tile that cannot be read as it is: wanted again at once, it would fail for ever.

        It is tried again when it is marked stale, or has made room and is looked at once more.
        """
        if tile not in self._kept:
            self.keep(tile, np.zeros((TILE_PX, TILE_PX), np.uint8))

    def _draw(self, row: int, column: int) -> NDArray[np.uint8]:
        """Read one px more on each side, so that outlines do not close at the tile's edge."""
        top, left = row * TILE_PX, column * TILE_PX
        above, before = min(top, 1), min(left, 1)
        window = np.s_[top - above : top + TILE_PX + 1, left - before : left + TILE_PX + 1]
        drawn = outlined(np.asarray(self._mask[window]))
        return drawn[above : above + TILE_PX, before : before + TILE_PX]


def outlined(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mark the px of a 0/1 mask that touch background on one of four sides."""
    core = cv2.erode(mask, CROSS, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(mask + (mask - core), np.uint8)


def _tiles(down: slice, across: slice) -> Iterator[Tile]:
    for row in range(down.start // TILE_PX, -(-down.stop // TILE_PX)):
        for column in range(across.start // TILE_PX, -(-across.stop // TILE_PX)):
            yield row, column


def _paste(onto: NDArray[np.uint8], tile: NDArray[np.uint8], y: int, x: int) -> None:
    """Copy the part of `tile` that lies within `onto` when its corner is at (y, x)."""
    height = min(tile.shape[0], onto.shape[0] - y)
    width = min(tile.shape[1], onto.shape[1] - x)
    cut_y, cut_x = max(-y, 0), max(-x, 0)
    onto[y + cut_y : y + height, x + cut_x : x + width] = tile[cut_y:height, cut_x:width]
