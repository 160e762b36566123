"""What waits for the second reader, and how they begin each field."""

import numpy as np

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldRecord, Start
from napari_glioma_density.annotation.stored import fitting
from napari_glioma_density.ui.annotation.shelved import ShelvedField, Wanted
from napari_glioma_density.ui.stored import ShownRun

FIRST, SECOND = "first", "second"
BLANK_EVERY = 5


def wanted_by_second(record: FieldRecord, start: Start, author: str) -> Wanted:
    """Return how the second reader begins one of the first's fields.

    That is with the outlines that the first reader began with, whatever model is on show by now;
    otherwise a difference between two models would count as disagreement.
    """
    run_id = record.run_id if record.start is Start.MODEL else ""
    return Wanted(record.block, start, record.choice, author, record.apart, run_id)


def to_read(shown: ShownRun) -> tuple[tuple[FieldRecord, Start], ...]:
    """Return the first reader's fields and how the second begins each: every fifth blank.

    Outlines that are there already anchor the eye; blank fields tell by how much.
    """
    first = Corrections.open(shown.store, FIRST, writable=False)
    return tuple(
        (record, Start.BLANK if place % BLANK_EVERY == 0 else Start.MODEL)
        for place, record in enumerate(fitting(first, shown.spec))
    )


def waiting_fields(shown: ShownRun, second: Corrections) -> tuple[ShelvedField, ...]:
    """Return the first reader's fields that the second has not begun."""
    begun = {record.name for record in second.records()}
    nothing = np.zeros((0, 0), bool)
    return tuple(
        ShelvedField(record, False, 0, None, nothing, begun=False)
        for record, _ in to_read(shown)
        if record.name not in begun
    )
