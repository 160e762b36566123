"""Tables that a click on a column's head sorts, of however many rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QEvent, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_glioma_density.ui.dock.letters import fit_rows, widened

LEAST_PX = 36
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RISING, FALLING = " \u2191", " \u2193"
DISPLAY = Qt.ItemDataRole.DisplayRole

Value = float | str | None
"""What rows are sorted by; those without a value come last, whichever way."""


@dataclass(frozen=True)
class Column:
    """A column of a table: functions of a row, and its width.

    Attributes
    ----------
    title
        Its head.
    text
        What a row shows.
    value
        What rows are sorted by; None for the column that brings back the order rows came in.
    colour
        Of a square before the text; empty for none. Text has the theme's colour, which is
        legible on its ground.
    tip
        Shown while the pointer rests there; empty for none.
    width_px
        With letters of the usual size; None for a share of the room that is left.
    is_left
        Its text begins on the left, as words do; figures end on the right.
    """

    title: str
    text: Callable[[Any], str]
    value: Callable[[Any], Value] | None
    colour: Callable[[Any], str] = lambda _: ""
    tip: Callable[[Any], str] = lambda _: ""
    width_px: int | None = None
    is_left: bool = False


class SortedTable(QTableView):  # type: ignore[misc]
    """Shows rows as they come until a column's head is clicked; the first one restores that.

    Figures are sorted from the largest, words from A; a second click turns it round. Rows shown
    later are sorted in the same way.
    """

    row_clicked = Signal(int)
    """The place of a row among those that were given."""
    pointer_left = Signal()
    """The pointer is over the table no more."""

    def __init__(self, name: str, columns: Sequence[Column], height_px: int | None = None) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._columns = tuple(columns)
        self._model = _Rows(self._columns)
        self.setModel(self._model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self._lay_out_columns()
        fit_rows(self, height_px)
        self.clicked.connect(self._click)

    def _lay_out_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(20)
        for place, column in enumerate(self._columns):
            stretches = column.width_px is None
            mode = QHeaderView.ResizeMode.Stretch if stretches else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(place, mode)
        self._widen_columns()
        header.sectionClicked.connect(self.sort_by)

    def _widen_columns(self) -> None:
        for place, column in enumerate(self._columns):
            width_px = column.width_px or LEAST_PX
            # Where there is no room left to share, Qt leaves a column as wide as it is.
            self.horizontalHeader().resizeSection(place, widened(width_px, self))

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        """Give larger letters wider columns."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._widen_columns()

    def show_rows(self, rows: Sequence[object]) -> None:
        """Show rows in place of those before; the chosen one is chosen no more."""
        scrolled = self.verticalScrollBar().value()
        self._model.show_rows(rows)
        self.verticalScrollBar().setValue(scrolled)

    def sort_by(self, place: int) -> None:
        """Sort by a column, or turn the order round when it is sorted by it already."""
        chosen = self.chosen
        self._model.sort_by(place)
        self.choose(chosen)

    @property
    def chosen(self) -> int | None:
        """Place of the chosen row among those that were given."""
        rows = self.selectionModel().selectedRows()
        return self._model.order[rows[0].row()] if rows else None

    def choose(self, place: int | None, *, show: bool = True) -> None:
        """Choose a row by its place among those that were given; `show` brings it into view."""
        if place is None:
            self.clearSelection()
        elif place != self.chosen:
            row = self._model.order.index(place)
            self.selectRow(row)
            if show:
                self.scrollTo(self._model.index(row, 0))

    def texts(self) -> list[tuple[str, ...]]:
        """Return what is shown, row by row, as sorted."""
        model = self._model
        return [
            tuple(str(model.data(model.index(row, column))) for column in range(len(self._columns)))
            for row in range(model.rowCount())
        ]

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        """Tell that the pointer leaves."""
        super().leaveEvent(event)
        self.pointer_left.emit()

    def _click(self, index: QModelIndex) -> None:
        self.row_clicked.emit(self._model.order[index.row()])


class _Rows(QAbstractTableModel):  # type: ignore[misc]
    """Rows in some order; text is made only for those in view."""

    def __init__(self, columns: tuple[Column, ...]) -> None:
        super().__init__()
        self._columns = columns
        self._rows: tuple[Any, ...] = ()
        self.order: list[int] = []
        self.by = 0
        self.falls = False

    def show_rows(self, rows: Sequence[object]) -> None:
        self.beginResetModel()
        self._rows = tuple(rows)
        self._sort()
        self.endResetModel()

    def sort_by(self, place: int) -> None:
        if place == self.by:
            self.falls = not self.falls
        else:
            value = self._columns[place].value
            known = (value(row) for row in self._rows) if value else iter(())
            first = next((each for each in known if each is not None), None)
            self.by, self.falls = place, isinstance(first, int | float)
        self.beginResetModel()
        self._sort()
        self.endResetModel()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(self._columns) - 1)

    def _sort(self) -> None:
        places = range(len(self._rows))
        value = self._columns[self.by].value
        if value is None:
            self.order = list(reversed(places) if self.falls else places)
            return
        values: list[Any] = [value(row) for row in self._rows]
        known = [place for place in places if values[place] is not None]
        known.sort(key=values.__getitem__, reverse=self.falls)
        self.order = known + [place for place in places if values[place] is None]

    def rowCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802
        return len(self._rows)

    def columnCount(self, _parent: QModelIndex | None = None) -> int:  # noqa: N802
        return len(self._columns)

    def data(self, index: QModelIndex, role: int = DISPLAY) -> object:
        column, row = self._columns[index.column()], self._rows[self.order[index.row()]]
        if role == DISPLAY:
            return column.text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LEFT if column.is_left else RIGHT
        if role == Qt.ItemDataRole.DecorationRole and (colour := column.colour(row)):
            return QColor(colour)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip(row) or None
        return None

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = DISPLAY
    ) -> object:
        if role == DISPLAY and orientation == Qt.Orientation.Horizontal:
            return self._columns[section].title + self._mark(section)
        return None

    def _mark(self, section: int) -> str:
        """Qt draws its own mark over the words of a narrow head."""
        if section != self.by or (self._columns[section].value is None and not self.falls):
            return ""
        return FALLING if self.falls else RISING
