"""Tables of figures that are read, not edited."""

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_glioma_density.ui.dock.letters import USUAL_ROW_PX, fit_rows
from napari_glioma_density.ui.dock.parts import text

MOST_ROWS = 20
DIALOG_PX = 720


@dataclass(frozen=True)
class Figures:
    """A table as it is shown: a first column of words, then figures; `note` stands below."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


class FigureTable(QTableWidget):  # type: ignore[misc]
    """As high as its rows, so that nothing of a short table is hidden; a long one scrolls."""

    def __init__(self, figures: Figures) -> None:
        super().__init__(len(figures.rows), len(figures.columns))
        self.setHorizontalHeaderLabels(figures.columns)
        for column in range(len(figures.columns)):
            self.horizontalHeaderItem(column).setTextAlignment(_side(column))
        for index, cells in enumerate(figures.rows):
            self._fill(index, cells)
        self.verticalHeader().hide()
        heading = self.horizontalHeader()
        heading.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ContiguousSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setStyleSheet("QTableView::item { padding-left: 5px; }")
        rows = len(figures.rows)
        if rows <= MOST_ROWS:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        shown_px = USUAL_ROW_PX * min(rows, MOST_ROWS)
        fit_rows(self, heading.sizeHint().height() + shown_px + 4)

    def needed_width(self) -> int:
        """Return the width, px, at which no column is cut off, in the letters of its window."""
        heading = self.horizontalHeader()
        for widget in (self, heading):
            widget.ensurePolished()
        columns = (
            max(self.sizeHintForColumn(column), heading.sectionSizeHint(column))
            for column in range(self.columnCount())
        )
        return int(sum(columns) + 2 * self.frameWidth())

    def _fill(self, row: int, cells: Sequence[str]) -> None:
        """Fill a row; one that holds a word alone is the heading of those below."""
        for column, content in enumerate(cells):
            item = QTableWidgetItem(content)
            item.setTextAlignment(_side(column))
            self.setItem(row, column, item)
        if len(cells) == 1:
            self.setSpan(row, 0, 1, self.columnCount())
            heading = self.item(row, 0)
            font = heading.font()
            font.setBold(True)
            heading.setFont(font)


def _side(column: int) -> Qt.AlignmentFlag:
    across = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return across | Qt.AlignmentFlag.AlignVCenter


def figures_dialog(title: str, figures: Figures, parent: QWidget) -> QDialog:
    """Return a window of its own that shows a table; it lives as long as its parent."""
    dialog = QDialog(parent)
    dialog.setWindowTitle(title)
    layout = QVBoxLayout(dialog)
    layout.setSpacing(10)
    table = FigureTable(figures)
    table.setAccessibleName(title)
    layout.addWidget(table)
    margins = layout.contentsMargins()
    needed = table.needed_width() + margins.left() + margins.right()
    dialog.setMinimumWidth(max(DIALOG_PX, needed))
    if figures.note:
        layout.addWidget(text(figures.note, quiet=True))
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.close)
    layout.addStretch()
    layout.addWidget(buttons)
    return dialog
