"""Lines and names over the map of a report, in px of its picture."""

from collections.abc import Iterable
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import Cell
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.findings import Findings

_UM_PER_MM = 1000
_BARS_MM = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_LONGEST_BAR = 0.25
_NAME_OF_CELL = 0.3
_NAME_PX = (18.0, 42.0)
"""Smaller names would not be read on paper; cells that small are named in the table alone."""
_SMOOTH_PX = 0.7


@dataclass(frozen=True)
class MapCell:
    """A cell on the map: corner, size, name (empty where it would not be read) and its size."""

    x: float
    y: float
    width: float
    height: float
    name: str
    name_px: float


@dataclass(frozen=True)
class MapShape:
    """An outline as an SVG path, and what it is."""

    path: str
    title: str


@dataclass(frozen=True)
class MapCircle:
    """A densest field."""

    x: float
    y: float
    radius: float
    rank: int


@dataclass(frozen=True)
class MapLines:
    """Everything over a map that is `width` × `height` px."""

    width: int
    height: int
    cells: tuple[MapCell, ...]
    hotspots: tuple[MapCell, ...]
    circles: tuple[MapCircle, ...]
    left_out: tuple[MapShape, ...]
    bar_px: float
    bar_mm: float


def map_lines(
    findings: Findings, width: int, height: int, circles: Iterable[FieldHotspot]
) -> MapLines:
    """Place cells, hotspots, fields and what is left out on a map of the slide."""
    px_per_level0 = width / findings.slide_width
    px_per_um = px_per_level0 / findings.spec.um_per_px
    shown = findings.snapshot
    bar_mm = _bar_mm(width / px_per_um / _UM_PER_MM)
    return MapLines(
        width=width,
        height=height,
        cells=tuple(_cell(cell, px_per_um, cell.address) for cell in shown.cells),
        hotspots=tuple(
            _cell(cell, px_per_um, str(rank)) for rank, cell in enumerate(shown.hotspots, start=1)
        ),
        circles=tuple(_circle(circle, px_per_um) for circle in circles),
        left_out=tuple(
            MapShape(_path(region.geometry, px_per_level0), region.title)
            for region in findings.left_out
        ),
        bar_px=bar_mm * _UM_PER_MM * px_per_um,
        bar_mm=bar_mm,
    )


def _bar_mm(width_mm: float) -> float:
    fitting = [mm for mm in _BARS_MM if mm <= _LONGEST_BAR * width_mm]
    return fitting[-1] if fitting else _BARS_MM[0]


def _cell(cell: Cell, px_per_um: float, name: str) -> MapCell:
    x, y, width, height = (
        um * px_per_um for um in (cell.x_um, cell.y_um, cell.width_um, cell.height_um)
    )
    smallest, largest = _NAME_PX
    name_px = min(_NAME_OF_CELL * min(width, height), largest)
    return MapCell(x, y, width, height, name if name_px >= smallest else "", name_px)


def _circle(circle: FieldHotspot, px_per_um: float) -> MapCircle:
    x, y, radius = (
        um * px_per_um for um in (circle.centre_x_um, circle.centre_y_um, circle.radius_um)
    )
    return MapCircle(x, y, radius, circle.rank)


def _path(geometry: BaseGeometry, scale: float) -> str:
    """Return the rings of an area as an SVG path; even-odd filling keeps its holes."""
    small = shapely.simplify(shapely.transform(geometry, lambda xy: xy * scale), _SMOOTH_PX)
    rings = (
        ring
        for polygon in shapely.get_parts(small)
        for ring in (polygon.exterior, *polygon.interiors)
    )
    return " ".join(
        "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in ring.coords[:-1]) + "Z" for ring in rings
    )
