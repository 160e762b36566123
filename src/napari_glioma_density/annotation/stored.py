"""The saved corrections that count for a run."""

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.corrected import FieldMask
from napari_glioma_density.annotation.field import FieldRecord, FieldState, FieldValues, Start
from napari_glioma_density.annotation.field_file import FieldNotes
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.results import Run, RunSpec
from napari_glioma_density.results.unread import UnreadMaps


def fits(record: FieldRecord, spec: RunSpec) -> bool:
    """Tell whether a field lies on the working plane of a run, so that it can correct it."""
    if (record.level, record.sixteenths) != (spec.level, spec.sixteenths):
        return False
    lattice = spec.lattice
    if not lattice.holds(record.block):
        return False
    down, across = lattice.window(record.block)
    size = down.stop - down.start, across.stop - across.start
    return size == (record.height_px, record.width_px)


def fitting(corrections: Corrections, spec: RunSpec) -> tuple[FieldRecord, ...]:
    """Return what the fields on the working plane of a run are of, oldest first."""
    return tuple(record for record in corrections.records() if fits(record, spec))


def holding(corrections: Corrections, spec: RunSpec, block: Block) -> FieldRecord | None:
    """Return the field on a run's plane that shares a patch with a block, if there is one."""
    fields = fitting(corrections, spec)
    return next((record for record in fields if record.block.meets(block)), None)


def counted_values(record: FieldRecord, notes: FieldNotes, spec: RunSpec) -> FieldValues | None:
    """Return what a field measures, if it counts for a run."""
    if notes.values is None or not counts(record, notes, spec):
        return None
    return replace(notes.values, done=notes.done)


def counts(record: FieldRecord, state: FieldState | FieldNotes, spec: RunSpec) -> bool:
    """Tell whether a field counts for a run: one that was only opened corrects nothing yet.

    One that began blank, or with another model's outlines, counts once it is finished: until then
    nobody has looked at all its empty places, or at all of that model's outlines.
    """
    return state.done or (state.edits > 0 and shows_outlines_of(record, spec))


def shows_outlines_of(record: FieldRecord, spec: RunSpec) -> bool:
    """Tell whether a field began with the outlines of a run's model."""
    theirs = spec.weights_sha256, spec.threshold
    return record.start is Start.MODEL and (record.weights_sha256, record.threshold) == theirs


def tells_of_error(record: FieldRecord, spec: RunSpec) -> bool:
    """Tell whether a finished field says how far the model of a run is off.

    Outlines that are there already anchor the eye. A field that began with another model's outlines
    tells how far that model is off; if the two models draw nuclei wider or narrower than each
    other, that difference would be taken for an error of this one.
    """
    return record.start is Start.BLANK or shows_outlines_of(record, spec)


class StoredField(NamedTuple):
    """A saved field that counts: its numbers, its px of nucleus, its counted nuclei."""

    values: FieldValues
    mask: FieldMask
    nuclei: NDArray[np.void]


def stored_fields(store: Path, run: Run, reader: str) -> tuple[StoredField, ...]:
    """Return a reader's saved fields that count for a run, oldest first.

    Raises
    ------
    StoreError
        When a field that would count is damaged: its correction would be lost in silence.
    """
    corrections = Corrections.open(store, reader, writable=False)
    fields = (
        _stored(record, *corrections.read(record.name), run)
        for record in fitting(corrections, run.spec)
    )
    return tuple(field for field in fields if field is not None)


def _stored(
    record: FieldRecord, labels: NDArray[np.uint16], notes: FieldNotes, run: Run
) -> StoredField | None:
    values = counted_values(record, notes, run.spec)
    if values is None:
        return None
    mask = FieldMask(record.block, _readable(labels > 0, record.block, run.unread_maps()))
    return StoredField(values, mask, notes.counted)


def _readable(nucleus: NDArray[np.bool_], block: Block, unread: UnreadMaps) -> NDArray[np.bool_]:
    """Take what could not be read out of a field's nuclei: it is in no sum."""
    for row, column in product(range(block.rows), range(block.columns)):
        y, x = row * PATCH_PX, column * PATCH_PX
        patch = nucleus[y : y + PATCH_PX, x : x + PATCH_PX]
        gone = unread.of_patch(block.row + row, block.column + column, patch.shape)
        if gone is not None:
            patch[gone] = False
    return nucleus
