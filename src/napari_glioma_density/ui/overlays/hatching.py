"""Slanting lines over areas, about as far apart on the screen whatever the zoom."""

from collections.abc import Sequence
from math import log2

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.ui.overlays.lines import NOTHING, Segments

APART_PX = 28
"""On the screen, at most half as much again or less by a quarter."""
MOST_LINES = 4000

Points = NDArray[np.float64]
"""Shape (n, 2): (x, y) in level-0 px."""


def spacing_um(zoom: float) -> float:
    """Return how far lines are apart at a zoom in screen px per µm; few steps, for each costs."""
    return float(APART_PX / 2 ** round(log2(zoom)))


def hatching(areas: Sequence[BaseGeometry], um_per_px: float, apart_um: float) -> Segments:
    """Return lines from upper left to lower right over areas in level-0 px, (x, y).

    The lines lie at the same places whatever the areas are; if there would be too many, they are
    further apart. They are computed from the areas' edges alone, because shapely takes seconds to
    intersect hundreds of areas with a thousand lines, and they are drawn anew at every such zoom.
    """
    starts, ends, turns = _edges(areas)
    apart_px = apart_um / um_per_px * 2**0.5
    first, last = _lines_met(starts, ends, apart_px)
    while (last - first).sum() > 2 * MOST_LINES:
        apart_px *= 2
        first, last = _lines_met(starts, ends, apart_px)
    times = last - first
    edge = np.repeat(np.arange(len(starts)), times)
    line = np.arange(len(edge)) - np.repeat(np.cumsum(times) - times - first, times)
    begun, ended = _inside(starts[edge], ends[edge], turns[edge], line, apart_px)
    if not len(begun):
        return NOTHING
    start, end = begun[:, ::-1] * um_per_px, ended[:, ::-1] * um_per_px
    return np.stack([start, end - start], axis=1)


def _edges(areas: Sequence[BaseGeometry]) -> tuple[Points, Points, NDArray[np.int64]]:
    """Return where edges begin and end, and 1 or -1 to turn them: their area lies to the left."""
    parts = shapely.get_parts([*areas])
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    rings, of = shapely.get_rings(polygons, return_index=True)
    is_hole = np.diff(of, prepend=-1) == 0  # the outer ring of each polygon comes first
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    within = ring[1:] == ring[:-1]
    turns = np.where(shapely.is_ccw(rings) == is_hole, -1, 1)
    return corners[:-1][within], corners[1:][within], turns[ring[1:][within]]


def _offset(points: Points) -> NDArray[np.float64]:
    """Return x - y, which is the same all along a line."""
    return np.asarray(points[:, 0] - points[:, 1])


def _lines_met(
    starts: Points, ends: Points, apart_px: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number the first line x - y = n · apart that each edge meets, and the first it does not."""
    met = np.ceil(np.stack([_offset(starts), _offset(ends)]) / apart_px).astype(np.int64)
    return met.min(axis=0), met.max(axis=0)


def _inside(
    starts: Points,
    ends: Points,
    turns: NDArray[np.int64],
    line: NDArray[np.int64],
    apart_px: float,
) -> tuple[Points, Points]:
    """Return where lines come into the areas and where they leave them, from edges that they meet.

    A line is inside for as long as it has entered more areas than it has left, so that those that
    overlap are hatched once.
    """
    before, rise = _offset(starts), _offset(ends) - _offset(starts)
    share = (line * apart_px - before) / rise
    met = starts + share[:, np.newaxis] * (ends - starts)
    step = np.where(rise > 0, turns, -turns)
    order = np.lexsort((-step, met.sum(axis=1), line))
    step, met = step[order], met[order]
    depth = np.cumsum(step)  # every line ends outside, at 0
    return met[(depth > 0) & (depth - step == 0)], met[(depth == 0) & (step < 0)]
