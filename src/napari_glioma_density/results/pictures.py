"""Pictures on disk, whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.durable import write_atomically
from napari_glioma_density.results.failures import explained


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write grey (height, width) or RGB (height, width, 3) pixels as PNG.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    _, png = cv2.imencode(".png", ordered)
    with explained(path):
        write_atomically(path, png.tobytes())


def read_png(path: Path) -> NDArray[np.uint8]:
    """Read a picture as RGB, (height, width, 3).

    Raises
    ------
    StoreError
        When it is absent or damaged.
    """
    with explained(path):
        # cv2.imread prints its own warnings and cannot open every path on Windows.
        png = np.fromfile(path, np.uint8)
    pixels = cv2.imdecode(png, cv2.IMREAD_COLOR) if png.size else None
    if pixels is None:
        raise StoreError(f"{path}: is no readable picture: restore it from a copy")
    return np.ascontiguousarray(pixels[..., ::-1])
