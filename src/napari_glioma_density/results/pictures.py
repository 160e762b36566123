"""Pictures on disk, whole or not at all."""

import hashlib
import zlib
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.failures import explained
from napari_glioma_density.slides.codestreams import JPEG_START, is_whole_jpeg

PROGRAM: Final = b"Software\0glioma-density"
"""Stands in every picture that is written, after its header, so that it is known again."""
_HEADER_BYTES = 33


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write grey (height, width) or RGB (height, width, 3) pixels as PNG.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    _, png = cv2.imencode(".png", ordered)
    data = png.tobytes()
    with explained(path):
        write_atomically(
            path, data[:_HEADER_BYTES] + _chunk(b"tEXt", PROGRAM) + data[_HEADER_BYTES:]
        )


def picture_digest(rgb: NDArray[np.uint8]) -> str:
    """SHA-256 of a picture's size and pixels (height, width, 3), however they are stored."""
    return hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).hexdigest()


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return len(content).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")


def read_png(path: Path) -> NDArray[np.uint8]:
    """Read a picture as RGB, (height, width, 3).

    Raises
    ------
    StoreError
        When it is absent or damaged.
    """
    with explained(path):
        pixels = decoded(path, cv2.IMREAD_COLOR)
    if pixels is None:
        raise StoreError(f"{path}: is no readable picture: restore it from a copy")
    return np.ascontiguousarray(pixels[..., ::-1])


def decoded(path: Path, mode: int = cv2.IMREAD_UNCHANGED) -> NDArray[Any] | None:
    """Return a PNG's, JPEG's or TIFF's samples, (height, width, …), as BGR; None if it is none.

    A JPEG that ends early is none: OpenCV makes the rest of it grey.

    Raises
    ------
    OSError
        When the file cannot be read.
    """
    # cv2.imread prints its own warnings and cannot open every path on Windows.
    encoded = np.fromfile(path, np.uint8)
    if not encoded.size or _is_cut_jpeg(encoded.tobytes()):
        return None
    try:
        return cv2.imdecode(encoded, mode)
    except cv2.error:  # of more px than OpenCV allows
        return None


def _is_cut_jpeg(data: bytes) -> bool:
    return data.startswith(JPEG_START) and not is_whole_jpeg(data)
