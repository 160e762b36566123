"""One reader's corrections of one slide: a data set that grows beside the slide's runs."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
from filelock import BaseFileLock
from numpy.typing import NDArray

from napari_glioma_density.annotation.colours import colours_file, write_colours
from napari_glioma_density.annotation.field import FieldRecord, FieldState, FieldValues
from napari_glioma_density.annotation.field_file import (
    FieldNotes,
    encode_field,
    read_field,
    read_notes,
)
from napari_glioma_density.annotation.generations import Generation, Generations
from napari_glioma_density.annotation.leftovers import HISTORY, clear_up, put_away
from napari_glioma_density.annotation.manifest import (
    IMAGES,
    LABELS,
    Entry,
    read_manifest,
    write_manifest,
)
from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.failures import explained
from napari_glioma_density.results.locking import take_lock
from napari_glioma_density.results.pictures import read_png, write_png

CORRECTIONS = "corrections"
_WHEN_FULL = "the last saved state is kept: free some space, saving is tried again"


class Corrections:
    """Fields corrected by one reader of one slide, in ``<store>/corrections/<reader>``.

    The folder is a data set of annotated nuclei: images, labels and a manifest. The file of a
    field's labels holds all else that is known of it, so a save replaces one file, whole. What
    it replaces is kept in ``history``. Reading needs no lock and sees whole files; it knows the
    fields that were there when it was opened, and those begun through this object. All methods
    may be called from any thread.
    """

    def __init__(self, folder: Path, lock: BaseFileLock | None) -> None:
        self.folder = folder
        self.reader = folder.name
        self._lock = lock
        self._writing = threading.RLock()
        self._entries = read_manifest(folder)
        self._histories: dict[str, Generations] = {}
        if lock is not None:
            with explained(folder, _WHEN_FULL):
                clear_up(folder, self._entries)
                self._adopt_done()

    @classmethod
    def open(cls, store: Path, reader: str = "first", *, writable: bool = True) -> Self:
        """Open the corrections of a reader; there may be none yet.

        Parameters
        ----------
        store
            Folder of the slide's result store.
        reader
            "first" or "second".
        writable
            Whether fields are to be begun and saved; one program at a time may.

        Raises
        ------
        StoreError
            When another window is writing, or the folder is damaged, of a newer version, or
            cannot be written.
        """
        folder = store / CORRECTIONS / reader
        if not writable:
            return cls(folder, None)
        with explained(folder, _WHEN_FULL):
            for name in (IMAGES, LABELS, HISTORY):
                (folder / name).mkdir(parents=True, exist_ok=True)
        busy = "is being annotated in another window: close it there, or only look at it here"
        lock = take_lock(folder.parent / f".{reader}.lock", folder, busy)
        try:
            return cls(folder, lock)
        except BaseException:
            lock.release()
            raise

    def records(self) -> tuple[FieldRecord, ...]:
        """Return what the fields are of, oldest first."""
        return tuple(entry.record for entry in self._entries.values())

    def record(self, name: str) -> FieldRecord:
        """Return what a field is of; StoreError when there is none of that name."""
        return self._entry(name).record

    def notes(self, name: str) -> FieldNotes:
        """Read what is known of a field besides its labels; StoreError when it is damaged."""
        return read_notes(self._label(name))

    def read(self, name: str) -> tuple[NDArray[np.uint16], FieldNotes]:
        """Read a field's labels, (height, width), and notes; StoreError when it is damaged."""
        return read_field(self._label(name))

    def load(self, name: str) -> FieldState:
        """Read a field as it was saved last; StoreError when it is absent or damaged."""
        labels, notes = self.read(name)
        return notes.state(labels)

    def values(self, name: str) -> FieldValues | None:
        """Read what a field measures; None when it was begun and never measured."""
        return self.notes(name).values

    def nuclei(self, name: str) -> NDArray[np.void]:
        """Read the counted nuclei of a field: (n,) `NUCLEUS_DTYPE`, working px of the slide."""
        return self.notes(name).counted

    def rgb(self, name: str) -> NDArray[np.uint8]:
        """Read the picture of a field: (height, width, 3)."""
        return read_png(self._image(name))

    def begin(
        self,
        record: FieldRecord,
        rgb: NDArray[np.uint8],
        state: FieldState,
        values: FieldValues | None = None,
        nuclei: NDArray[np.void] | None = None,
    ) -> FieldRecord:
        """Add a field; on disk when this returns.

        Its picture goes first and the manifest last, so that a crash leaves no half field.
        Without `values` it corrects nothing until it is saved.

        Returns
        -------
        FieldRecord
            What it is kept as: its name is set apart where another has it.

        Raises
        ------
        StoreError
            When a field shares a patch with it, or the disk refuses.
        """
        self._demand_writing()
        with self._writing, explained(self.folder, _WHEN_FULL):
            other = next(filter(record.meets, self.records()), None)
            if other is not None:
                raise StoreError(f"field {other.name}: has patches of the new one: open it instead")
            while record.name in self._entries:  # the same patches on another plane
                record = replace(record, apart=record.apart + 1)
            write_png(self._image(record.name), rgb)
            self._write(record, state, values, nuclei)
            self._set(Entry(record, state.done))
            return record

    def keep_colours(self, record: FieldRecord, read: Callable[[], NDArray[np.uint8]]) -> None:
        """Keep colours (n, 3) from all over the slide of a field, once for its plane.

        Raises
        ------
        StoreError
            When the disk refuses.
        """
        self._demand_writing()
        with self._writing, explained(self.folder, _WHEN_FULL):
            path = colours_file(self.folder, record)
            if not path.is_file() and len(colours := read()):
                write_colours(path, colours)

    def save(
        self, name: str, state: FieldState, values: FieldValues, nuclei: NDArray[np.void]
    ) -> None:
        """Replace a field's file; the state before is kept. On disk when this returns.

        Parameters
        ----------
        name
            The field.
        state, values, nuclei
            The field as it is now, what it measures, and its counted nuclei.

        Raises
        ------
        StoreError
            When the disk refuses, or labels and nuclei differ; what was saved before stays.
        """
        self._demand_writing()
        with self._writing, explained(self.folder, _WHEN_FULL):
            entry = self._entry(name)
            self._history(name).keep_present()
            self._write(entry.record, state, values, nuclei)
            if state.done != entry.done:
                self._set(replace(entry, done=state.done))

    def generations(self, name: str) -> tuple[int, ...]:
        """Return the revisions that a field can go back to, oldest first."""
        return self._history(name).revisions()

    def restore(self, name: str, revision: int) -> FieldState:
        """Go back to an earlier state, saved as a new revision, and return it.

        Raises
        ------
        StoreError
            When that state is absent or damaged, or the disk refuses.
        """
        self._demand_writing()
        with self._writing, explained(self.folder, _WHEN_FULL):
            history = self._history(name)
            labels, notes = read_field(history.path(revision))
            state = replace(notes.state(labels), revision=history.newest() + 1)
            entry = self._entry(name)
            history.keep_present()
            self._write(entry.record, state, notes.values, notes.counted)
            self._set(replace(entry, done=state.done))
            return state

    def remove(self, name: str) -> None:
        """Take a field out; its picture and states stay in ``history/<name>.removed-<n>``."""
        self._demand_writing()
        with self._writing, explained(self.folder, _WHEN_FULL):
            self._entry(name)
            rest = {known: entry for known, entry in self._entries.items() if known != name}
            write_manifest(self.folder, self.reader, rest)
            self._entries = rest
            self._histories.pop(name, None)
            put_away(self.folder, name)

    def close(self) -> None:
        """Let another window write. Closing twice does no harm."""
        if self._lock is not None and self._lock.is_locked:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entry(self, name: str) -> Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise StoreError(f"{self.folder}: holds no field {name}: begin it first") from None

    def _set(self, entry: Entry) -> None:
        """List a field in the manifest; other threads see the entries before or after."""
        entries = self._entries | {entry.record.name: entry}
        write_manifest(self.folder, self.reader, entries)
        self._entries = entries

    def _write(
        self,
        record: FieldRecord,
        state: FieldState,
        values: FieldValues | None,
        nuclei: NDArray[np.void] | None,
    ) -> None:
        saved = datetime.now(UTC).isoformat(timespec="milliseconds")
        notes = FieldNotes.of(record, state, values, nuclei, saved)
        write_atomically(self._label(record.name), encode_field(state.labels, notes))
        self._history(record.name).note(Generation(state.revision, saved))

    def _history(self, name: str) -> Generations:
        return self._histories.setdefault(
            name, Generations(self.folder / HISTORY / name, self._label(name))
        )

    def _adopt_done(self) -> None:
        """Follow the fields' own files, which are the truth: a crash may have come between."""
        for name, entry in self._entries.items():
            try:
                done = self.notes(name).done
            except StoreError:  # told when the field is listed or opened; others stay usable
                continue
            if done != entry.done:
                self._set(replace(entry, done=done))

    def _image(self, name: str) -> Path:
        return self.folder / IMAGES / f"{name}.png"

    def _label(self, name: str) -> Path:
        return self.folder / LABELS / f"{name}.png"

    def _demand_writing(self) -> None:
        if self._lock is None or not self._lock.is_locked:
            raise StoreError(f"{self.folder}: opened for reading; open it for writing to change it")
