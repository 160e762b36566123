"""A small H&E-like slide on disk."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

STATED = {"resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}


def draw_tissue(height: int, width: int) -> NDArray[np.uint8]:
    """Pink tissue with round dark nuclei, and a strip of glass on the right."""
    rng = np.random.default_rng(3)
    rgb = np.full((height, width, 3), 245, np.uint8)
    rgb[:, : width * 3 // 4] = (214, 140, 190)
    for y, x in rng.integers(0, (height, width * 3 // 4), (height * width // 4000, 2)).tolist():
        cv2.circle(rgb, (x, y), 6, (80, 40, 120), -1)
    noise = rng.integers(0, 8, rgb.shape, dtype=np.uint8)
    return rgb - noise


def write_slide(path: Path, height: int = 1500, width: int = 2000, **options: Any) -> Path:
    """Write a tiled TIFF at 0.5 µm/px."""
    stated = STATED | options
    rgb = draw_tissue(height, width)
    tifffile.imwrite(path, rgb, tile=(256, 256), photometric="rgb", **stated)
    return path


def write_glow(path: Path) -> Path:
    """Write what fluorescence looks like: a green square on black."""
    rgb = np.zeros((600, 600, 3), np.uint8)
    rgb[200:300, 200:300, 1] = 200
    tifffile.imwrite(path, rgb, tile=(256, 256), photometric="rgb", **STATED)
    return path
