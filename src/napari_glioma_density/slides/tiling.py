"""A window put together from the tiles under it."""

from collections.abc import Callable, Iterator

import numpy as np

from napari_glioma_density.slides.source import Pixels
from napari_glioma_density.slides.tile_cache import Tile

TileOf = Callable[[int, int], Tile | None]
"""Row and column of a tile to the tile; None where there is none."""


def put_together(
    window: tuple[int, int, int, int],
    size: tuple[int, int],
    tile_shape: tuple[int, int],
    tile_of: TileOf,
) -> Pixels:
    """Put a window together; every tile it touches is asked for once.

    Parameters
    ----------
    window
        ``(y, x, height, width)`` in px; it may hang over the edges.
    size, tile_shape
        (height, width) in px of all that is tiled, and of a tile.
    tile_of
        Asked row by row.

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
    for row, y0, y1 in _spans(top, bottom, tile_height):
        for column, x0, x1 in _spans(left, right, tile_width):
            tile = tile_of(row, column)
            if tile is not None:
                within = tile[
                    y0 - row * tile_height : y1 - row * tile_height,
                    x0 - column * tile_width : x1 - column * tile_width,
                ]
                rgb[y0 - y : y1 - y, x0 - x : x1 - x] = within
                read[y0 - y : y1 - y, x0 - x : x1 - x] = True
    return Pixels(rgb, read)


def _spans(start: int, stop: int, side: int) -> Iterator[tuple[int, int, int]]:
    """Yield (tile index, first px, px after the last) of the tiles that start:stop touches."""
    if start >= stop:
        return
    for index in range(start // side, (stop - 1) // side + 1):
        yield index, max(start, index * side), min(stop, (index + 1) * side)
