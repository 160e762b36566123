"""Fields as a shelf lists and hands them out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    FieldValues,
    Start,
    count_nuclei,
)
from napari_glioma_density.annotation.stored import counted_values, tells_of_error
from napari_glioma_density.density import Block
from napari_glioma_density.errors import StoreError
from napari_glioma_density.findings.known_error import is_learnt
from napari_glioma_density.results import RunSpec


@dataclass(frozen=True)
class ShelvedField:
    """A field as the list shows it, and what it measures.

    `mask` tells its px of nucleus, bool, (height, width); `values` is None while it counts for
    nothing. `fault` says what is wrong with its file. One that is not `begun` was read by the
    first reader and waits for the second.
    """

    record: FieldRecord
    done: bool
    nuclei: int
    values: FieldValues | None
    mask: NDArray[np.bool_]
    fault: str = ""
    begun: bool = True
    learnt: bool = False
    """Whether the model on show was fine-tuned on it."""
    drawn_by_other: bool = False
    """Whether it began with the outlines of another model than the one on show."""

    @property
    def tells_of_error(self) -> bool:
        """Whether it says, once finished, how far the model on show is off."""
        return not (self.learnt or self.drawn_by_other)


class Opened(NamedTuple):
    """A field ready to be edited."""

    record: FieldRecord
    rgb: NDArray[np.uint8]
    ground: FieldGround
    state: FieldState
    is_other: bool = False
    """Whether a field that was there already is opened in place of the one that was asked for."""
    read_only: bool = False
    """Whether it can only be looked at, because another window annotates the slide."""


class Wanted(NamedTuple):
    """A field that is to be begun."""

    block: Block
    start: Start
    choice: Choice
    author: str
    apart: int = 0
    """As the first reader's has it."""
    run_id: str = ""
    """The run whose outlines it begins with, where it is not the one on show."""


class Listing(NamedTuple):
    """The fields of a slide at one moment.

    Listings are numbered: a field that was removed before a listing was read is in no later one.
    """

    number: int
    fields: tuple[ShelvedField, ...]
    is_held: bool
    """Whether no other window can have changed them since."""


def shelved_field(
    corrections: Corrections, record: FieldRecord, spec: RunSpec, learnt: frozenset[str]
) -> ShelvedField:
    """Read a field as it is on disk, for a run of `spec`; `learnt` are its model's pictures.

    One whose file is damaged says so, and counts for nothing.
    """
    try:
        labels, notes = corrections.read(record.name)
        was_learnt = is_learnt(corrections, record, learnt)
    except StoreError as error:
        nothing = np.zeros((record.height_px, record.width_px), bool)
        return ShelvedField(record, False, 0, None, nothing, str(error))
    return ShelvedField(
        record,
        notes.done,
        count_nuclei(notes.nuclei.values()),
        counted_values(record, notes, spec),
        labels > 0,
        learnt=was_learnt,
        drawn_by_other=not tells_of_error(record, spec),
    )


def counting(fields: Iterable[ShelvedField]) -> tuple[FieldValues, ...]:
    """Return what the fields that count measure."""
    return tuple(field.values for field in fields if field.values is not None)
