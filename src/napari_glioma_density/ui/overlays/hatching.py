"""Slanting lines over areas, about as far apart on the screen whatever the zoom."""

from collections.abc import Sequence
from math import ceil, floor, log2

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.ui.overlays.lines import NOTHING, Segments

APART_PX = 28
"""On the screen, at most half as much again or less by a quarter."""
MOST_LINES = 4000


def spacing_um(zoom: float) -> float:
    """Return how far lines are apart at a zoom in screen px per µm; few steps, for each costs."""
    return float(APART_PX / 2 ** round(log2(zoom)))


def hatching(areas: Sequence[BaseGeometry], um_per_px: float, apart_um: float) -> Segments:
    """Return lines from upper left to lower right over areas in level-0 px, (x, y).

    They lie where they would lie over any other areas; where there would be too many they are
    further apart.
    """
    whole = shapely.union_all([*areas])
    if whole.is_empty:
        return NOTHING
    apart_px = apart_um / um_per_px * 2**0.5
    while True:
        across = _across(whole, apart_px)
        if len(across) <= MOST_LINES:
            pieces = shapely.get_parts(shapely.intersection(across, whole))
            pieces = pieces[shapely.get_type_id(pieces) == shapely.GeometryType.LINESTRING]
            if len(pieces) <= MOST_LINES:
                break
        apart_px *= 2
    ends = [shapely.get_coordinates(shapely.get_point(pieces, place)) for place in (0, -1)]
    start, end = (each[:, ::-1] * um_per_px for each in ends)
    return np.stack([start, end - start], axis=1)


def _across(whole: BaseGeometry, apart_px: float) -> NDArray[np.object_]:
    """Return lines x - y = n · apart over the box around an area."""
    left, top, right, bottom = whole.bounds
    first, last = ceil((left - bottom) / apart_px), floor((right - top) / apart_px)
    offsets = np.arange(first, last + 1) * apart_px
    starts = np.stack([offsets + top, np.full_like(offsets, top)], axis=-1)
    ends = np.stack([offsets + bottom, np.full_like(offsets, bottom)], axis=-1)
    return np.asarray(shapely.linestrings(np.stack([starts, ends], axis=1)))
