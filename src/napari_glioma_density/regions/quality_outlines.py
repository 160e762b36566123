"""Smooth outlines around the spots of a map."""

from collections.abc import Iterator

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry
from skimage.measure import find_contours

_SMOOTHING_SPOTS = 1.0
_SIMPLIFIED_SPOTS = 0.25


def outlines_of(spots: NDArray[np.bool_], spot_px: float) -> Iterator[BaseGeometry]:
    """Yield a valid polygon, holes and all, around each group of spots.

    Parameters
    ----------
    spots
        bool, (rows, columns).
    spot_px
        Side of a spot in the px of the polygons, whose origin is the map's corner.
    """
    # Padded, so that what touches the map's edge is closed there.
    padded = np.pad(spots.astype(np.float32), 4)
    smooth = cv2.GaussianBlur(padded, (0, 0), _SMOOTHING_SPOTS)
    rings = [shapely.LineString(ring) for ring in find_contours(smooth, 0.5) if len(ring) > 3]
    if not rings:
        return
    area = shapely.build_area(shapely.GeometryCollection(rings))
    outline = shapely.make_valid(shapely.simplify(area, _SIMPLIFIED_SPOTS))
    placed = shapely.transform(outline, lambda at: (at[:, ::-1] - 4 + 0.5) * spot_px)
    height, width = spots.shape
    inside = shapely.intersection(placed, shapely.box(0, 0, width * spot_px, height * spot_px))
    yield from (part for part in shapely.get_parts(inside) if shapely.get_dimensions(part) == 2)
