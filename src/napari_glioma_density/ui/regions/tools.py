"""Ways to draw, and what becomes of a drawing."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput

Corners = NDArray[np.float64]
"""Shape (n, 2): (y, x) in µm of the viewer's world."""

DETAIL_UM = 1.0
"""Outlines are drawn and stored no finer than this."""
LEAST_UM = 5.0
"""A shorter line, or an area of less than this squared, is a slip of the hand."""
LEAST_DRAG_PX = 4.0
"""A rectangle that is narrower on the screen is a click: napari draws one of 2.5 px for it."""
TOO_SMALL = "This drawing is too small: zoom in, or draw it larger."


class Tool(StrEnum):
    """A way to draw, in the words of the screen."""

    POLYGON = "Polygon"
    FREEHAND = "Freehand"
    RECTANGLE = "Rectangle"
    BRUSH = "Brush"
    ERASER = "Eraser"
    PIECES = "Straight pieces"
    STROKE = "Freehand line"

    @property
    def is_brush(self) -> bool:
        """Whether a stroke of it is as wide as the brush."""
        return self in (Tool.BRUSH, Tool.ERASER)


AREA_TOOLS = (Tool.POLYGON, Tool.FREEHAND, Tool.RECTANGLE, Tool.BRUSH, Tool.ERASER)
LINE_TOOLS = (Tool.PIECES, Tool.STROKE)
MODES = {
    Tool.POLYGON: "add_polygon",
    Tool.FREEHAND: "add_polygon_lasso",
    Tool.RECTANGLE: "add_rectangle",
    Tool.BRUSH: "add_path",
    Tool.ERASER: "add_path",
    Tool.PIECES: "add_polyline",
    Tool.STROKE: "add_path",
}
"""The mode of napari's Shapes layer that each of them is."""
HOW = {
    Tool.POLYGON: "Click corner after corner; a double click ends.",
    Tool.FREEHAND: "Drag around the place.",
    Tool.RECTANGLE: "Drag from corner to corner.",
    Tool.BRUSH: "Drag to paint; a stroke over a region of the same kind adds to it.",
    Tool.ERASER: "Drag to take away from the regions under the brush.",
    Tool.PIECES: "Click point after point; a double click ends.",
    Tool.STROKE: "Drag along the place.",
}


@dataclass(frozen=True)
class Outline:
    """One closed or open line of a region.

    Attributes
    ----------
    corners
        (y, x) in µm; the first corner of a closed one is not repeated.
    closed, hole
        Whether it bounds an area, and whether that area is taken out of another.
    """

    corners: Corners
    closed: bool = True
    hole: bool = False


def demand_dragged(corners: Corners, zoom: float) -> None:
    """Raise BadInput where a rectangle is no larger than what a mere click makes.

    Parameters
    ----------
    corners
        (n, 2) in µm.
    zoom
        Screen px a µm.
    """
    if np.ptp(corners, axis=0).min() * zoom < LEAST_DRAG_PX:
        raise BadInput(TOO_SMALL)


def drawn_geometry(
    tool: Tool, corners: Corners, um_per_px: float, radius_um: float
) -> BaseGeometry:
    """Return what was drawn, in level-0 px, (x, y).

    Raises
    ------
    BadInput
        When it is too small to be meant.
    """
    places = np.asarray(corners, np.float64)[:, ::-1]
    if tool.is_brush:
        stroke = shapely.LineString(places) if len(places) > 1 else shapely.Point(places[0])
        drawn = stroke.buffer(radius_um, quad_segs=8)
    elif tool in LINE_TOOLS:
        drawn = shapely.LineString(places)
    else:
        drawn = shapely.make_valid(shapely.Polygon(places))
    drawn = drawn.simplify(min(DETAIL_UM, radius_um / 10) if tool.is_brush else DETAIL_UM)
    if drawn.length < LEAST_UM if tool in LINE_TOOLS else drawn.area < LEAST_UM**2:
        raise BadInput(TOO_SMALL)
    return scaled(drawn, 1 / um_per_px)


def outlines_of(geometry: BaseGeometry, um_per_px: float, detail_um: float = 0) -> list[Outline]:
    """Return the lines that a region in level-0 px is drawn with, simplified to `detail_um`."""
    shown = scaled(geometry, um_per_px)
    if detail_um:
        shown = shown.simplify(detail_um)
    outlines = []
    for part in shapely.get_parts(shown):
        if part.geom_type == "Polygon":
            outlines.append(Outline(_corners(part.exterior)[:-1]))
            outlines += [Outline(_corners(ring)[:-1], hole=True) for ring in part.interiors]
        else:
            outlines.append(Outline(_corners(part), closed=False))
    return outlines


def rebuilt_geometry(outlines: list[Outline], um_per_px: float) -> BaseGeometry:
    """Return the region in level-0 px that outlines bound; the reverse of `outlines_of`."""
    places = [(outline, outline.corners[:, ::-1]) for outline in outlines]
    if any(not outline.closed for outline in outlines):
        lines = [shapely.LineString(p) for outline, p in places if not outline.closed]
        return scaled(shapely.unary_union(lines), 1 / um_per_px)
    filled, holes = (
        shapely.unary_union(
            [shapely.make_valid(shapely.Polygon(p)) for o, p in places if o.hole is hole]
        )
        for hole in (False, True)
    )
    return scaled(filled.difference(holes), 1 / um_per_px)


def scaled(geometry: BaseGeometry, factor: float) -> BaseGeometry:
    """Return a geometry with every coordinate times `factor`."""
    return shapely.transform(geometry, lambda places: places * factor)


def _corners(line: BaseGeometry) -> Corners:
    return np.asarray(shapely.get_coordinates(line)[:, ::-1])
