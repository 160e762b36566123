"""Findings of a slide, gathered from its store."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.corrected import (
    CorrectedMask,
    correct_nuclei,
    correct_patches,
)
from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.annotation.stored import StoredField, stored_fields
from napari_glioma_density.density import CorrectedPatches, Exclusions, patches_of
from napari_glioma_density.errors import StoreError
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.snapshot import (
    Amendments,
    Choices,
    Snapshot,
    take_snapshot,
)
from napari_glioma_density.regions.exclusion import counted_nuclei, exclusions_of
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import ResultStore, Run
from napari_glioma_density.results.specimen import Specimen, stored_specimen
from napari_glioma_density.results.store import recorded_slide


def gather(
    store: Path,
    run: Run | None = None,
    choices: Choices | None = None,
    scope: NDArray[np.bool_] | None = None,
    *,
    reader: str = "first",
    specimen: Specimen | None = None,
) -> Findings:
    """Gather what a run says of its slide, with what people corrected and left out.

    Parameters
    ----------
    store
        Folder of the slide's result store.
    run
        The run; the latest of the store when None.
    choices
        How results are summed up; amendments come from the store.
    scope
        Patches that count, bool of shape (rows, columns); all by default.
    reader
        Whose corrections count.
    specimen
        How the tissue was prepared; as the store has it when None.

    Raises
    ------
    StoreError
        When there is no run, or a part of the store is damaged.
    """
    run = run or open_run(store)
    fields = stored_fields(store, run, reader)
    model = _model(run)
    measured = _corrected(model, fields) if fields else model
    regions, left_out = _drawn(store, measured)
    amendments = _amendments(fields, left_out, measured, model)
    snapshot = take_snapshot(
        model.patches, replace(choices or Choices(), amendments=amendments), scope
    )
    slide = recorded_slide(store)
    return Findings(
        store=store,
        run=run,
        pseudonym=slide.pseudonym,
        slide_width=slide.width,
        slide_height=slide.height,
        snapshot=snapshot,
        regions=regions,
        left_out=left_out,
        amendments=amendments,
        corrected=_side_by_side(snapshot, fields, reader),
        measured=measured,
        nuclei=_counted(measured, left_out, scope),
        specimen=specimen or stored_specimen(store),
    )


@dataclass(frozen=True)
class LeftOut:
    """What is in no sum: exclusions among the regions, and cells left out in review.

    `exclusions` is what that takes away, by patch; None where nothing is left out.
    """

    regions: tuple[Region, ...]
    exclusions: Exclusions | None


def stored_left_out(store: Path, run: Run, *, reader: str | None) -> LeftOut:
    """Return what people have left out on a run's slide, as far as it is on disk.

    Without a `reader` no corrected field is looked at.

    Raises
    ------
    StoreError
        When a part of the store is damaged.
    """
    fields = stored_fields(store, run, reader) if reader else ()
    model = _model(run)
    measured = _corrected(model, fields) if fields else model
    _, left_out = _drawn(store, measured)
    return _left_out(left_out, measured, model)


def open_run(store: Path, run_id: str | None = None) -> Run:
    """Open a run of a store for reading, the latest when none is named.

    Raises
    ------
    StoreError
        When `store` is none, or holds no such run.
    """
    if not (store / "runs").is_dir():
        raise StoreError(f"{store}: is no result store: name a folder that ends in .glioma.zarr")
    opened = ResultStore(store)
    if run_id is not None and opened.holds(run_id):
        return opened.run(run_id)
    known = [spec.run_id for spec in opened.runs()]
    if not known:
        raise StoreError(f"{store}: holds no run: estimate the density first")
    if run_id is not None:
        raise StoreError(f"{store}: holds no run {run_id!r}; name one of: {', '.join(known)}")
    return opened.run(known[-1])


def _drawn(store: Path, measured: Measured) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    """All regions, and what is left out; of two that overlap the first gives the reason."""
    regions = RegionFile.open(store).regions()
    marks = ReviewLog.open(store, measured.plane.lattice)
    drawn = (region for region in regions if region.kind is RegionKind.EXCLUSION)
    return regions, (*excluded_regions(marks, measured.plane), *drawn)


def _amendments(
    fields: tuple[StoredField, ...],
    left_out: tuple[Region, ...],
    measured: Measured,
    model: Measured,
) -> Amendments:
    values = tuple(field.values for field in fields)
    exclusions = _left_out(left_out, measured, model).exclusions
    return Amendments(measured.plane.lattice, values, exclusions)


def _left_out(regions: tuple[Region, ...], measured: Measured, model: Measured) -> LeftOut:
    return LeftOut(regions, exclusions_of(regions, measured, model) if regions else None)


def _model(run: Run) -> Measured:
    """What the model found, and nothing else."""
    plane, found = Plane.of(run.spec), (run.patches(), run.mask(0), run.nuclei(), run.tissue)
    return Measured(plane, *found, run.unread_maps())


def _corrected(model: Measured, fields: tuple[StoredField, ...]) -> Measured:
    amended = correct_patches(model.patches, [field.values for field in fields])
    masks = [field.mask for field in fields]
    return replace(
        model,
        patches=amended.patches,
        mask=CorrectedMask(model.mask, 0, amended.corrected, masks),
        nuclei=correct_nuclei(model.nuclei, amended.corrected, [field.nuclei for field in fields]),
    )


def _side_by_side(
    snapshot: Snapshot, fields: tuple[StoredField, ...], reader: str
) -> CorrectedPatches | None:
    """Return both tables without what is left out, when a field has corrected something."""
    used = tuple(
        field.values.block
        for field in fields
        if snapshot.corrected[field.values.block.patches].any()
    )
    if not used:
        return None
    return CorrectedPatches(snapshot.patches, snapshot.corrected, snapshot.model, used, reader)


def _counted(
    measured: Measured, left_out: tuple[Region, ...], scope: NDArray[np.bool_] | None
) -> NDArray[np.void]:
    """Return the nuclei of patches that were read, in scope, outside what is left out."""
    nuclei, asked = measured.nuclei, measured.patches.is_read
    if scope is not None:
        asked = asked & scope
    row, column = patches_of(nuclei)
    return nuclei[asked[row, column] & counted_nuclei(nuclei, left_out, measured.plane)]
