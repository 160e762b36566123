"""A pyramidal TIFF written cell by cell, without ever holding the slide.

Levels go down by four, as scanners write them. A cell of 1024 px is sixteen tiles of level 0, one
tile of level 1 and 64 px of level 2; the coarser levels are made from level 2, which is small
enough to be held. Bare glass is encoded once and its bytes used again.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.synthesis.layout import CELL_PX, Layout
from napari_glioma_density.synthesis.scene import BACKGROUND_RGB

TILE_PX = 256
_STEP = 4
_QUALITY = 88
_TILES = CELL_PX // TILE_PX
_HELD_PX = CELL_PX // _STEP**2
# Classic TIFF addresses 4 GiB; this is a cautious guess of the most that a pixel takes.
_CLASSIC_BYTES, _BYTES_PER_PX = 2**32 - 2**28, 0.6

Rgb = NDArray[np.uint8]
DrawCell = Callable[[int, int], Rgb | None]


def encode_tile(rgb: Rgb) -> bytes:
    """Encode one tile as JPEG in YCbCr, chroma halved across."""
    return bytes(
        imagecodecs.jpeg8_encode(
            rgb, level=_QUALITY, colorspace="RGB", outcolorspace="YCBCR", subsampling="422"
        )
    )


def _shrink(rgb: Rgb, factor: int) -> Rgb:
    size = (max(rgb.shape[1] // factor, 1), max(rgb.shape[0] // factor, 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _glass(height: int, width: int) -> Rgb:
    return np.full((height, width, 3), BACKGROUND_RGB, dtype=np.uint8)


class _Pyramid:
    """Encodes cells as level 0 asks for them, and keeps what the coarser levels need."""

    def __init__(self, layout: Layout, draw: DrawCell) -> None:
        self._layout, self._draw = layout, draw
        self._glass_tile = encode_tile(_glass(TILE_PX, TILE_PX))
        self._level_1: list[bytes] = []
        self._held = _glass(layout.cell_rows * _HELD_PX, layout.cell_columns * _HELD_PX)

    def level_0(self) -> Iterator[bytes]:
        """Yield the tiles of level 0 row by row, drawing a row of cells at a time."""
        across = -(-self._layout.width // TILE_PX)
        down = -(-self._layout.height // TILE_PX)
        for row in range(self._layout.cell_rows):
            cells = [self._cell(row, column) for column in range(self._layout.cell_columns)]
            for line in range(min(_TILES, down - row * _TILES)):
                tiles = [tile for cell in cells for tile in cell[line]]
                yield from tiles[:across]

    def level_1(self) -> Iterator[bytes]:
        """Yield the tiles of level 1, one from each cell; level 0 must be done."""
        yield from self._level_1

    def held_levels(self) -> Iterator[Rgb]:
        """Yield level 2 and coarser ones until one fits a tile."""
        shape = tuple(-(-side // _STEP) for side in self._level_1_shape)
        plane = self._held[: shape[0], : shape[1]]
        yield plane
        while max(plane.shape) > TILE_PX:
            padded = _padded(plane, _STEP)
            plane = _shrink(padded, _STEP)
            yield plane

    @property
    def _level_1_shape(self) -> tuple[int, int]:
        return -(-self._layout.height // _STEP), -(-self._layout.width // _STEP)

    def _cell(self, row: int, column: int) -> list[list[bytes]]:
        rgb = self._draw(row, column)
        if rgb is None:
            self._level_1.append(self._glass_tile)
            return [[self._glass_tile] * _TILES] * _TILES
        quarter = _shrink(rgb, _STEP)
        self._level_1.append(encode_tile(quarter))
        top, left = row * _HELD_PX, column * _HELD_PX
        self._held[top : top + _HELD_PX, left : left + _HELD_PX] = _shrink(quarter, _STEP)
        return [
            [encode_tile(np.ascontiguousarray(tile)) for tile in np.split(line, _TILES, axis=1)]
            for line in np.split(rgb, _TILES)
        ]


def _padded(rgb: Rgb, multiple: int) -> Rgb:
    """Repeat the last rows and columns up to whole multiples."""
    down, right = (-side % multiple for side in rgb.shape[:2])
    return np.pad(rgb, ((0, down), (0, right), (0, 0)), mode="edge")


def _tiles_of(plane: Rgb) -> Iterator[bytes]:
    padded = _padded(plane, TILE_PX)
    for top in range(0, padded.shape[0], TILE_PX):
        for left in range(0, padded.shape[1], TILE_PX):
            tile = padded[top : top + TILE_PX, left : left + TILE_PX]
            yield encode_tile(np.ascontiguousarray(tile))


def write_pyramid(path: Path, layout: Layout, draw: DrawCell, description: str) -> None:
    """Write a tiled, JPEG-compressed pyramid that tifffile and OpenSlide read.

    Parameters
    ----------
    path
        Written in place; BigTIFF when it may pass 4 GiB.
    layout
        Size and resolution.
    draw
        Gives the colours of a cell, uint8 (1024, 1024, 3), or None for bare glass.
    description
        ImageDescription of level 0; ASCII.
    """
    pyramid = _Pyramid(layout, draw)
    big = layout.width * layout.height * _BYTES_PER_PX > _CLASSIC_BYTES
    with tifffile.TiffWriter(path, bigtiff=big) as writer:

        def write(tiles: Iterator[bytes], shape: tuple[int, int], level: int) -> None:
            px_per_cm = 1e4 / (layout.um_per_px * _STEP**level)
            writer.write(
                tiles,
                shape=(*shape, 3),
                dtype="uint8",
                tile=(TILE_PX, TILE_PX),
                photometric="ycbcr",
                subsampling=(2, 1),
                compression="jpeg",
                subfiletype=1 if level else 0,
                resolution=(px_per_cm, px_per_cm),
                resolutionunit="CENTIMETER",
                description=description if level == 0 else None,
                metadata=None,
                software=False,
            )

        height, width = layout.height, layout.width
        write(pyramid.level_0(), (height, width), 0)
        write(pyramid.level_1(), (-(-height // _STEP), -(-width // _STEP)), 1)
        for level, plane in enumerate(pyramid.held_levels(), start=2):
            write(_tiles_of(plane), plane.shape[:2], level)
