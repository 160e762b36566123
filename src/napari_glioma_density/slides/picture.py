"""Plain PNG and JPEG pictures: one level, no µm/px of their own."""

from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.codestreams import JPEG_START, is_whole_jpeg
from napari_glioma_density.slides.pixels import pixel_rule
from napari_glioma_density.slides.resolution import NOT_STATED
from napari_glioma_density.slides.source import Level, silent

_TILE_PX = 512
_MAX_PX = 400_000_000
_RGB, _CMYK = 2, 5
"""As TIFF numbers colours; a JPEG has no alpha."""
_STRAIGHT_ALPHA = 2
_PNG = b"\x89PNG\r\n\x1a\n"


def picture_format(head: bytes) -> str | None:
    """Return "PNG" or "JPEG" by the first bytes of a file, or None."""
    if head.startswith(_PNG):
        return "PNG"
    return "JPEG" if head.startswith(JPEG_START) else None


class PictureSource:
    """A decoded picture cut into virtual tiles; see `TileSource`.

    Raises
    ------
    SlideError
        When the picture is damaged, of a refused kind, or too large to hold in memory.
    """

    reader = "imagecodecs"
    resolution = NOT_STATED
    objective = None
    bounds_offset = (0, 0)

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        data = path.read_bytes()
        self.format = picture_format(data[:8]) or "picture"
        _refuse_huge(name, data, self.format)
        try:
            stored = _decoded(data, self.format)
        except (RuntimeError, ValueError) as fault:
            raise SlideError(
                f"{name}: the picture is damaged ({' '.join(str(fault).split())[:120]}); "
                "export or copy it again"
            ) from fault
        self._rgb: NDArray[np.uint8] | None = _as_rgb(name, stored, self.format)
        height, width = self._rgb.shape[:2]
        self.levels = (Level(width, height, 1.0),)

    def tile_shape(self, level: int) -> tuple[int, int]:  # noqa: ARG002
        """Return the size of the virtual tiles."""
        return _TILE_PX, _TILE_PX

    def read_tile(
        self,
        level: int,  # noqa: ARG002
        row: int,
        column: int,
    ) -> NDArray[np.uint8]:
        """Return a full-size tile, uint8 (height, width, 3), white beyond the picture's edge."""
        rgb = self._rgb
        if rgb is None:
            raise silent(self._name, "it was closed")
        y, x = row * _TILE_PX, column * _TILE_PX
        tile = np.full((_TILE_PX, _TILE_PX, 3), 255, dtype=np.uint8)
        part = rgb[y : y + _TILE_PX, x : x + _TILE_PX]
        tile[: part.shape[0], : part.shape[1]] = part
        return tile

    def close(self) -> None:
        """Let go of the picture; later tiles are refused."""
        self._rgb = None


def _decoded(data: bytes, kind: str) -> NDArray[np.generic]:
    if kind != "PNG" and not is_whole_jpeg(data):  # a PNG has sums by which to tell
        raise ValueError("it is cut short or overwritten")
    decode = imagecodecs.png_decode if kind == "PNG" else imagecodecs.jpeg8_decode
    return np.asarray(decode(data))


def _as_rgb(name: str, stored: NDArray[np.generic], kind: str) -> NDArray[np.uint8]:
    samples = stored if stored.ndim == 3 else stored[..., np.newaxis]
    channels = samples.shape[2]
    rule = pixel_rule(
        name,
        dtype=samples.dtype,
        bits=8 * samples.dtype.itemsize,
        samples=channels,
        photometric=_CMYK if kind == "JPEG" and channels == 4 else _RGB,
        extra_samples=(_STRAIGHT_ALPHA,) if channels in (2, 4) else (),
    )
    return rule.to_rgb(samples)


def _refuse_huge(name: str, data: bytes, kind: str) -> None:
    width, height = _png_size(data) if kind == "PNG" else _jpeg_size(data)
    if width * height > _MAX_PX:
        raise SlideError(
            f"{name}: {width}×{height} px are too many for one {kind} picture; "
            "convert it to a pyramidal TIFF and open that"
        )


def _png_size(data: bytes) -> tuple[int, int]:
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) from the frame header, (0, 0) where there is none."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        is_frame = 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        if is_frame:
            height = int.from_bytes(data[at + 5 : at + 7], "big")
            return int.from_bytes(data[at + 7 : at + 9], "big"), height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return 0, 0
