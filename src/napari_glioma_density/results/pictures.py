"""Pictures on disk, whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

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
