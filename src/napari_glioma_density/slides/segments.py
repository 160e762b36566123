"""Encoded segments of one TIFF level: tiles, strips, or rows of raw samples.

Everything a decoder needs is read from the page headers when the slide is opened, so reading a tile
is one positional read and one decode, with no shared state.
"""

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError, UndecodableSlide
from napari_glioma_density.slides.codestreams import (
    JPEG_IN_TIFF,
    breaks_off,
    has_hole,
    is_whole_interval,
    is_whole_jpeg,
    is_whole_jpeg2000,
)
from napari_glioma_density.slides.positional_file import PositionalFile

_log = logging.getLogger(__name__)

MAX_SEGMENT_BYTES = 512 * 2**20
_RAW_ROWS_BYTES = 2 * 2**20
_JPEG_2000 = (33003, 33004, 33005, 34712)
_JPEG_XR_OR_WEBP = (22610, 34934, 34927, 50001)
# What decoders raise for damaged data: imagecodecs' errors are RuntimeErrors.
_DAMAGE = (
    EOFError,
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    IndexError,
    tifffile.TiffFileError,
)

Decode = Callable[[bytes, int], NDArray[np.generic]]


@dataclass(frozen=True)
class Plane:
    """The segments of one page, or of one colour plane of it, in row-major order."""

    offsets: NDArray[np.uint64]
    counts: NDArray[np.uint64]
    decode: Decode
    first: int = 0

    def read(self, file: PositionalFile, index: int) -> NDArray[np.generic] | None:
        """Return segment `index` as (height, width, samples), or None if empty or damaged.

        Raises
        ------
        SlideError
            When the file does not answer.
        """
        index += self.first
        if index >= len(self.counts) or not self.counts[index] or not self.offsets[index]:
            return None
        try:
            data = file.read(int(self.offsets[index]), int(self.counts[index]))
            return self.decode(data, index)
        except _DAMAGE as fault:
            _log.debug("segment %d does not decode: %s", index, fault)
            return None


