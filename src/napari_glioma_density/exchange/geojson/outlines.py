"""Outlines of nuclei from labelled pixels, of exactly the pixels' area."""

from collections.abc import Iterable, Iterator

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage


def trace_outlines(labels: NDArray[np.int32], ids: NDArray[np.int64]) -> NDArray[np.object_]:
    """Return the outline of each of some labels.

    An outline runs through the middles of the pixel edges between the label and the rest. So it is
    smoother than a staircase, encloses the centre of every pixel of the label and of no other, and
    never touches itself. The cut corners take half a pixel away, which is given back by enlarging
    each part about its centroid: the area is exactly the label's.

    Parameters
    ----------
    labels
        (height, width) int32 ids, 0 background.
    ids
        Those to outline, each among `labels`.

    Returns
    -------
    ndarray
        Polygon with holes, or MultiPolygon where the label is in parts, of every id; (x, y) in
        px of `labels`, whose first pixel covers 0–1.
    """
    if not len(ids):
        return np.empty(0, object)
    boxes = ndimage.find_objects(labels)
    rings: list[NDArray[np.float64]] = []
    polygon_of_ring: list[int] = []
    label_of_polygon: list[int] = []
    for place, number in enumerate(ids.tolist()):
        box = boxes[number - 1]
        corner = np.array((box[1].start, box[0].start))
        for polygon in _polygons(labels[box] == number):
            polygon_of_ring += [len(label_of_polygon)] * len(polygon)
            label_of_polygon.append(place)
            rings += [ring + corner for ring in polygon]
    return _assembled(rings, polygon_of_ring, label_of_polygon)


def _polygons(inside: NDArray[np.bool_]) -> Iterator[list[NDArray[np.float64]]]:
    """Rings of every part of a shape, the outer one first: (n, 2) x, y in px of its array."""
    padded = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2), np.uint8)
    padded[1:-1, 1:-1] = inside
    nodes = _nodes(padded)
    rings, relations = cv2.findContours(nodes, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    for number, (_, _, child, parent) in enumerate(relations[0].tolist()):
        if parent < 0:
            holes = _siblings(child, relations[0])
            # Node 2 is the middle of the first pixel inside the padding.
            yield [rings[which][:, 0] / 2 - 0.5 for which in (number, *holes)]


def _siblings(first: int, relations: NDArray[np.int32]) -> Iterator[int]:
    while first >= 0:
        yield first
        first = int(relations[first, 0])


def _nodes(inside: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Twice as fine a raster: middles of pixels, of their edges, and their corners.

    The middle of an edge belongs to the shape when either side does, a corner when two of the
    four pixels around it do. So the border of the nodes goes straight from one middle of an edge
    to the next, and a diagonal neighbour is joined by a bridge of some width.
    """
    height, width = inside.shape
    nodes = np.empty((2 * height - 1, 2 * width - 1), np.uint8)
    nodes[::2, ::2] = inside
    nodes[::2, 1::2] = inside[:, 1:] | inside[:, :-1]
    nodes[1::2, ::2] = inside[1:] | inside[:-1]
    pairs = inside[:, 1:] + inside[:, :-1]
    nodes[1::2, 1::2] = pairs[1:] + pairs[:-1] >= 2
    return nodes


def _assembled(
    rings: Iterable[NDArray[np.float64]], polygon_of_ring: list[int], label_of_polygon: list[int]
) -> NDArray[np.object_]:
    parts = list(rings)
    ring_of_point = np.repeat(np.arange(len(parts)), [len(ring) for ring in parts])
    closed = shapely.linearrings(np.concatenate(parts), indices=ring_of_point)
    polygons = _enlarged(shapely.polygons(closed, indices=polygon_of_ring))
    first = np.flatnonzero(np.diff(label_of_polygon, prepend=-1))
    if len(first) == len(polygons):
        return polygons
    together = shapely.multipolygons(polygons, indices=label_of_polygon)
    single = shapely.get_num_geometries(together) == 1
    together[single] = polygons[first[single]]
    return np.asarray(together)


def _enlarged(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Give polygons the area of their pixels.

    A ring turns by four right angles more to one side than to the other, and each cut corner takes
    or gives an eighth of a pixel: an outer ring holds half a pixel too little, and so does a hole.
    """
    areas = shapely.area(polygons)
    cut = (1 - shapely.get_num_interior_rings(polygons)) / 2
    factors = np.sqrt(1 + cut / areas)
    points, which = shapely.get_coordinates(polygons, return_index=True)
    centres = shapely.get_coordinates(shapely.centroid(polygons))[which]
    grown = centres + (points - centres) * factors[which, None]
    return np.asarray(shapely.set_coordinates(polygons, grown))
