"""What people drew in QuPath, as regions and outlines of nuclei."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson import vocabulary
from napari_glioma_density.exchange.geojson.feature_stream import Feature, read_features
from napari_glioma_density.exchange.geojson.imported_regions import (
    as_region,
    class_names,
    properties_of,
)
from napari_glioma_density.regions.region import Region

_OLD_TYPES = {
    "PathAnnotationObject": "annotation",
    "PathDetectionObject": "detection",
    "PathCellObject": "cell",
    "PathTileObject": "tile",
    "TMACoreObject": "tmaCore",
    "PathRootObject": "root",
}
"""Until version 0.3 QuPath told what an object is by its id."""
_OF_ONE_ID = uuid.UUID("b0c1f7de-3a60-5f4b-8d8e-6a1f0c5e2b94")
"""Namespace of the ids of annotations whose own another one in the file bears."""
_REACH = 10
"""Slide widths and heights that a drawing may reach beyond the slide."""

_NO_GEOMETRY = (
    ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError,
    RecursionError,
)  # fmt: skip
"""What shapely raises, depending on what is wrong with a GeoJSON geometry."""


@dataclass(frozen=True)
class NucleusOutline:
    """A nucleus drawn or detected elsewhere.

    Attributes
    ----------
    id
        As in the file; empty when it has none.
    geometry
        Valid Polygon or MultiPolygon in level-0 px, (x, y).
    classification
        Its class in QuPath, parts joined by ": "; may be empty.
    """

    id: str
    geometry: BaseGeometry
    classification: str


@dataclass(frozen=True)
class Imported:
    """What a file held.

    Attributes
    ----------
    regions
        Annotations, in the file's order.
    nuclei
        Detections, and the nuclei of cells.
    passed_over
        How many objects of other kinds there were, by what they are: "grid cell", "point" …
    mended
        How many of the regions have an outline that crosses itself, or a hole beside it.
    """

    regions: tuple[Region, ...]
    nuclei: tuple[NucleusOutline, ...]
    passed_over: Mapping[str, int]
    mended: int

    @property
    def objects(self) -> int:
        """How many objects the file held, whatever they are."""
        return len(self.regions) + len(self.nuclei) + sum(self.passed_over.values())


def read_geojson(
    path: Path,
    width: int,
    height: int,
    *,
    offset_px: tuple[float, float] = (0, 0),
    nuclei_in: BaseGeometry | None = None,
    author: str = "",
    pseudonym: str = "",
) -> Imported:
    """Read annotations, detections and cells that QuPath, or this program, exported.

    Regions of this program's own exports come back as they were, unless someone changed their
    class or name. Of other annotations the class, then the name tells what they are for: a reason
    to leave out such as "Necrosis", a reference such as "White matter"; a line is one to measure
    along; all else is an area. Grid cells and hotspots are results and are passed over.

    Parameters
    ----------
    path
        A FeatureCollection, an array of features or one feature; plain, gzip or zip.
    width, height
        The slide in level-0 px.
    offset_px
        Where the other program's px begin, as in `write_geojson`.
    nuclei_in
        Only nuclei that meet this, in level-0 px, are kept, so that a slide's million nuclei need
        not be held at once; all by default.
    author
        Who is to stand as the author of drawings that name none.
    pseudonym
        The slide's, if a file of this program's own that names another is to be refused.

    Raises
    ------
    BadInput
        When the file is absent, no GeoJSON, or of another slide: one line.
    """
    slide = shapely.box(0, 0, width, height)
    found = _Found(path, slide, slide if nuclei_in is None else nuclei_in, offset_px, author)
    of_this_slide = partial(_demand_slide, path, pseudonym)
    for number, feature in enumerate(_objects(read_features(path, of_this_slide)), start=1):
        found.take(feature, number)
    return Imported(
        tuple(found.regions.values()), tuple(found.nuclei), dict(found.passed_over), found.mended
    )


def _demand_slide(path: Path, pseudonym: str, name: str, value: object) -> None:
    """Refuse a collection that this program wrote of another slide: its px may fit this one too."""
    if name != vocabulary.ABOUT or not isinstance(value, dict) or not pseudonym:
        return
    written_of = value.get("slide", pseudonym)
    if written_of != pseudonym:
        raise BadInput(
            f"{path}: was exported from {written_of}, and this slide is {pseudonym}: "
            "open that slide, then import"
        )


class _Found:
    """What was found in a file so far."""

    def __init__(
        self,
        path: Path,
        slide: BaseGeometry,
        nuclei_in: BaseGeometry,
        offset_px: tuple[float, float],
        author: str,
    ) -> None:
        self._path, self._slide, self._nuclei_in = path, slide, nuclei_in
        self._offset_px, self._author = offset_px, author
        self.regions: dict[str, Region] = {}
        self.nuclei: list[NucleusOutline] = []
        self.passed_over: Counter[str] = Counter()
        self._times: Counter[str] = Counter()
        self.mended = 0
        shapely.prepare((slide, nuclei_in))

    def take(self, feature: Feature, number: int) -> None:
        """Add an object, the `number`-th of the file."""
        kind, geometry = _kind(feature), shapely.Point()
        if kind is None:
            geometry = self._geometry(feature, number)
            kind = _unusable(geometry)
        if kind is not None:
            self.passed_over[kind] += 1
            return
        if _is_nucleus(feature):
            self._take_nucleus(feature, geometry)
        else:
            self._take_region(feature, geometry)

    def _take_nucleus(self, feature: Feature, geometry: BaseGeometry) -> None:
        if self._nuclei_in.intersects(geometry):
            classification = ": ".join(class_names(feature))
            outline = NucleusOutline(str(feature.get("id", "")), geometry, classification)
            self.nuclei.append(outline)

    def _take_region(self, feature: Feature, geometry: BaseGeometry) -> None:
        try:
            region = as_region(feature, geometry, self._author)
        except BadInput:  # a click that drew nothing must not cost all the others
            self.passed_over["without area"] += 1
            return
        number = self._times[region.id]
        self._times[region.id] += 1
        if number:  # the same each time: imported once more it replaces itself
            region = region.with_(id=str(uuid.uuid5(_OF_ONE_ID, f"{region.id} {number}")))
        self.mended += not geometry.is_valid
        self.regions[region.id] = region

    def _geometry(self, feature: Feature, number: int) -> BaseGeometry:
        """Return the outline of an object, or of its nucleus, in level-0 px; empty without one."""
        stated = feature.get("nucleusGeometry") or feature.get("geometry")
        if stated is None:
            return shapely.Point()
        try:
            with np.errstate(invalid="ignore"):  # of a coordinate that is no number shapely warns
                geometry = _placed(shape(stated), self._offset_px)
        except _NO_GEOMETRY as error:
            raise BadInput(
                f"{self._path}: object {number} has no valid GeoJSON geometry: export it again"
            ) from error
        if _unusable(geometry) is None:
            self._demand_on_slide(geometry, number)
        return _areal(geometry) if _is_nucleus(feature) else geometry

    def _demand_on_slide(self, geometry: BaseGeometry, number: int) -> None:
        # Far beyond all slides no outline can be measured: squares of its corners overflow.
        if not (_is_within_reach(geometry, self._slide) and self._slide.intersects(geometry)):
            _, _, width, height = (round(bound) for bound in self._slide.bounds)
            raise BadInput(
                f"{self._path}: object {number} lies beyond the slide of {width}×{height} px: "
                "export it from this slide, in px of full resolution"
            )


def _objects(features: Iterable[Feature]) -> Iterator[Feature]:
    """Yield objects and, after each, those that lie in it."""
    for feature in features:
        yield feature
        properties = properties_of(feature)
        children = properties.get("childObjects", properties.get("children"))
        if isinstance(children, list):
            yield from _objects(child for child in children if isinstance(child, dict))


def _object_type(feature: Feature) -> str:
    properties = properties_of(feature)
    stated = (properties.get(name) for name in ("objectType", "object_type", "type"))
    named = next((str(value) for value in stated if value), str(feature.get("id", "")))
    return _OLD_TYPES.get(named, named)


def _is_nucleus(feature: Feature) -> bool:
    return _object_type(feature) in ("detection", "cell")


def _kind(feature: Feature) -> str | None:
    """Name an object that is passed over whatever its outline; None of others."""
    kind = _object_type(feature)
    if kind in ("tile", "tmaCore", "tma_core", "root"):
        return kind
    if kind == "cell" and not feature.get("nucleusGeometry"):
        return "cell without nucleus"
    ours = vocabulary.OUR_FIGURES.intersection(class_names(feature))
    return next(iter(ours)).lower() if ours and kind == "annotation" else None


def _unusable(geometry: BaseGeometry) -> str | None:
    if geometry.is_empty:
        return "without outline"
    return "point" if shapely.get_dimensions(geometry) == 0 else None


def _is_within_reach(geometry: BaseGeometry, slide: BaseGeometry) -> bool:
    left, top, right, bottom = geometry.bounds
    _, _, width, height = slide.bounds
    across = min(left, width - right) >= -_REACH * width
    return bool(across and min(top, height - bottom) >= -_REACH * height)


def _placed(geometry: BaseGeometry, offset_px: tuple[float, float]) -> BaseGeometry:
    """Return an outline counted from the slide's corner; ValueError when a number is none."""
    placed = shapely.transform(shapely.force_2d(geometry), lambda xy: xy + offset_px)
    if not np.isfinite(shapely.get_coordinates(placed)).all():
        raise ValueError("a coordinate is no number")
    return placed


def _areal(geometry: BaseGeometry) -> BaseGeometry:
    """Return the parts of an outline that have an area; those of a mended one too."""
    valid = geometry if geometry.is_valid else shapely.make_valid(geometry)
    parts = shapely.get_parts(shapely.get_parts(valid))
    areal = parts[shapely.get_dimensions(parts) == 2]
    if not len(areal):
        return shapely.Point() if not len(parts) else shapely.points(parts[0].coords[0])
    return areal[0] if len(areal) == 1 else shapely.multipolygons(areal)
