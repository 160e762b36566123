"""The list of data sets a model learns from and is checked on."""

from functools import partial
from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_glioma_density.ui.annotation.fine_tune_task import Use, UsedSet
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.dock.manners import teach_manners
from napari_glioma_density.ui.dock.parts import row
from napari_glioma_density.ui.words import number

COLUMNS = ("Data set", "Fields", "Use")
ROW_PX, ROWS_SHOWN = 30, 4
THIS_SLIDE = "This slide, finished"


class DataSetList(QWidget):  # type: ignore[misc]
    """Data sets with what they are for; the current slide's finished fields come first."""

    changed = Signal()

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._sets: list[UsedSet] = []
        self._own: UsedSet | None = None
        self._table = _table()
        self._add = QPushButton("Add data set …")
        self._add.setToolTip("A folder with images, labels and manifest.json")
        self._drop = QPushButton("Take off the list")
        self._add.clicked.connect(self._ask_folder)
        self._drop.clicked.connect(self._take_off)
        self._table.itemSelectionChanged.connect(self._show_choice)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self._table)
        layout.addLayout(row([self._add, self._drop]))
        self._show()

    def sets(self) -> tuple[UsedSet, ...]:
        """Return the sets that hold fields."""
        return tuple(one for one in self._shown() if one.fields)

    def show_own(self, folder: Path | None, fields: int) -> None:
        """Show how many fields of the slide are finished; None without a slide."""
        use = Use.LEARN if self._own is None else self._own.use
        self._own = None if folder is None else UsedSet(folder, THIS_SLIDE, fields, use)
        self._show()

    def add(self, folder: Path, use: Use = Use.LEARN) -> None:
        """Put a data set on the list, once it was read; a bad one is told as a problem."""
        self._background.submit(partial(read_set, folder, use), self._take_in)

    def _take_in(self, found: UsedSet) -> None:
        if all(one.folder != found.folder for one in self._shown()):
            self._sets.append(found)
            self._show()

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Add data set")
        if folder:
            self.add(Path(folder))

    def _take_off(self) -> None:
        chosen = self._added_row()
        if chosen is not None:
            del self._sets[chosen]
            self._show()

    def _added_row(self) -> int | None:
        """Return the index in `_sets` of the row that is selected."""
        chosen = self._table.currentRow() - (self._own is not None)
        selected = bool(self._table.selectedItems())
        return chosen if selected and 0 <= chosen < len(self._sets) else None

    def _shown(self) -> list[UsedSet]:
        return ([] if self._own is None else [self._own]) + self._sets

    def _show(self) -> None:
        shown = self._shown()
        for index in range(self._table.rowCount()):  # deleted later, and on show until then
            self._table.cellWidget(index, 2).hide()
        self._table.setRowCount(len(shown))
        for index, one in enumerate(shown):
            for column, content in enumerate((one.name, number(one.fields))):
                self._table.setItem(index, column, _item(content, str(one.folder)))
            self._table.setCellWidget(index, 2, self._use_of(one))
        self._show_choice()
        self.changed.emit()

    def _show_choice(self) -> None:
        self._drop.setEnabled(self._added_row() is not None)

    def _use_of(self, one: UsedSet) -> QComboBox:
        uses = QComboBox()
        uses.setAccessibleName(f"What {one.name} is used for")
        for use in Use:
            uses.addItem(str(use))
            uses.setItemData(uses.count() - 1, use.meaning, Qt.ItemDataRole.ToolTipRole)
        uses.setCurrentText(str(one.use))
        uses.setToolTip("\n".join(f"{use}: {use.meaning}" for use in Use))
        uses.textActivated.connect(partial(self._set_use, one.folder))
        teach_manners(uses)
        return uses

    def _set_use(self, folder: Path, chosen: str) -> None:
        use = Use(chosen)
        if self._own is not None and self._own.folder == folder:
            self._own = _used_as(self._own, use)
        self._sets = [_used_as(one, use) if one.folder == folder else one for one in self._sets]
        self.changed.emit()


def read_set(folder: Path, use: Use) -> UsedSet:
    """Read what a data set is called and how many fields it has.

    Raises
    ------
    DataSetError
        When it is none.
    """
    from napari_glioma_density.training.dataset import open_data_set  # brings torch along

    found = open_data_set(folder)
    return UsedSet(folder, found.name, len(found), use)


def _used_as(one: UsedSet, use: Use) -> UsedSet:
    return UsedSet(one.folder, one.name, one.fields, use)


def _item(content: str, about: str) -> QTableWidgetItem:
    item = QTableWidgetItem(content)
    item.setToolTip(about)
    return item


def _table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setAccessibleName("Data sets")
    table.setHorizontalHeaderLabels(COLUMNS)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_PX)
    heading = table.horizontalHeader()
    heading.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    heading.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    heading.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setFixedHeight(ROW_PX * (ROWS_SHOWN + 1))
    return table
