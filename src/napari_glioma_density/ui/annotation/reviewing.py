"""The walk over cells and what is noted of them, tied to the slide on show."""

from functools import partial

from psygnal import Signal

from napari_glioma_density.annotation.review import Mark, ReviewLog
from napari_glioma_density.density import CellGrid, parse_address
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.annotation.review_box import Note, Walk
from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.hotspots import HIDDEN
from napari_glioma_density.ui.stored import ShownRun

Place = tuple[int, int]
NOT_ESTIMATED = "There are no cells yet: estimate the density first."


class Reviewing:
    """Keeps the review log of the slide; what is excluded leaves the session's numbers."""

    changed = Signal()
    """Another cell is chosen, or something else is noted."""
    unwritten = Signal(str, object)
    """What was noted of a cell is not on disk: its name, and the `Mark` that holds, or None."""

    def __init__(self, annotation: AnnotationSession) -> None:
        self._annotation = annotation
        self._session = annotation.session
        self._log: ReviewLog | None = None
        self._shown: ShownRun | None = None
        annotation.slide_changed.connect(self._open_log)
        self._session.imported.connect(self._open_log)
        self._session.cells.changed.connect(self._tell)
        self._session.measured.connect(self._tell)
        self._open_log()

    @property
    def cell(self) -> tuple[str, Mark | None] | None:
        """The chosen cell, and what was noted of it last."""
        snapshot, chosen = self._session.snapshot, self._session.cells.chosen
        if snapshot is None or chosen is None:
            return None
        mark = self._log.latest(snapshot.grid.block(*chosen)) if self._log else None
        return snapshot.grid.address(*chosen), mark

    def progress(self, walk: Walk) -> tuple[int, int]:
        """Return how many cells of a walk were reviewed, and how many there are."""
        snapshot = self._session.snapshot
        if snapshot is None or self._log is None:
            return 0, 0
        return self._log.progress(snapshot.grid.block(*place) for place in _places(snapshot, walk))

    def next(self, walk: Walk) -> None:
        """Fly to the next cell of a walk that was not reviewed; after the last, to the first.

        A second reader, who is not to know which are dense or reviewed, walks all cells alone.
        """
        snapshot = self._session.snapshot
        if self._session.blinded and walk is Walk.HOTSPOTS:
            self._session.problem.emit(HIDDEN)
            return
        places = _places(snapshot, walk) if snapshot else ()
        if snapshot is None or not places:
            self._session.problem.emit(NOT_ESTIMATED)
            return
        chosen = self._session.cells.chosen
        at = places.index(chosen) + 1 if chosen in places else 0
        in_turn = (*places[at:], *places[:at])
        new = (place for place in in_turn if not self._is_reviewed(snapshot.grid, place))
        self._session.cells.go_to(snapshot.grid.address(*next(new, in_turn[0])))

    def note(self, note: Note) -> None:
        """Keep what was noted of a cell; it is written elsewhere."""
        snapshot, log, author = self._session.snapshot, self._log, self._annotation.author
        if snapshot is None or log is None:
            return
        address = parse_address(note.address)
        block = snapshot.grid.block(address.row, address.column)
        self._session.background.write(
            lambda: log.mark(
                block,
                reviewed=note.reviewed,
                comment=note.comment,
                excluded=note.excluded,
                author=author,
            ),
            lambda _: self._count(log),
        )
        # What comes after is told of a failure, too.
        self._session.background.write(lambda: log.latest(block), partial(self._check, log, note))

    def _check(self, log: ReviewLog, note: Note, mark: Mark | None) -> None:
        """Tell what is not on disk, unless another slide is on show, whose cells have its names."""
        written = mark and (mark.reviewed, mark.comment, mark.excluded)
        if log is self._log and written != (note.reviewed, note.comment, note.excluded):
            self.unwritten.emit(note.address, mark)

    def _open_log(self) -> None:
        shown = self._shown = self._session.shown
        self._log = None
        if shown is not None:
            self._session.background.submit(
                lambda: ReviewLog.open(shown.store, shown.lattice), partial(self._take, shown)
            )
        self.changed.emit()

    def _take(self, shown: ShownRun, log: ReviewLog) -> None:
        if shown is self._shown:
            self._log = log
            self._count(log)

    def _count(self, log: ReviewLog) -> None:
        """Leave out what is excluded from now on."""
        if log is self._log:
            self._session.exclusions.refresh()
            self.changed.emit()

    def _is_reviewed(self, grid: CellGrid, place: Place) -> bool:
        log = None if self._session.blinded else self._log
        mark = log.latest(grid.block(*place)) if log else None
        return mark is not None and mark.reviewed

    def _tell(self) -> None:
        self.changed.emit()


def _places(snapshot: Snapshot, walk: Walk) -> tuple[Place, ...]:
    """Rows and columns of the cells of a walk, in its order."""
    cells = snapshot.hotspots if walk is Walk.HOTSPOTS else snapshot.model_cells
    return tuple((cell.row, cell.column) for cell in cells)
