"""Objects of the findings as GeoJSON features of the kind QuPath reads."""

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import NO_BAND, Cell
from napari_glioma_density.exchange.geojson import vocabulary
from napari_glioma_density.exchange.geojson.nucleus_outlines import OutlinedNuclei
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import RegionSums, sums_of
from napari_glioma_density.regions.region import Region, RegionKind

_DECIMALS = 2
"""Of a level-0 px, as QuPath writes them."""
_NAMESPACE = uuid.UUID("5b6bb6a5-37a0-4d83-9a0b-5f1f6d1d7d6e")
_AREAL = (RegionKind.AREA, RegionKind.REFERENCE, RegionKind.EXCLUSION)
_RECORDED = ("kind", "reason", "name", "origin", "author", "time", "comment")
METADATA_PREFIX = "glioma-density "
"""What a region is beyond its outline travels as metadata, which QuPath keeps with an object."""


def nucleus_lines(
    findings: Findings, part: OutlinedNuclei, offset_px: tuple[float, float]
) -> Iterator[str]:
    """Yield one detection a nucleus, each a line of JSON.

    Its id is that of `nucleus_id`.
    """
    plane, spec = findings.plane, findings.spec
    geometries = to_json(
        shapely.transform(part.outlines, lambda xy: xy * plane.level0_px_per_px), offset_px
    )
    um2 = part.nuclei["area_px"] * spec.working_um_per_px**2
    diameters = np.sqrt(um2 * (4 / math.pi))
    shown = json.dumps(_classification(vocabulary.NUCLEUS))
    columns = (
        geometries,
        um2.tolist(),
        diameters.tolist(),
        part.found.tolist(),
        part.nuclei.tolist(),
    )
    for geometry, area, diameter, found, nucleus in zip(*columns, strict=True):
        number, origin = nucleus_id(spec.run_id, nucleus), nucleus[-1]
        stand_in = "" if found else ',"metadata":{"outline":"disc of the nucleus\' area"}'
        yield (
            f'{{"type":"Feature","id":"{number}","geometry":{geometry},"properties":{{'
            f'"objectType":"detection","classification":{shown},"measurements":{{'
            f'"Nucleus: Area µm^2":{area:.3f},"Nucleus: Equivalent diameter µm":{diameter:.3f},'
            f'"Nucleus: Corrected by a person":{int(origin > 0)}}}{stand_in}}}}}'
        )


def nucleus_id(run_id: str, nucleus: tuple[float, float, int, int]) -> str:
    """Return the id of a nucleus, the same in every export: a function of run, centre and area.

    `nucleus` is a record of `NUCLEUS_DTYPE`: y, x and area in working px, and its origin.
    """
    y, x, area_px, origin = nucleus
    return _id(run_id, "nucleus", f"{y:.4f} {x:.4f} {area_px} {origin}")


def annotation_lines(
    findings: Findings,
    offset_px: tuple[float, float],
    field_hotspots: Iterable[FieldHotspot],
) -> Iterator[str]:
    """Yield grid cells, hotspots and regions as annotations, each a line of JSON."""
    for feature in _annotations(findings, tuple(field_hotspots)):
        (geometry,) = to_json(np.array([feature.pop("geometry")]), offset_px)
        rest = json.dumps(feature, ensure_ascii=False, allow_nan=False)
        yield f'{{"type":"Feature","geometry":{geometry},{rest[1:]}'


def to_json(geometries: NDArray[np.object_], offset_px: tuple[float, float]) -> list[str]:
    """Return valid GeoJSON of each geometry, counted from `offset_px` (x, y), in level-0 px."""
    placed = shapely.transform(geometries, lambda xy: np.round(xy - offset_px, _DECIMALS))
    wrong = ~shapely.is_valid(placed)
    if wrong.any():
        placed[wrong] = [_largest_dimension(each) for each in shapely.make_valid(placed[wrong])]
    return list(shapely.to_geojson(placed))


def _largest_dimension(mended: BaseGeometry) -> BaseGeometry:
    """Return what of a mended polygon has an area; mending may leave lines beside it."""
    parts = shapely.get_parts(mended)
    areal = parts[shapely.get_dimensions(parts) == shapely.get_dimensions(parts).max()]
    return shapely.unary_union(areal)


