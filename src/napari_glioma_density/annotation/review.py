"""What a reader noted of cells: reviewed, left out with a reason, a comment."""

import uuid
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from napari_glioma_density.annotation.collection import CORRECTIONS
from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.results.line_log import LineLog

SCHEMA = 1
_FILE = "review.jsonl"


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
        full = "free some space, then mark the cell again"
        self._log = LineLog(path, SCHEMA, self._take_in, full)
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
        self._log.reload()

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
        self._log.append(_fields(mark, self._lattice))
        return mark

    def latest(self, block: Block) -> Mark | None:
        """Return what was noted last of exactly this block."""
        return self._marks.get(block)

    def marks(self) -> tuple[Mark, ...]:
        """Return the latest mark of every block, in the order blocks were first marked."""
        return tuple(self._marks.values())

    def progress(self, blocks: Iterable[Block]) -> tuple[int, int]:
        """Return how many of some blocks are reviewed or left out, and how many there are."""
        noted = [self._marks.get(block) for block in blocks]
        reviewed = sum(
            mark is not None and (mark.reviewed or bool(mark.excluded)) for mark in noted
        )
        return reviewed, len(noted)

    def _take_in(self, fields: dict[str, Any]) -> None:
        mark, plane = _mark(fields), tuple(fields["plane_px"])
        here = self._lattice.height_px, self._lattice.width_px
        if plane == here and self._lattice.holds(mark.block):
            self._marks[mark.block] = mark


def excluded_regions(log: ReviewLog, plane: Plane) -> tuple[Region, ...]:
    """Return the blocks that a reader left out as exclusions, so that one way handles all.

    A block keeps its id, however often it is marked.

    Parameters
    ----------
    log
        Marks on the patches of `plane`.
    plane
        The working plane.
    """
    return tuple(
        _region(mark, mark.excluded, plane) for mark in log.marks() if mark.excluded is not None
    )


def _region(mark: Mark, reason: Reason, plane: Plane) -> Region:
    lattice = plane.lattice
    place = (lattice.height_px, lattice.width_px, *astuple(mark.block))
    return Region(
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, " ".join(map(str, place)))),
        kind=RegionKind.EXCLUSION,
        name="",
        reason=reason,
        geometry=plane.block_outline(mark.block),
        origin=Origin.PERSON,
        author=mark.author,
        time=mark.time,
        comment=mark.comment,
    )


def _fields(mark: Mark, lattice: Lattice) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "plane_px": (lattice.height_px, lattice.width_px),
        "block": astuple(mark.block),
        "reviewed": mark.reviewed,
        "comment": mark.comment,
        "excluded": mark.excluded,
        "author": mark.author,
        "time": mark.time,
    }


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
