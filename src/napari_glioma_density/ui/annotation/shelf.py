"""The fields of one reader of one slide: on disk, and as far as they count."""

import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

from napari_glioma_density.annotation.autosave import Autosave
from napari_glioma_density.annotation.collection import CORRECTIONS, Corrections
from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import count_nuclei
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.stored import counts, fitting, holding, tells_of_error
from napari_glioma_density.errors import BadInput, StoreInUse
from napari_glioma_density.findings.known_error import learnt_by_model
from napari_glioma_density.regions.plane import plane_of_run
from napari_glioma_density.results import ResultStore, Run
from napari_glioma_density.slides import Slide, TissueMap, WorkingPlane
from napari_glioma_density.ui.annotation.second_reading import (
    FIRST,
    SECOND,
    to_read,
    waiting_fields,
    wanted_by_second,
)
from napari_glioma_density.ui.annotation.shelved import (
    Listing,
    Opened,
    ShelvedField,
    Wanted,
    shelved_field,
)
from napari_glioma_density.ui.stored import ShownRun


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
            corrections = self._readable()
            records = fitting(corrections, self.shown.spec)
            spec = self.shown.spec
            learnt = learnt_by_model(self.shown.store, spec)
            shelved = tuple(shelved_field(corrections, record, spec, learnt) for record in records)
            waiting = () if self.reader == FIRST else waiting_fields(self.shown, corrections)
            is_held = corrections is self.writable
            return Listing(next(self._listings), shelved + waiting, is_held)

    def take(self, wanted: Wanted) -> Opened:
        """Open the field that holds the wanted patches or, where there is none, begin it.

        Raises
        ------
        BadInput
            When the field cannot be begun, such as while another window annotates this slide.
        """
        with self._beginning:  # or a double click begins a field twice
            held = holding(self._readable(), self.shown.spec, wanted.block)
            if held is None and self.reader == SECOND:
                waiting = (record for record, _ in to_read(self.shown))
                held = next((each for each in waiting if each.block.meets(wanted.block)), None)
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
        """Read a field from disk; a second reader begins it as the rules of blinding say.

        While another window annotates the slide, a field that is there can be looked at.
        """
        try:
            corrections = self._writable()
        except StoreInUse:
            there = self._readable()
            if name not in {record.name for record in there.records()}:
                raise
            return self._read(there, name)._replace(read_only=True)
        if self.reader == SECOND and name not in {r.name for r in corrections.records()}:
            record, start = next(one for one in to_read(self.shown) if one[0].name == name)
            with self._beginning:
                return self._begin(wanted_by_second(record, start, author))
        self.flush()
        return self._read(corrections, name)

    def _read(self, corrections: Corrections, name: str) -> Opened:
        from napari_glioma_density.annotation.prefill import read_ground

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

    def _begin(self, wanted: Wanted) -> Opened:
        from napari_glioma_density.annotation.prefill import begin_field
        from napari_glioma_density.estimate.slide_colours import tissue_colours

        run = self._run(wanted.run_id)
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

    def _run(self, run_id: str = "") -> Run:
        """Open a run of the store, that on show where there is none of that id."""
        store = ResultStore(self.shown.store)
        return store.run(run_id if run_id and store.holds(run_id) else self.shown.spec.run_id)

    def _readable(self) -> Corrections:
        """The fields there are now, to read."""
        with self._guard:
            opened = self._corrections
        return opened or Corrections.open(self.shown.store, self.reader, writable=False)

    def _writable(self) -> Corrections:
        with self._guard:
            if self._is_closed:  # else nobody would ever let go of what is opened here
                raise BadInput("The field was left before it was opened.")
            if self._corrections is None:
                self._corrections = Corrections.open(self.shown.store, self.reader)
                self._autosave = Autosave(self._corrections, self._hear_of_disk)
            return self._corrections
