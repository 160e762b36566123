"""The fields of one reader of one slide: on disk, and as far as they count."""

import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.autosave import Autosave
from napari_glioma_density.annotation.collection import CORRECTIONS, Corrections
from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    FieldValues,
    Start,
    count_nuclei,
)
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.stored import (
    counted_values,
    counts,
    fitting,
    holding,
    tells_of_error,
)
from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.findings.known_error import is_learnt
from napari_glioma_density.nuclei.kept_metrics import learnt_pictures
from napari_glioma_density.regions.plane import plane_of_run
from napari_glioma_density.results import ResultStore, Run, RunSpec
from napari_glioma_density.slides import Slide, TissueMap, WorkingPlane
from napari_glioma_density.ui.stored import ShownRun

FIRST, SECOND = "first", "second"
BLANK_EVERY = 5


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


class Wanted(NamedTuple):
    """A field that is to be begun."""

    block: Block
    start: Start
    choice: Choice
    author: str
    apart: int = 0
    """As the first reader's has it."""


class Listing(NamedTuple):
    """The fields there were; what was removed before one is read is in none of a higher number."""

    number: int
    fields: tuple[ShelvedField, ...]


class FieldShelf:
    """Begins, reads and keeps fields. All but `save` is slow; any thread may call.

    Parameters
    ----------
    slide, shown
        The slide, and the run whose plane fields lie on.
    reader
        `FIRST` or `SECOND`.
    """

    def __init__(self, slide: Slide, shown: ShownRun, reader: str) -> None:
        self.slide = slide
        self.shown = shown
        self.reader = reader
        self._disk: SimpleQueue[str] = SimpleQueue()
        self._guard = threading.RLock()
        self._beginning = threading.RLock()
        self._listing = threading.Lock()
        self._listings = itertools.count(1)
        self._corrections: Corrections | None = None
        self._autosave: Autosave | None = None
        self._is_closed = False
        self._plane: WorkingPlane | None = None

    def fields(self) -> Listing:
        """Read the fields that lie on the run's plane, oldest first."""
        with self._listing:  # or one that began before a field was removed might end after it
            corrections = self._corrections or Corrections.open(
                self.shown.store, self.reader, writable=False
            )
            records = fitting(corrections, self.shown.spec)
            spec = self.shown.spec
            learnt = learnt_pictures(spec.weights_sha256)
            shelved = tuple(_shelved(corrections, record, spec, learnt) for record in records)
            waiting = () if self.reader == FIRST else self._waiting()
            return Listing(next(self._listings), shelved + waiting)

    def take(self, wanted: Wanted) -> Opened:
        """Open the field that holds the wanted patches or, where there is none, begin it.

        Raises
        ------
        BadInput
            When another window annotates this slide, or the field cannot be begun.
        """
        with self._beginning:  # or a double click begins a field twice
            held = holding(self._writable(), self.shown.spec, wanted.block)
            if held is None and self.reader == SECOND:
                to_read = (record for record, _ in self._to_read())
                held = next((each for each in to_read if each.block.meets(wanted.block)), None)
            if held is None:
                return self._begin(wanted)
            opened = self.open(held.name, wanted.author)
            # How a second reader begins is not for them to choose.
            as_asked = self.reader == SECOND or opened.record.start is wanted.start
            return opened._replace(is_other=held.block != wanted.block or not as_asked)

    def begin_all(self, wanted: Iterable[Wanted]) -> None:
        """Begin several fields, without opening any."""
        for one in wanted:
            with self._beginning:
                if holding(self._writable(), self.shown.spec, one.block) is None:
                    self._begin(one)

    def open(self, name: str, author: str) -> Opened:
        """Read a field from disk; a second reader begins it as the rules of blinding say."""
        from napari_glioma_density.annotation.prefill import read_ground

        corrections = self._writable()
        if self.reader == SECOND and name not in {r.name for r in corrections.records()}:
            record, start = next(one for one in self._to_read() if one[0].name == name)
            with self._beginning:
                return self._begin(Wanted(record.block, start, record.choice, author, record.apart))
        self.flush()
        record = corrections.record(name)
        ground = read_ground(self.plane, record.block, self._run().tissue)
        return Opened(record, corrections.rgb(name), ground, corrections.load(name))

    def save(self, document: AnnotatedField) -> ShelvedField:
        """Have a field saved within a second, and return what it measures; quick."""
        record, state, values = document.record, document.state(), document.values()
        spec = self.shown.spec
        with self._guard:
            if self._autosave is not None:
                self._autosave.submit(record.name, state, values, document.nucleus_records())
        return ShelvedField(
            record,
            state.done,
            count_nuclei(state.nuclei.values()),
            replace(values, done=state.done) if counts(record, state, spec) else None,
            (state.labels > 0) & document.ground.read,
            drawn_by_other=not tells_of_error(record, spec),
        )

    def saved_revision(self, name: str) -> int | None:
        """Return the newest revision of a field that is on disk, as far as this window saved."""
        with self._guard:
            return self._autosave.saved(name) if self._autosave else None

    def disk_problems(self) -> Iterator[str]:
        """Yield what the saving thread said since the last call; empty when all is well again."""
        while not self._disk.empty():
            yield self._disk.get_nowait()

    def _hear_of_disk(self, problem: str | None) -> None:
        self._disk.put(problem or "")

    def remove(self, name: str) -> None:
        """Take a field out; its files are kept."""
        self.flush()
        with self._guard:
            if self._autosave is not None:
                self._autosave.forget(name)
        self._writable().remove(name)

    def close(self) -> None:
        """Bring to disk what is not there yet, and let other windows write."""
        with self._guard:
            if self._autosave is not None:
                self._autosave.close()
            if self._corrections is not None:
                self._corrections.close()
            self._autosave = self._corrections = None
            self._is_closed = True

    @property
    def folder(self) -> Path:
        """The reader's data set."""
        return self.shown.store / CORRECTIONS / self.reader

    def reader_folders(self) -> tuple[Path, Path]:
        """Return the data sets of both readers; BadInput when there are not two."""
        first, second = (self.folder.parent / reader for reader in (FIRST, SECOND))
        if not second.is_dir():
            raise BadInput("Nobody has read these fields a second time: tick Second reader.")
        return first, second

    @property
    def plane(self) -> WorkingPlane:
        """The slide as the run's model saw it."""
        with self._guard:
            if self._plane is None:
                self._plane = plane_of_run(self.slide, self.shown.spec)
            return self._plane

    def _to_read(self) -> tuple[tuple[FieldRecord, Start], ...]:
        """Return the first reader's fields and how the second begins each: every fifth blank.

        A mask that is there already anchors the eye; blank fields tell by how much.
        """
        first = Corrections.open(self.shown.store, FIRST, writable=False)
        return tuple(
            (record, Start.BLANK if place % BLANK_EVERY == 0 else Start.MODEL)
            for place, record in enumerate(fitting(first, self.shown.spec))
        )

    def _waiting(self) -> tuple[ShelvedField, ...]:
        corrections = self._corrections or Corrections.open(
            self.shown.store, self.reader, writable=False
        )
        begun = {record.name for record in corrections.records()}
        nothing = np.zeros((0, 0), bool)
        return tuple(
            ShelvedField(record, False, 0, None, nothing, begun=False)
            for record, _ in self._to_read()
            if record.name not in begun
        )

    def _begin(self, wanted: Wanted) -> Opened:
        from napari_glioma_density.annotation.prefill import begin_field
        from napari_glioma_density.estimate.slide_colours import tissue_colours

        run = self._run()
        begun = begin_field(
            self.plane,
            wanted.block,
            run,
            author=wanted.author,
            start=wanted.start,
            choice=wanted.choice,
        )
        tissue = TissueMap(run.tissue)
        self._writable().keep_colours(begun.record, lambda: tissue_colours(self.plane, tissue))
        labels, nuclei, block = begun.state.labels, begun.state.nuclei, wanted.block
        record = self._writable().begin(
            replace(begun.record, apart=wanted.apart),
            begun.rgb,
            begun.state,
            measure_field(labels, nuclei, begun.ground, block),
            field_nuclei(labels, nuclei, begun.ground, block),
        )
        return Opened(record, begun.rgb, begun.ground, begun.state)

    @property
    def writable(self) -> Corrections | None:
        """What this window holds open for writing, if it does; others are kept out by it."""
        with self._guard:
            return self._corrections

    def flush(self) -> None:
        """Wait until the latest edits are on disk, so that what is read is what was seen."""
        with self._guard:
            autosave = self._autosave
        if autosave is not None:
            autosave.flush()

    def _run(self) -> Run:
        return ResultStore(self.shown.store).run(self.shown.spec.run_id)

    def _writable(self) -> Corrections:
        with self._guard:
            if self._is_closed:  # else nobody would ever let go of what is opened here
                raise BadInput("The field was left before it was opened.")
            if self._corrections is None:
                self._corrections = Corrections.open(self.shown.store, self.reader)
                self._autosave = Autosave(self._corrections, self._hear_of_disk)
            return self._corrections


def _shelved(
    corrections: Corrections, record: FieldRecord, spec: RunSpec, learnt: frozenset[str]
) -> ShelvedField:
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