def _annotations(
    findings: Findings, field_hotspots: tuple[FieldHotspot, ...]
) -> Iterator[dict[str, Any]]:
    run_id = findings.spec.run_id
    for cell in findings.snapshot.cells:
        yield _cell(findings, cell, vocabulary.GRID_CELL, cell.address)
    for rank, cell in enumerate(findings.snapshot.hotspots, start=1):
        yield _cell(findings, cell, vocabulary.HOTSPOT, f"Hotspot {rank}: {cell.address}")
    for spot in field_hotspots:
        name = f"Hotspot {spot.rank} of {spot.area_mm2:g} mm²"
        measured = {"Rank": spot.rank, "Circle mm^2": spot.area_mm2, **_densities(spot.sums)}
        yield {
            "id": _id(run_id, "field hotspot", name),
            "geometry": spot.outline,
            "properties": _properties(vocabulary.HOTSPOT, name, measured, locked=True),
        }
    yield from _regions(findings)


def _cell(findings: Findings, cell: Cell, shown: str, name: str) -> dict[str, Any]:
    # Cells are laid on the working plane: on level 0 they need not begin on whole px.
    corners = np.array(
        (cell.x_um, cell.y_um, cell.x_um + cell.width_um, cell.y_um + cell.height_um)
    )
    properties = _properties(shown, name, _densities(cell), locked=True)
    if cell.band != NO_BAND and shown == vocabulary.GRID_CELL:
        properties["color"] = _rgb(findings.snapshot.scale.colours[cell.band])
    return {
        "id": _id(findings.spec.run_id, shown, cell.address),
        "geometry": shapely.box(*(corners / findings.spec.um_per_px)),
        "properties": properties,
    }


def _regions(findings: Findings) -> Iterator[dict[str, Any]]:
    gone = left_out_geometry(findings.left_out)
    # Exclusions among the regions are left out as well: each goes once.
    for region in {each.id: each for each in (*findings.regions, *findings.left_out)}.values():
        shown = vocabulary.region_class(region.kind, region.reason)
        measured = _length(findings, region)
        if region.kind in _AREAL:
            # What an exclusion holds is told as if it were none.
            kept = region.kind is not RegionKind.EXCLUSION
            without = (findings.exclusions, gone) if kept else ()
            measured = _densities(sums_of(region.geometry, findings.measured, *without))
        properties = _properties(shown, region.title, measured)
        properties["metadata"] = region_metadata(region)
        yield {"id": region.id, "geometry": region.geometry, "properties": properties}


def region_metadata(region: Region) -> dict[str, str]:
    """Return what a region is beyond its outline, as text."""
    values = ((name, getattr(region, name)) for name in _RECORDED)
    return {METADATA_PREFIX + name: str(value) for name, value in values if value is not None}


def _length(findings: Findings, region: Region) -> dict[str, float]:
    return {"Length µm": region.geometry.length * findings.spec.um_per_px}


def _densities(measured: Cell | RegionSums) -> dict[str, float]:
    """Measurements by name, with their units; those that do not exist are left away."""
    named = {
        "Nuclear area % of tissue": measured.tissue_density_percent,
        "Nuclear area % of read area": measured.density_percent,
        "Nuclei per mm^2 of tissue": measured.nuclei_per_mm2,
        "Tissue mm^2": measured.tissue_mm2,
        "Read mm^2": measured.read_mm2,
    }
    return {name: value for name, value in named.items() if value is not None}


def _properties(
    shown: str, name: str, measured: Mapping[str, float], *, locked: bool = False
) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": name,
        "classification": _classification(shown),
        "measurements": dict(measured),
    }
    if locked:
        properties["isLocked"] = True
    return properties


def _classification(name: str) -> dict[str, Any]:
    return {"name": name, "color": list(vocabulary.colour_of(name))}


def _rgb(colour: str) -> list[int]:
    return list(bytes.fromhex(colour.removeprefix("#")))


def _id(run_id: str, *names: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join((run_id, *names))))
