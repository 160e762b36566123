"""What comes back from QuPath: regions, and nuclei for the fields that were begun."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldRecord, FieldState, count_nuclei
from napari_glioma_density.annotation.measurement import FieldMeasure, field_nuclei, measure_field
from napari_glioma_density.annotation.prefill import read_ground
from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.annotation.stored import fits
from napari_glioma_density.density import PATCH_PX, patches_of
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson.reading import Imported, NucleusOutline, read_geojson
from napari_glioma_density.exchange.provenance import demand_slide
from napari_glioma_density.exchange.returned_nuclei import take_in
from napari_glioma_density.findings.gathering import open_run
from napari_glioma_density.regions.exclusion import counted_nuclei
from napari_glioma_density.regions.plane import Plane, plane_of_run
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import Run
from napari_glioma_density.results.store import recorded_slide
from napari_glioma_density.slides import Slide

READER = "first"
ROUNDING_PX = 0.02
"""Corners in a file are rounded to 0.01 level-0 px."""


@dataclass(frozen=True)
class Brought:
    """What an import changed.

    Attributes
    ----------
    regions
        Regions that are new or other than before.
    fields
        Fields whose nuclei were changed, by name.
    nuclei
        Nuclei in them.
    left
        Nuclei of the file that lie in no field, and so change nothing.
    """

    regions: int
    fields: tuple[str, ...]
    nuclei: int
    left: int

    def __str__(self) -> str:
        """Say it in one line."""
        parts = [f"{self.regions} region{'s' * (self.regions != 1)}"]
        if self.fields:
            parts.append(f"{self.nuclei} nuclei in {len(self.fields)} fields")
        if self.left:
            parts.append(f"{self.left} nuclei outside the fields that were begun change nothing")
        return ", ".join(parts)

    def remarks(self) -> tuple[str, ...]:
        """Say why nothing came of what changed nothing, and what to do, a line each."""
        told = []
        if not (self.regions or self.fields):
            told.append(
                "no region and no nucleus is new or other than before; "
                "cells and hotspots are passed over"
            )
        if self.left:
            told.append(
                f"{self.left} nuclei lie in no field that was begun: "
                "begin one under Annotation assist where somebody looked, then import again"
            )
        return tuple(told)


def import_geojson(
    store: Path, path: Path, *, slide: Slide | None = None, author: str = ""
) -> Brought:
    """Bring annotations and nuclei drawn in QuPath into a store; on disk when this returns.

    Annotations become regions; one that came from here replaces itself. Detections and cells
    change the nuclei of fields that the first reader has begun, and of no other place: a file of
    nuclei does not say where somebody looked, a field does. See `take_in` for how. What a field
    held before is kept as an earlier state.

    Parameters
    ----------
    store
        The slide's result store.
    path
        A GeoJSON file, plain, gzip or zip.
    slide
        The slide; needed where nuclei meet a field, and for QuPath's offset.
    author
        Who stands for drawings that name nobody.

    Raises
    ------
    BadInput
        When the file is no GeoJSON of this slide, or the slide is needed or another.
    StoreError
        When the disk refuses, or another window edits the fields.
    """
    run = open_run(store)
    about = recorded_slide(store)
    demand_slide(slide, about.pseudonym)
    records = _fields(store, run)
    plane = Plane.of(run.spec)
    found = read_geojson(
        path,
        about.width,
        about.height,
        offset_px=slide.bounds_offset if slide else (0, 0),
        author=author,
    )
    replaced = _replace_nuclei(store, run, plane, records, found, slide)
    return Brought(
        regions=_put_regions(store, plane, found),
        fields=tuple(replaced),
        nuclei=sum(replaced.values()),
        left=_outside(found, plane, records),
    )


def _fields(store: Path, run: Run) -> tuple[FieldRecord, ...]:
    corrections = Corrections.open(store, READER, writable=False)
    return tuple(record for record in corrections.records() if fits(record, run.spec))


def _put_regions(store: Path, plane: Plane, found: Imported) -> int:
    """Put what is new or changed; cells left out in review come back as what they were."""
    file = RegionFile.open(store)
    marked = excluded_regions(ReviewLog.open(store, plane.lattice), plane)
    known = {region.id: region for region in (*marked, *file.regions())}
    new = [region for region in found.regions if not _is_same(region, known.get(region.id))]
    for region in new:
        file.put(region)
    return len(new)


def _is_same(region: Region, known: Region | None) -> bool:
    """Whether a region is a known one, but for the rounding of its corners in the file."""
    if known is None or region.with_(geometry=known.geometry) != known:
        return False
    return bool(region.geometry.hausdorff_distance(known.geometry) <= ROUNDING_PX)


def _outside(found: Imported, plane: Plane, records: tuple[FieldRecord, ...]) -> int:
    inside = shapely.unary_union([plane.block_outline(record.block) for record in records])
    shapely.prepare(inside)
    return sum(not inside.intersects(nucleus.geometry) for nucleus in found.nuclei)


def _replace_nuclei(
    store: Path,
    run: Run,
    plane: Plane,
    records: tuple[FieldRecord, ...],
    found: Imported,
    slide: Slide | None,
) -> dict[str, int]:
    """Take in the nuclei that meet a field; return how many it has then, if it changed, by name."""
    if not found.nuclei or not records:
        return {}
    if slide is None:
        raise BadInput("the file holds nuclei for fields of this slide: name the slide as well")
    ground = plane_of_run(slide, run.spec)
    left_out, told = _left_out(store, plane, found), _told(found.nuclei, plane)
    replaced: dict[str, int] = {}
    with Corrections.open(store, READER) as corrections:
        for record in records:
            outline = plane.block_outline(record.block)
            if not told[record.block.patches].any():
                continue
            inside = [one for one in found.nuclei if one.geometry.intersects(outline)]
            under = read_ground(ground, record.block, run.tissue)
            before = corrections.load(record.name)
            measure = FieldMeasure(np.ascontiguousarray(before.labels), under, record.block)
            exported = _exported(measure, before, left_out, plane, told)
            state = take_in(before, inside, plane, record.block, exported)
            if state is None:
                continue
            known = state.labels, state.nuclei, under, record.block
            corrections.save(record.name, state, measure_field(*known), field_nuclei(*known))
            replaced[record.name] = count_nuclei(state.nuclei.values())
    return replaced


def _left_out(store: Path, plane: Plane, found: Imported) -> tuple[Region, ...]:
    """What is left out, and what was at the export: the file lacks the nuclei of it."""
    drawn = (*RegionFile.open(store).regions(), *found.regions)
    marked = excluded_regions(ReviewLog.open(store, plane.lattice), plane)
    return (*marked, *(region for region in drawn if region.kind is RegionKind.EXCLUSION))


def _told(outlines: Sequence[NucleusOutline], plane: Plane) -> NDArray[np.bool_]:
    """Patches of the slide that the file holds nuclei of; others may not have been exported."""
    told = np.zeros((plane.lattice.rows, plane.lattice.columns), bool)
    for outline in outlines:
        centre = plane.to_working(outline.geometry.centroid)
        row, column = int(centre.y // PATCH_PX), int(centre.x // PATCH_PX)
        told[min(row, len(told) - 1), min(column, told.shape[1] - 1)] = True
    return told


def _exported(
    measure: FieldMeasure,
    state: FieldState,
    left_out: tuple[Region, ...],
    plane: Plane,
    told: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Ids of nuclei of a field that an export holds."""
    nuclei = measure.records(state.nuclei)
    held = counted_nuclei(nuclei, left_out, plane) & told[patches_of(nuclei)]
    return measure.counted_ids(state.nuclei)[held]
