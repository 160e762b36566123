"""What comes back from QuPath: regions, and nuclei for the fields that were begun."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldRecord, FieldState, Nucleus, Origin
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.prefill import read_ground
from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.annotation.stored import fits
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson.nucleus_labels import nuclei_as_labels
from napari_glioma_density.exchange.geojson.reading import Imported, NucleusOutline, read_geojson
from napari_glioma_density.exchange.provenance import demand_slide
from napari_glioma_density.findings.gathering import open_run
from napari_glioma_density.regions.plane import Plane, plane_of_run
from napari_glioma_density.regions.region import Region
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
        Fields whose nuclei were replaced, by name.
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
            told.append("no region is new or other than before; cells and hotspots are passed over")
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
    take the place of all nuclei in the fields that the first reader has begun: a file of nuclei
    does not say where somebody looked, a field does. What a field held before is kept as an
    earlier state.

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
    """Put the nuclei that meet a field in place of its own; return how many, by field."""
    if not found.nuclei or not records:
        return {}
    if slide is None:
        raise BadInput("the file holds nuclei for fields of this slide: name the slide as well")
    ground = plane_of_run(slide, run.spec)
    replaced: dict[str, int] = {}
    with Corrections.open(store, READER) as corrections:
        for record in records:
            outline = plane.block_outline(record.block)
            inside = [one for one in found.nuclei if one.geometry.intersects(outline)]
            if not inside:
                continue
            state = _drawn(corrections.load(record.name), inside, plane, record)
            under = read_ground(ground, record.block, run.tissue)
            known = state.labels, state.nuclei, under, record.block
            corrections.save(record.name, state, measure_field(*known), field_nuclei(*known))
            replaced[record.name] = len(state.nuclei)
    return replaced


def _drawn(
    before: FieldState, outlines: list[NucleusOutline], plane: Plane, record: FieldRecord
) -> FieldState:
    """The field with these nuclei; one on its edge counts on the side that its centre lies on."""
    labels = nuclei_as_labels(outlines, plane, record.block)
    field = plane.block_outline(record.block)
    inside = np.array([False, *(field.covers(each.geometry.centroid) for each in outlines)])
    # A neighbour reaches in as far as it did before: it was not drawn for this field.
    labels[~inside[labels] & (before.labels == 0)] = 0
    nuclei = {
        number: Nucleus(Origin.HAND, bool(inside[number]))
        for number in sorted(set(labels[labels > 0].tolist()))
    }
    return replace(before, labels=labels, nuclei=nuclei, revision=before.revision + 1)
