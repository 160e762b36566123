"""What comes back from QuPath: regions, and nuclei for the fields that were begun."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    FieldGround,
    FieldRecord,
    FieldState,
    count_nuclei,
)
from napari_glioma_density.annotation.measurement import FieldMeasure, field_nuclei, measure_field
from napari_glioma_density.annotation.prefill import read_ground
from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.annotation.stored import fitting
from napari_glioma_density.density import PATCH_PX, Block, patches_of
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.as_found import AsFound
from napari_glioma_density.exchange.brought import Brought
from napari_glioma_density.exchange.geojson.reading import Imported, read_geojson
from napari_glioma_density.exchange.geojson.vocabulary import OUR_FIGURES
from napari_glioma_density.exchange.provenance import demand_slide
from napari_glioma_density.exchange.returned_nuclei import take_in
from napari_glioma_density.exchange.returned_regions import put_regions
from napari_glioma_density.findings.gathering import open_run
from napari_glioma_density.regions.exclusion import counted_nuclei
from napari_glioma_density.regions.plane import Plane, plane_of_run
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import ResultStore, Run
from napari_glioma_density.results.store import recorded_slide
from napari_glioma_density.slides import Slide

READER = "first"
_RESULTS = {name.lower() for name in OUR_FIGURES}


def import_geojson(
    store: Path,
    path: Path,
    *,
    slide: Slide | None = None,
    author: str = "",
    corrections: Corrections | None = None,
) -> Brought:
    """Bring annotations and nuclei drawn in QuPath into a store; on disk when this returns.

    Annotations become regions; one that came from here replaces itself, see `put_regions`.
    Detections and cells change nuclei only in fields that the first reader has begun: a file of
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
        Author of drawings that name none.
    corrections
        The first reader's, where the caller has them open for writing.

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
        pseudonym=about.pseudonym,
    )
    replaced, silent = dict[str, int](), 0
    if found.nuclei and records:
        if slide is None:
            raise BadInput("the file holds nuclei for fields of this slide: name the slide as well")
        as_found = AsFound(_runs_like(store, run), plane, _left_out(store, plane, found))
        with _writable(store, corrections) as writable:
            fields = _FieldNuclei(run, slide, writable, found, as_found)
            silent = fields.patches_silent(records)
            replaced = dict(fields.changed(records))
    before = put_regions(store, plane, found.regions, author)
    ours = {kind: n for kind, n in found.passed_over.items() if kind in _RESULTS}
    return Brought(
        before=before,
        objects=found.objects,
        known=len(found.regions) - len(before),
        fields=tuple(replaced),
        nuclei=sum(replaced.values()),
        left=_outside(found, plane, records),
        silent=silent,
        results=sum(ours.values()),
        passed_over={kind: n for kind, n in found.passed_over.items() if kind not in ours},
        mended=found.mended,
    )


@contextmanager
def _writable(store: Path, corrections: Corrections | None) -> Iterator[Corrections]:
    if corrections is not None:
        yield corrections
        return
    with Corrections.open(store, READER) as opened:
        yield opened


def _runs_like(store: Path, run: Run) -> tuple[Run, ...]:
    """All runs of a store on the plane of one."""
    opened = ResultStore(store)
    alike = [spec for spec in opened.runs() if spec.lattice == run.lattice]
    return tuple(opened.run(spec.run_id) for spec in alike)


def _fields(store: Path, run: Run) -> tuple[FieldRecord, ...]:
    return fitting(Corrections.open(store, READER, writable=False), run.spec)


def _outside(found: Imported, plane: Plane, records: tuple[FieldRecord, ...]) -> int:
    inside = shapely.unary_union([plane.block_outline(record.block) for record in records])
    shapely.prepare(inside)
    return sum(not inside.intersects(nucleus.geometry) for nucleus in found.nuclei)


def _left_out(store: Path, plane: Plane, found: Imported) -> tuple[Region, ...]:
    """What is left out now, and what was at the export: the file lacks nuclei in either."""
    drawn = (*RegionFile.open(store).regions(), *found.regions)
    marked = excluded_regions(ReviewLog.open(store, plane.lattice), plane)
    return (*marked, *(region for region in drawn if region.kind is RegionKind.EXCLUSION))


class _FieldNuclei:
    """The nuclei of a file, taken into fields.

    Parameters
    ----------
    run, slide
        What the fields lie on.
    corrections
        Open for writing.
    found
        What the file holds.
    as_found
        What runs found, and of what no nucleus is exported.
    """

    def __init__(
        self,
        run: Run,
        slide: Slide,
        corrections: Corrections,
        found: Imported,
        as_found: AsFound,
    ) -> None:
        self._run, self._corrections, self._as_found = run, corrections, as_found
        self._ground, self._plane = plane_of_run(slide, run.spec), Plane.of(run.spec)
        self._outlines = found.nuclei
        self._told = self._patches_told()

    def changed(self, records: Iterable[FieldRecord]) -> Iterator[tuple[str, int]]:
        """Take the nuclei in; yield each field that changed, on disk, and how many it has then."""
        for record in records:
            if not self._told[record.block.patches].any():
                continue
            outline = self._plane.block_outline(record.block)
            inside = [one for one in self._outlines if one.geometry.intersects(outline)]
            if self._as_found.is_all(inside, record.block, self._told):
                continue
            ground = read_ground(self._ground, record.block, self._run.tissue)
            before = self._corrections.load(record.name)
            exported = self._exported(before, ground, record.block)
            state = take_in(before, inside, self._plane, record.block, exported)
            if state is not None:
                known = state.labels, state.nuclei, ground, record.block
                self._corrections.save(
                    record.name, state, measure_field(*known), field_nuclei(*known)
                )
                yield record.name, count_nuclei(state.nuclei.values())

    def patches_silent(self, records: Iterable[FieldRecord]) -> int:
        """How many patches of fields hold nuclei of which the file has none."""
        silent = 0
        for record in records:
            values = self._corrections.values(record.name)
            if values is not None:
                unsaid = ~self._told[record.block.patches] & (values.count > 0)
                silent += int(np.count_nonzero(unsaid))
        return silent

    def _exported(self, state: FieldState, ground: FieldGround, block: Block) -> NDArray[np.int64]:
        """Ids of nuclei of a field that an export holds."""
        measure = FieldMeasure(np.ascontiguousarray(state.labels), ground, block)
        nuclei = measure.records(state.nuclei)
        counted = counted_nuclei(nuclei, self._as_found.left_out, self._plane)
        return measure.counted_ids(state.nuclei)[counted & self._told[patches_of(nuclei)]]

    def _patches_told(self) -> NDArray[np.bool_]:
        """Patches of the slide that the file has nuclei in; others may not have been exported.

        A nucleus at the slide's edge may have its centre beyond it, by the width of an outline.
        """
        lattice = self._plane.lattice
        told = np.zeros((lattice.rows, lattice.columns), bool)
        for outline in self._outlines:
            centre = self._plane.to_working(outline.geometry.centroid)
            row = np.clip(int(centre.y // PATCH_PX), 0, lattice.rows - 1)
            column = np.clip(int(centre.x // PATCH_PX), 0, lattice.columns - 1)
            told[row, column] = True
        return told
