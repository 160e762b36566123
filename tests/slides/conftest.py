"""Slides made for the tests: real TIFF files, small, of every kind that is read or refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from made_slides import TiffWriter
from numpy.typing import NDArray


@pytest.fixture(scope="session")
def picture() -> NDArray[np.uint8]:
    """Smooth, colourful RGB of 700×900 px, kind to JPEG and unlike itself anywhere."""
    y, x = np.mgrid[0:700, 0:900].astype(np.float32)
    channels = (120 + y / 7, 90 + x / 9 + 30 * np.sin(y / 40), 200 - x / 12)
    return np.stack(channels, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.fixture
def write_tiff(tmp_path: Path) -> TiffWriter:
    """Write an array as `slide.tif`, by default in tiles of 256 px."""

    def write(image: NDArray[np.generic], **options: object) -> Path:
        path = tmp_path / "slide.tif"
        tifffile.imwrite(path, image, **{"tile": (256, 256), "photometric": "rgb"} | options)
        return path

    return write


@pytest.fixture
def pyramid_tiff(tmp_path: Path, picture: NDArray[np.uint8]) -> Path:
    """A two-level TIFF at 0.25 µm/px, tiles of 128 px, uncompressed."""
    path = tmp_path / "pyramid.tif"
    half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    tiles = {"tile": (128, 128), "photometric": "rgb"}
    px_per_cm = {"resolution": (40_000, 40_000), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as tif:
        tif.write(picture, subifds=1, **tiles, **px_per_cm)
        tif.write(half, subfiletype=1, **tiles)
    return path
