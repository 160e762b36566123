"""What a reader noted of each cell: looked at, left out with a reason, a comment."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import CORRECTIONS
from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.durable import sync_folder, write_tail
from napari_glioma_density.results.failures import explained
from napari_glioma_density.results.locking import take_lock

SCHEMA = 1
_FILE = "review.jsonl"
_PATIENCE_S = 5.0


class Reason(StrEnum):
    """Why a cell is left out."""

    NECROSIS = "necrosis"
    HAEMORRHAGE = "haemorrhage"
    VESSEL = "vessel"
    LYMPHOCYTES = "lymphocytes"
    FOLD = "fold"
    PEN = "pen"
    BLUR = "blur"
    NOT_TUMOUR = "not tumour"
    OTHER = "other"


@dataclass(frozen=True)
class Mark:
    """What was noted of a block of patches, such as those of a grid cell; the latest counts.

    Attributes
    ----------
    block
        The patches.
    reviewed
        Whether someone looked at them.
    comment
        In a person's words.
    excluded
        Why they are left out of every sum; None when they count.
    author, time
        Who noted it, and when (ISO 8601, UTC).
    """

    block: Block
    reviewed: bool
    comment: str
    excluded: Reason | None
    author: str
    time: str


class ReviewLog:
    """Marks of a slide in ``<store>/corrections/review.jsonl``, one line each, none ever changed.

    Two windows may both write: every line is appended under a lock, on disk when `mark` returns.
    Lines of another working plane, whose patches lie elsewhere, are passed over.
    """

    def __init__(self, path: Path, lattice: Lattice) -> None:
        self.path = path
        self._lattice = lattice
        self._marks: dict[Block, Mark] = {}
        self._length = 0
        self.reload()

    @classmethod
    def open(cls, store: Path, lattice: Lattice) -> Self:
        """Open the marks of a slide; nothing is written before the first one.

        Parameters
        ----------
        store
            Folder of the slide's result store.
        lattice
            The patches of the working plane that blocks are given in.

        Raises
        ------
        StoreError
            When a line is damaged or of a newer version.
        """
        return cls(store / CORRECTIONS / _FILE, lattice)

    def reload(self) -> None:
        """Take in what another window has added since."""
        with explained(self.path):
            lines = self._unread_lines()
        for number, line in enumerate(lines, start=1):
            try:
                self._take_in(line)
            except (ValueError, TypeError, KeyError) as error:
                if number == len(lines):
                    break
                raise StoreError(
                    f"{self.path}: a line is damaged ({error}): mend it, or move the file away"
                ) from error
            self._length += len(line)

    def mark(
        self,
        block: Block,
        *,
        reviewed: bool = True,
        comment: str = "",
        excluded: Reason | None = None,
        author: str = "",
    ) -> Mark:
        """Note something of a block in place of what was noted before; on disk on return.

        Raises
        ------
        StoreError
            When the disk refuses.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        mark = Mark(block, reviewed, comment, excluded, author, now)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        busy = "another window is writing to it and does not end: close that window"
        lock = take_lock(self.path.with_name(".review.lock"), self.path, busy, _PATIENCE_S)
        try:
            self.reload()
            self._append(_line(mark, self._lattice))
        finally:
            lock.release()
        self._marks[block] = mark
        return mark

    def latest(self, block: Block) -> Mark | None:
        """Return what was noted last of exactly this block."""
        return self._marks.get(block)

    def marks(self) -> tuple[Mark, ...]:
        """Return the latest mark of every block, in the order blocks were first marked."""
        return tuple(self._marks.values())

    def excluded(self) -> NDArray[np.bool_]:
        """Which patches are left out by the latest mark of any block: (rows, columns) bool."""
        out = np.zeros((self._lattice.rows, self._lattice.columns), bool)
        for mark in self._marks.values():
            if mark.excluded is not None:
                out[mark.block.patches] = True
        return out

    def progress(self, blocks: Iterable[Block]) -> tuple[int, int]:
        """Return how many of some blocks are reviewed or left out, and how many there are."""
        noted = [self._marks.get(block) for block in blocks]
        reviewed = sum(
            mark is not None and (mark.reviewed or bool(mark.excluded)) for mark in noted
        )
        return reviewed, len(noted)

    def _unread_lines(self) -> list[bytes]:
        """Whole lines that were not read yet; a torn last one, left by a crash, is none."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._length)
                return [line for line in file.readlines() if line.endswith(b"\n")]
        except FileNotFoundError:
            return []

    def _append(self, line: bytes) -> None:
        with explained(self.path, "free some space, then mark the cell again"):
            self.path.touch()
            write_tail(self.path, self._length, line)
            sync_folder(self.path.parent)
        self._length += len(line)

    def _take_in(self, line: bytes) -> None:
        fields = json.loads(line)
        if fields["schema"] > SCHEMA:
            raise StoreError(f"{self.path}: was written by a newer version: update the program")
        mark, plane = _mark(fields), tuple(fields["plane_px"])
        here = self._lattice.height_px, self._lattice.width_px
        if plane == here and self._lattice.holds(mark.block):
            self._marks[mark.block] = mark


def excluded_patches(store: Path, lattice: Lattice) -> NDArray[np.bool_]:
    """Which patches of a slide a reader left out: bool, (lattice rows, lattice columns).

    Raises
    ------
    StoreError
        When the marks are damaged.
    """
    return ReviewLog.open(store, lattice).excluded()


def _line(mark: Mark, lattice: Lattice) -> bytes:
    fields = {
        "schema": SCHEMA,
        "plane_px": (lattice.height_px, lattice.width_px),
        "block": astuple(mark.block),
        "reviewed": mark.reviewed,
        "comment": mark.comment,
        "excluded": mark.excluded,
        "author": mark.author,
        "time": mark.time,
    }
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _mark(fields: dict[str, Any]) -> Mark:
    reason = fields["excluded"]
    return Mark(
        Block(*fields["block"]),
        bool(fields["reviewed"]),
        str(fields["comment"]),
        None if reason is None else Reason(reason),
        str(fields["author"]),
        str(fields["time"]),
    )
