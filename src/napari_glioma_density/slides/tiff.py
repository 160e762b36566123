"""Slides in TIFF files: SVS, NDPI, OME-TIFF and plain ones, tiled or in strips.

tifffile parses the headers, imagecodecs decodes; bytes are read straight from the file at their
offsets, so any number of threads may read tiles at once.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.codestreams import JPEG_IN_TIFF
from napari_glioma_density.slides.pixels import PixelRule, pixel_rule
from napari_glioma_density.slides.positional_file import PositionalFile
from napari_glioma_density.slides.resolution import (
    Resolution,
    aperio_field,
    aperio_statement,
    ome_statement,
    parse_number,
    resolve,
    tiff_statement,
)
from napari_glioma_density.slides.segments import Segments, segments_of
from napari_glioma_density.slides.source import Level
from napari_glioma_density.slides.tiff_pages import NDPI_MAGNIFICATION_TAG, Page, pyramid_pages

# What tifffile raises for headers that make no sense.
_BAD_HEADER = (
    tifffile.TiffFileError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    AssertionError, OverflowError, ZeroDivisionError, RuntimeError, struct.error,
)  # fmt: skip
# Small segments (an NDPI's are 8 px high, strips often one) are read in groups of this many px.
_GROUPED_PX = 64
_APERIO_YCBCR = 33003


@dataclass(frozen=True)
class _TiledLevel:
    """A level with its tiles: groups of one or more neighbouring segments.

    Levels may be compressed in different ways, so each has a rule of its own for its samples.
    """

    level: Level
    rule: PixelRule
    segments: Segments
    rows: int
    columns: int

    @property
    def tile_shape(self) -> tuple[int, int]:
        height = self.rows * self.segments.segment_height
        return height, self.columns * self.segments.segment_width

    def segments_at(self, row: int, column: int) -> Iterator[tuple[int, int]]:
        """Rows and columns of the segments of a tile."""
        down = range(row * self.rows, min((row + 1) * self.rows, self.segments.down))
        left, right = column * self.columns, (column + 1) * self.columns
        return product(down, range(left, min(right, self.segments.across)))


class TiffSource:
    """Tiles of a TIFF slide; see `TileSource`.

    Raises
    ------
    SlideError
        When the file is no TIFF, its header is damaged, or its pixels are of a refused kind.
    """

    reader = "tifffile"
    bounds_offset = (0, 0)

    def __init__(self, path: Path, name: str) -> None:
        try:
            with tifffile.TiffFile(path) as tif:
                pages = pyramid_pages(tif)
                if not pages:
                    raise SlideError(f"{name}: {_without_image(tif)}")
                self.format = _format_of(tif, len(pages))
                self._levels = tuple(_tiled_level(name, level, pages[0][0]) for level in pages)
                self.resolution = _resolution_of(tif, pages[0][0])
                self.objective = _objective_of(tif, pages[0][0])
        except _BAD_HEADER as fault:
            raise SlideError(
                f"{name}: its TIFF header is damaged ({type(fault).__name__}); "
                "copy the file again from where it came"
            ) from fault
        self.levels = tuple(each.level for each in self._levels)
        self._file = PositionalFile(path, name)

    def tile_shape(self, level: int) -> tuple[int, int]:
        """Return (height, width) in px of the tiles of a level."""
        return self._levels[level].tile_shape

    def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a full-size tile, uint8 (height, width, 3); None if a segment is damaged or empty.

        Raises
        ------
        SlideError
            When the file does not answer.
        """
        tiled, stored = self._levels[level], []
        for at in tiled.segments_at(row, column):
            segment = tiled.segments.read(self._file, *at)
            if segment is None:
                return None
            stored.append((at, tiled.rule.to_rgb(segment)))
        if len(stored) == 1 and stored[0][1].shape[:2] == tiled.tile_shape:
            return stored[0][1]  # nearly always: to copy it costs a tenth of decoding it
        tile = np.full((*tiled.tile_shape, 3), 255, dtype=np.uint8)
        for (i, j), rgb in stored:
            y = (i - row * tiled.rows) * tiled.segments.segment_height
            x = (j - column * tiled.columns) * tiled.segments.segment_width
            tile[y : y + rgb.shape[0], x : x + rgb.shape[1]] = rgb
        return tile

    def close(self) -> None:
        """Close the file; later tiles are refused."""
        self._file.close()


def _tiled_level(name: str, pages: tuple[Page, ...], main: Page) -> _TiledLevel:
    rule = _rule_of(name, pages)
    segments = segments_of(name, pages)
    return _TiledLevel(
        level=Level.of(segments.width, segments.height, (main.imagewidth, main.imagelength)),
        rule=rule,
        segments=segments,
        rows=max(1, min(segments.down, _GROUPED_PX // segments.segment_height)),
        columns=max(1, min(segments.across, _GROUPED_PX // segments.segment_width)),
    )


def _without_image(tif: tifffile.TiffFile) -> str:
    """Why a TIFF has no image of tissue, and what to do about it."""
    if len(tif.pages) == 0:  # its list of images lies beyond its end
        return "is cut short or damaged; copy the file again from where it came"
    return "holds no slide image; open another file"


def _format_of(tif: tifffile.TiffFile, levels: int) -> str:
    if tif.is_svs:
        return "Aperio SVS"
    if tif.is_ndpi:
        return "Hamamatsu NDPI"
    if tif.is_ome:
        return "OME-TIFF"
    return "pyramidal TIFF" if levels > 1 else "TIFF"


def _rule_of(name: str, pages: tuple[Page, ...]) -> PixelRule:
    page = pages[0]
    if len(pages) not in (1, 3):
        raise SlideError(
            f"{name}: {len(pages)} single-channel images of one size (fluorescence or a stack), "
            "not a colour slide; export it as RGB and open that"
        )
    if page.dtype is None:
        raise SlideError(f"{name}: its samples are of an unknown type; export it as 8-bit RGB")
    compression = int(page.compression)
    return pixel_rule(
        name,
        dtype=np.dtype(page.dtype),
        bits=int(page.bitspersample),
        samples=3 if len(pages) == 3 else int(page.samplesperpixel),
        photometric=6 if compression == _APERIO_YCBCR else int(page.photometric),
        extra_samples=tuple(int(kind) for kind in page.extrasamples),
        decoded_as_rgb=compression in JPEG_IN_TIFF,
    )


def _resolution_of(tif: tifffile.TiffFile, page: Page) -> Resolution:
    tags = page.tags
    source = "NDPI XResolution" if tif.is_ndpi else "TIFF resolution"
    return resolve(
        (
            aperio_statement(page.description) if tif.is_svs else None,
            ome_statement(tif.pages.first.description, page.imagewidth, page.imagelength)
            if tif.is_ome
            else None,
            tiff_statement(tags.valueof(282), tags.valueof(283), tags.valueof(296, 2), source),
        )
    )


def _objective_of(tif: tifffile.TiffFile, page: Page) -> float | None:
    if tif.is_svs:
        return aperio_field(page.description, "AppMag")
    return parse_number(page.tags.valueof(NDPI_MAGNIFICATION_TAG))
