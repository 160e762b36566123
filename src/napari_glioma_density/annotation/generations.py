"""Earlier states of a field: hard links to the files that newer ones replaced."""

import os
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from napari_glioma_density.annotation.field_file import read_notes
from napari_glioma_density.durable import sync_folder
from napari_glioma_density.errors import StoreError

NEWEST_KEPT = 20
SLOT_SECONDS = 600


class Generation(NamedTuple):
    """A state that was on disk once."""

    revision: int
    saved: str
    """ISO 8601, UTC."""


class Generations:
    """The folder of one field's earlier states, each named by its revision.

    `present` is the file that holds the field now.
    """

    def __init__(self, folder: Path, present: Path) -> None:
        self.folder = folder
        self._file = present
        self._present: Generation | None = None
        self._known: list[Generation] | None = None

    def note(self, present: Generation) -> None:
        """Take note of what the field's file holds from now on."""
        self._present = present

    def newest(self) -> int:
        """Return the highest revision there is, that of the field's file included."""
        present = self._in_file()
        return max((*self.revisions(), present.revision if present else 0))

    def keep_present(self) -> None:
        """Keep the field's file, which is about to be replaced; a damaged one is not kept."""
        present = self._in_file()
        if present is not None:
            self.keep(self._file, present)

    def path(self, revision: int) -> Path:
        """Where a state lies."""
        return self.folder / f"{revision}.png"

    def revisions(self) -> tuple[int, ...]:
        """Return the revisions that can be gone back to, oldest first."""
        return tuple(sorted(int(path.stem) for path in self._files()))

    def keep(self, present: Path, generation: Generation) -> None:
        """Keep the file that is about to be replaced, and let go of what is no longer worth it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_copy(present, self.path(generation.revision))
        known = [known for known in self._listed() if known.revision != generation.revision]
        known.append(generation)
        kept = worth_keeping(known)
        for old in known:
            if old not in kept:
                self.path(old.revision).unlink(missing_ok=True)
        self._known = [known for known in known if known in kept]
        sync_folder(self.folder)

    def _in_file(self) -> Generation | None:
        if self._present is not None:
            return self._present
        try:
            notes = read_notes(self._file)
        except StoreError:
            return None
        return Generation(notes.revision, notes.saved)

    def _listed(self) -> list[Generation]:
        if self._known is None:
            self._known = sorted(_told(path) for path in self._files())
        return self._known

    def _files(self) -> list[Path]:
        return [path for path in self.folder.glob("*.png") if path.stem.isdecimal()]


def worth_keeping(generations: Iterable[Generation]) -> set[Generation]:
    """Choose the first, the newest twenty, and the last of every ten minutes."""
    ordered = sorted(generations)
    last_of_slot = {_slot(generation.saved): generation for generation in ordered}
    return {*ordered[:1], *ordered[-NEWEST_KEPT:], *last_of_slot.values()}


def keep_copy(present: Path, kept: Path) -> None:
    """Give a file a second name; what bears that name is replaced."""
    kept.unlink(missing_ok=True)
    try:
        os.link(present, kept)
    except OSError:  # FAT and some network shares know no links
        shutil.copyfile(present, kept)


def _slot(saved: str) -> int:
    return int(datetime.fromisoformat(saved).timestamp() // SLOT_SECONDS)


def _told(path: Path) -> Generation:
    """Return what a file says of itself; a damaged one stays, as the oldest of its kind."""
    revision = int(path.stem)
    try:
        return Generation(revision, read_notes(path).saved)
    except StoreError:
        return Generation(revision, "1970-01-01T00:00:00+00:00")
