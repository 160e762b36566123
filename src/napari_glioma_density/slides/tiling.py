"""A window put together from the tiles under it."""

from collections.abc import Callable, Iterable, Iterator
from itertools import product

import numpy as np

from napari_glioma_density.slides.source import Pixels
from napari_glioma_density.slides.tile_cache import Tile

TileOf = Callable[[int, int], Tile | None]
"""Row and column of a tile to the tile; None where there is none."""

Span = tuple[int, int, int]
"""Tile index along one axis, its first px in the window and the px after its last."""


def put_together(
    window: tuple[int, int, int, int],
    size: tuple[int, int],
    tile_shape: tuple[int, int],
    tile_of: TileOf,
    is_busy: Callable[[int, int], bool] = lambda *_: False,
) -> Pixels:
    """Put a window together; every tile it touches is asked for once.

    Parameters
    ----------
    window
        ``(y, x, height, width)`` in px; it may hang over the edges.
    size, tile_shape
        (height, width) in px of all that is tiled, and of a tile.
    tile_of
        Asked row by row, but for tiles that are busy.
    is_busy
        Whether another thread is at a tile, of row and column; such tiles are asked for last, so
        that nobody waits while there is something else to decode.

    Returns
    -------
    Pixels
        White and unread where there is no tile and beyond the edges.
    """
    y, x, height, width = window
    rgb = np.full((height, width, 3), 255, dtype=np.uint8)
    read = np.zeros((height, width), dtype=np.bool_)
    top, bottom = max(y, 0), min(y + height, size[0])
    left, right = max(x, 0), min(x + width, size[1])
    tile_height, tile_width = tile_shape
    tiles = product(_spans(top, bottom, tile_height), _spans(left, right, tile_width))
    for (row, y0, y1), (column, x0, x1) in _busy_last(tiles, is_busy):
        tile = tile_of(row, column)
        if tile is not None:
            within = tile[
                y0 - row * tile_height : y1 - row * tile_height,
                x0 - column * tile_width : x1 - column * tile_width,
            ]
            rgb[y0 - y : y1 - y, x0 - x : x1 - x] = within
            read[y0 - y : y1 - y, x0 - x : x1 - x] = True
    return Pixels(rgb, read)


def _busy_last(
    tiles: Iterable[tuple[Span, Span]], is_busy: Callable[[int, int], bool]
) -> Iterator[tuple[Span, Span]]:
    busy = []
    for tile in tiles:
        if is_busy(tile[0][0], tile[1][0]):
            busy.append(tile)
        else:
            yield tile
    yield from busy


def _spans(start: int, stop: int, side: int) -> Iterator[Span]:
    """Yield the tiles that start:stop touches."""
    if start >= stop:
        return
    for index in range(start // side, (stop - 1) // side + 1):
        yield index, max(start, index * side), min(stop, (index + 1) * side)
