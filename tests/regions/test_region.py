"""What a person draws becomes a region that can be measured, or is refused in one line."""

import uuid

import numpy as np
import pytest
import shapely

from napari_glioma_density.errors import BadInput
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind

SQUARE = shapely.box(0, 0, 10, 10)
BOW = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
LINE = shapely.LineString([(0, 0), (10, 10)])


def test_an_outline_that_crosses_itself_is_mended() -> None:
    region = Region.drawn(RegionKind.AREA, BOW, name="A")
    assert region.geometry.is_valid
    assert region.geometry.geom_type == "MultiPolygon"
    assert region.geometry.area == pytest.approx(50)


def test_what_has_no_area_is_dropped_from_an_outline() -> None:
    drawn = shapely.GeometryCollection([LINE, SQUARE, shapely.box(5, 5, 15, 15)])
    region = Region.drawn(RegionKind.AREA, drawn)
    assert region.geometry.geom_type == "Polygon"
    assert region.geometry.area == pytest.approx(175)


@pytest.mark.parametrize(
    ("kind", "geometry"),
    [
        (RegionKind.EXCLUSION, LINE),
        (RegionKind.AREA, shapely.Polygon()),
        (RegionKind.AREA, shapely.Polygon([(0, 0), (5, 5), (9, 9)])),
        (RegionKind.AREA, shapely.Polygon([(0, 0), (5, np.nan), (9, 9)])),
        (RegionKind.AREA, shapely.Polygon([(0, 0), (5, np.inf), (9, 9)])),
        (RegionKind.LINE, shapely.Point(1, 1)),
        (RegionKind.BORDER, SQUARE),
        (RegionKind.LINE, shapely.LineString([(3, 3), (3, 3)])),
        (RegionKind.LINE, shapely.LineString([(3, 3), (np.nan, 3)])),
    ],
)
def test_a_drawing_that_is_not_what_its_kind_asks_for_is_refused(
    kind: RegionKind, geometry: shapely.Geometry
) -> None:
    with pytest.raises(BadInput, match="draw it again"):
        Region.drawn(kind, geometry)


def test_only_exclusions_have_a_reason() -> None:
    assert Region.drawn(RegionKind.EXCLUSION, SQUARE).reason is Reason.OTHER
    assert Region.drawn(RegionKind.EXCLUSION, SQUARE, reason=Reason.PEN).title == "pen"
    grey = Region.drawn(RegionKind.REFERENCE, SQUARE, name="grey matter", reason=Reason.PEN)
    assert (grey.reason, grey.title) == (None, "grey matter")
    assert Region.drawn(RegionKind.LINE, LINE).title == "line"


def test_a_changed_region_keeps_its_id() -> None:
    region = Region.drawn(RegionKind.AREA, SQUARE, author="A")
    assert str(uuid.UUID(region.id)) == region.id
    assert region.origin is Origin.PERSON
    assert region.with_(name="B").id == region.id
    assert Region.drawn(RegionKind.AREA, BOW, region_id=region.id).id == region.id
    assert Region.drawn(RegionKind.AREA, SQUARE).id != region.id
