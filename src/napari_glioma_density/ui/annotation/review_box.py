"""Review cell by cell, and the second reader."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from magicgui.widgets import ComboBox
from psygnal import Signal
from qtpy.QtWidgets import QCheckBox, QDialog, QLineEdit, QMenu, QPushButton

from napari_glioma_density.annotation.review import Mark
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.ui.annotation.table import Figures, figures_dialog
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.words import number

NO_CELL = "Next cell begins the walk."
BLINDED = "Second reader (blinded)"
AGREE_MEANS = "Both readers compared on the fields both have finished"
NOT_WHILE_SECOND = "It would tell what the first reader found: untick Second reader"
BLINDED_MEANS = (
    "The second reader sees neither the fields of the first nor, in the first of every five, "
    "the outlines of the model."
)


class Walk(StrEnum):
    """Which cells are walked, densest first or row by row."""

    HOTSPOTS = "Hotspots"
    CELLS = "All cells"


@dataclass(frozen=True)
class Note:
    """What is noted of a cell, as a whole: it takes the place of what was noted before.

    Attributes
    ----------
    address
        The cell, such as B6.
    reviewed
        Whether somebody has looked at it.
    comment, excluded
        What was said of it, and why it does not count; empty and None for nothing.
    """

    address: str
    reviewed: bool = False
    comment: str = ""
    excluded: Reason | None = None


class ReviewBox(Box):
    """Walks cells and takes down what is said of them.

    Parameters
    ----------
    background
        Where `agreement` runs; what it raises as `BadInput` becomes a problem line.
    agreement
        Compares both readers.
    next_key
        Shown on the button that goes to the next cell.
    """

    next_asked = Signal(Walk)
    noted = Signal(Note)
    walk_chosen = Signal()
    second_reader = Signal(bool)
    """Whether a second reader works now, blinded."""

    def __init__(
        self, background: Background, agreement: Callable[[], Figures], next_key: str = ""
    ) -> None:
        super().__init__("Review")
        self._background, self._agreement = background, agreement
        self._note: Note | None = None
        self.dialog: QDialog | None = None
        self._make_parts(next_key)
        self._lay_out()
        self.connections = Connections()
        self._connect()
        self.show_cell(None)
        self.show_count(0, 0)

    def _make_parts(self, next_key: str) -> None:
        self._walk = ComboBox(choices=[(str(walk), walk) for walk in Walk])
        self._walk.native.setAccessibleName("Cells to walk")
        self._next = QPushButton("Next cell" + (f" ({next_key})" if next_key else ""))
        self._cell, self._count = text(wrap=False), text(quiet=True, wrap=False)
        self._state = text(quiet=True)
        self._comment = QLineEdit()
        self._comment.setPlaceholderText("Comment on this cell, then Enter")
        self._comment.setAccessibleName("Comment on this cell")
        self._mark, self._exclude = QPushButton(), QPushButton("Exclude …")
        self._reasons = QMenu(self._exclude)
        self._exclude.setMenu(self._reasons)
        self._include = QPushButton("Include again")
        self._blinded = QCheckBox(BLINDED)
        self._blinded.setToolTip(BLINDED_MEANS)
        self._agree = QPushButton("Agreement …")
        self._agree.setToolTip(AGREE_MEANS)

    def _lay_out(self) -> None:
        self.body.addLayout(row([self._walk.native, self._next, self._count], stretch=1))
        self.body.addLayout(row([self._cell, self._state], stretch=1))
        self.body.addWidget(self._comment)
        self.body.addLayout(row([self._mark, self._exclude, self._include]))
        self.body.addLayout(row([self._blinded, self._agree], stretch=0))

    def _connect(self) -> None:
        self.connections.add(self._next.clicked, self.go_on)
        self.connections.add(self._walk.changed, self._choose_walk)
        self.connections.add(self._mark.clicked, self._toggle_reviewed)
        for reason in Reason:  # what is connected holds the box, and with it dock and slide
            chosen = self._reasons.addAction(reason.capitalize()).triggered
            self.connections.add(chosen, partial(self._exclude_for, reason))
        self.connections.add(self._include.clicked, partial(self._exclude_for, None))
        self.connections.add(self._comment.editingFinished, self._take_comment)
        self.connections.add(self._comment.returnPressed, self._comment.clearFocus)
        self.connections.add(self._blinded.toggled, self._change_reader)
        self.connections.add(self._agree.clicked, self._compare)

    @property
    def walk(self) -> Walk:
        """Which cells are walked."""
        return Walk(self._walk.value)

    def go_on(self) -> None:
        """Ask for the next cell of the walk, as the button does."""
        self._take_comment()
        self.next_asked.emit(self.walk)

    def show_cell(self, address: str | None, mark: Mark | None = None) -> None:
        """Show what was noted last of a cell, if anything; no address for no cell."""
        self._take_comment()
        self._show(None if address is None else _note(address, mark), mark)

    def fall_back(self, mark: Mark | None) -> None:
        """Show what was noted last of the cell on show: what was noted since is not on disk.

        The comment stays in its line, to go along with the next note.
        """
        if self._note is not None:
            noted = _note(self._note.address, mark)
            self._show_state(replace(noted, comment=self._note.comment), mark)

    def _show(self, note: Note | None, mark: Mark | None = None) -> None:
        for part in (self._comment, self._mark, self._exclude):
            part.setEnabled(note is not None)
        self._cell.setText(f"Cell {note.address}" if note else NO_CELL)
        self._comment.setText(note.comment if note else "")
        self._show_state(note, mark)

    def _show_state(self, note: Note | None, mark: Mark | None) -> None:
        self._note = note
        shown = note or Note("")
        self._mark.setText("Mark unreviewed" if shown.reviewed else "Mark reviewed")
        self._exclude.setVisible(shown.excluded is None)
        self._include.setVisible(shown.excluded is not None)
        self._state.setText(" · ".join([*_said(shown, mark), *([signature(mark)] if mark else [])]))

    def show_count(self, reviewed: int, cells: int) -> None:
        """Say how much of the walk is done."""
        self._count.setText(f"reviewed {number(reviewed)} of {number(cells)}" if cells else "")

    def _toggle_reviewed(self) -> None:
        if self._note is not None:
            self._tell(reviewed=not self._note.reviewed)

    def _exclude_for(self, reason: Reason | None, _checked: bool = False) -> None:
        self._tell(excluded=reason)

    def _take_comment(self) -> None:
        if self._note is not None and self._comment.text().strip() != self._note.comment:
            self._tell()

    def _tell(self, **change: Any) -> None:
        """Note a change, along with the comment as it stands in the line."""
        if self._note is not None:
            self._show(replace(self._note, comment=self._comment.text().strip(), **change))
            self.noted.emit(self._note)

    def _change_reader(self, second: bool) -> None:
        self._agree.setEnabled(not second)
        self._agree.setToolTip(NOT_WHILE_SECOND if second else AGREE_MEANS)
        self.second_reader.emit(second)

    def _choose_walk(self, _walk: object) -> None:
        self.walk_chosen.emit()

    def _compare(self) -> None:
        self._background.submit(self._agreement, self._show_agreement)

    def _show_agreement(self, figures: Figures) -> None:
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
        self.dialog = figures_dialog("Agreement of both readers", figures, self)
        self.dialog.show()


def _note(address: str, mark: Mark | None) -> Note:
    if mark is None:
        return Note(address)
    return Note(address, mark.reviewed, mark.comment, mark.excluded)


def _said(note: Note, mark: Mark | None) -> list[str]:
    """What matters of a note; a comment alone leaves the cell to be reviewed."""
    excluded = [f"excluded: {note.excluded}"] if note.excluded else []
    said = [*excluded, *(["reviewed"] if note.reviewed else [])]
    if said or mark is None:
        return said
    return ["commented, not reviewed" if mark.comment else "not reviewed"]


def signature(mark: Mark) -> str:
    """Return who made a mark, and when by the clock here."""
    when = datetime.fromisoformat(mark.time).astimezone().strftime("%Y-%m-%d %H:%M")
    return ", ".join(filter(None, (mark.author, when)))