@dataclass(frozen=True)
class Segments:
    """The grid of segments of one level, and its colour planes."""

    height: int
    width: int
    segment_height: int
    segment_width: int
    planes: tuple[Plane, ...]

    @property
    def across(self) -> int:
        """Segments in a row."""
        return -(-self.width // self.segment_width)

    @property
    def down(self) -> int:
        """Rows of segments."""
        return -(-self.height // self.segment_height)

    def read(self, file: PositionalFile, row: int, column: int) -> NDArray[np.generic] | None:
        """Return one segment as (height, width, samples), or None if any plane of it is lost."""
        index = row * self.across + column
        parts = [plane.read(file, index) for plane in self.planes]
        if any(part is None for part in parts):
            return None
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)  # type: ignore[arg-type]


def segments_of(name: str, pages: tuple[Any, ...]) -> Segments:
    """Describe the segments of one level.

    Parameters
    ----------
    name
        File name, for errors.
    pages
        One tifffile page, or one for each colour channel.

    Raises
    ------
    SlideError
        When the compression is unknown, the header contradicts itself, or a single segment is too
        large to decode.
    """
    page = pages[0]
    _refuse_mixed(name, pages)
    if all(map(_is_raw, pages)):
        return _raw_segments(name, pages)
    grid = Segments(
        height=int(page.imagelength),
        width=int(page.imagewidth),
        segment_height=int(page.tilelength if page.is_tiled else page.rowsperstrip),
        segment_width=int(page.tilewidth if page.is_tiled else page.imagewidth),
        planes=(),
    )
    _refuse_large(name, page, grid)
    planes = (plane for each in pages for plane in _encoded_planes(name, each, grid))
    return dataclasses.replace(grid, planes=tuple(planes))


def _is_raw(page: Any) -> bool:
    """Whether the samples lie uncompressed, row after row, in one run of bytes."""
    return bool(not page.is_tiled and page.is_final)


def _planes_of(page: Any) -> int:
    """How many colour planes a page holds one after the other."""
    return int(page.samplesperpixel) if page.planarconfig == 2 else 1


def _encoded_planes(name: str, page: Any, grid: Segments) -> list[Plane]:
    try:
        page.decode(None, 0)
    except (ValueError, NotImplementedError) as fault:
        raise UndecodableSlide(
            f"{name}: its pixels cannot be decoded ({_one_line(fault)}); "
            "convert the slide to a JPEG-compressed TIFF and open that"
        ) from fault
    offsets = np.asarray(page.dataoffsets, dtype=np.uint64)
    counts = np.asarray(page.databytecounts, dtype=np.uint64)
    planes, in_plane, decode = _planes_of(page), grid.across * grid.down, _decoder(page, grid)
    if len(offsets) < planes * in_plane:
        raise SlideError(
            f"{name}: its header claims {page.imagewidth}×{page.imagelength} px but lists "
            f"{len(offsets)} of {planes * in_plane} tiles; copy it again from where it came"
        )
    return [Plane(offsets, counts, decode, first=i * in_plane) for i in range(planes)]


def _decoder(page: Any, grid: Segments) -> Decode:
    """Return a function of (encoded bytes, segment index) without ties to the open file."""
    decode, tables, header = page.decode, page.jpegtables, page.jpegheader
    is_whole = _check_of(page)
    # Streams hold squares of up to 16 px, so that the last ones reach beyond the edge.
    height, width = (-(-side // 16) * 16 for side in (grid.segment_height, grid.segment_width))
    samples = height * width * int(page.samplesperpixel)

    def decode_segment(data: bytes, index: int) -> NDArray[np.generic]:
        if is_whole is not None and (has_hole(data, samples) or not is_whole(data)):
            raise ValueError("the stream is cut or overwritten")
        array: NDArray[np.generic] = decode(data, index, jpegtables=tables, jpegheader=header)[0][0]
        return array

    return decode_segment


def _check_of(page: Any) -> Callable[[bytes], bool] | None:
    """Return what tells a damaged segment where its decoder would not; None where it does."""
    if page.compression in _JPEG_2000:
        return is_whole_jpeg2000
    if page.compression in _JPEG_XR_OR_WEBP:
        ends_in_few = page.is_tiled
        return lambda data: not (ends_in_few and breaks_off(data))
    if page.compression not in JPEG_IN_TIFF:
        return None
    # A header that is kept apart means that one image is cut into segments: Hamamatsu's.
    return is_whole_jpeg if page.jpegheader is None else is_whole_interval


def _raw_segments(name: str, pages: tuple[Any, ...]) -> Segments:
    page = pages[0]
    height, width = int(page.imagelength), int(page.imagewidth)
    samples = int(page.samplesperpixel) // _planes_of(page)
    dtype = np.dtype(page.dtype).newbyteorder(page.parent.byteorder)
    row_bytes = width * samples * dtype.itemsize
    rows = min(height, max(1, _RAW_ROWS_BYTES // row_bytes))
    tops = np.arange(0, height, rows, dtype=np.uint64)
    counts = np.minimum(rows, height - tops) * np.uint64(row_bytes)

    def decode_rows(data: bytes, _: int) -> NDArray[np.generic]:
        rows_here = np.frombuffer(data, dtype).reshape(-1, width, samples)
        return rows_here.astype(dtype.newbyteorder("="), copy=False)

    starts = [
        int(each.dataoffsets[0]) + plane * height * row_bytes
        for each in pages
        for plane in range(_planes_of(each))
    ]
    _refuse_short_file(name, page, max(starts) + height * row_bytes)
    planes = (Plane(start + tops * np.uint64(row_bytes), counts, decode_rows) for start in starts)
    return Segments(height, width, rows, width, tuple(planes))


def _refuse_mixed(name: str, pages: tuple[Any, ...]) -> None:
    if any(each.hash != pages[0].hash for each in pages):
        raise SlideError(
            f"{name}: its images of red, green and blue are stored in different ways; "
            "export it as RGB and open that"
        )


def _refuse_short_file(name: str, page: Any, end: int) -> None:
    size = int(page.parent.filehandle.size)
    if end > size:
        raise SlideError(
            f"{name}: its header claims {page.imagewidth}×{page.imagelength} px, {end} bytes, "
            f"but the file has {size}; copy it again from where it came"
        )


def _refuse_large(name: str, page: Any, grid: Segments) -> None:
    size = grid.segment_height * grid.segment_width * int(page.samplesperpixel)
    if size * np.dtype(page.dtype).itemsize > MAX_SEGMENT_BYTES:
        raise SlideError(
            f"{name}: its {page.imagewidth}×{page.imagelength} px are compressed in pieces too "
            "large to open; convert it to a tiled TIFF (for instance `vips tiffsave --tile`)"
        )


def _one_line(fault: Exception) -> str:
    return " ".join(str(fault).split())[:120]
