"""Clicks on nuclei that nobody outlined: places that training must not take for background."""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.training.dataset import Field

CLICK_RADIUS_UM: Final = 4.0
"""Radius of what is ignored around a click: that of a nucleus of average size."""
_SUBPIXEL_BITS: Final = 4


def read_ignored(field: Field, labels: NDArray[np.uint16]) -> NDArray[np.bool_] | None:
    """Where a field's truth is not known: around clicks without an outline.

    Parameters
    ----------
    field
        Its ``points``, if any, is a JSON file ``{"xy": [[x, y], …], "inside_a_contour": […]}``
        in px of the image; without ``inside_a_contour`` a click has an outline where it hits a
        label.
    labels
        (height, width) instance ids of the field; labelled px are never ignored.

    Returns
    -------
    ndarray or None
        (height, width) bool; None when nothing is to be ignored.

    Raises
    ------
    DataSetError
        When the file does not hold such clicks.
    """
    if field.points is None:
        return None
    ignored = np.zeros(labels.shape, np.uint8)
    radius = round(CLICK_RADIUS_UM / field.um_per_px * (1 << _SUBPIXEL_BITS))
    for x, y in _without_outline(field.points, labels):
        at = (round(x * (1 << _SUBPIXEL_BITS)), round(y * (1 << _SUBPIXEL_BITS)))
        cv2.circle(ignored, at, radius, 1, cv2.FILLED, cv2.LINE_8, _SUBPIXEL_BITS)
    zones = (ignored > 0) & (labels == 0)
    return zones if zones.any() else None


def _without_outline(path: Path, labels: NDArray[np.uint16]) -> list[tuple[float, float]]:
    try:
        clicks = json_object(path.read_bytes())
        points = [_inside(labels, float(x), float(y)) for x, y in clicks["xy"]]
        outlined = clicks.get("inside_a_contour", [labels[round(y), round(x)] for x, y in points])
        return [at for at, has in zip(points, outlined, strict=True) if not has]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataSetError(
            f'{path}: holds no clicks ({error}); write {{"xy": [[x, y], …]}} in px, or remove it'
        ) from error


def _inside(labels: NDArray[np.uint16], x: float, y: float) -> tuple[float, float]:
    height, width = labels.shape
    if not (0 <= x <= width - 1 and 0 <= y <= height - 1):
        raise ValueError(f"({x:g}, {y:g}) is outside the image of {width}×{height} px")
    return x, y
