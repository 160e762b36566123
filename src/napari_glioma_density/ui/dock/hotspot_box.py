"""The densest cells, ranked; a click or a key flies to one."""

from dataclasses import replace
from pathlib import Path

from magicgui.widgets import CheckBox
from napari.utils.notifications import show_info
from qtpy.QtWidgets import (
    QFileDialog,
    QPushButton,
)

from napari_glioma_density.density import Cell
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, list_of_rows, right_aligned, row, text
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.tables import save_tables

COLUMNS = ("", "Cell", "% of tissue", "Nuclei/mm²", "Tissue mm²")
SAVED = "patches.csv, grid.csv, heatmap.png and summary.json"
HEIGHT_PX = 140
"""Five rows and the head, so that a window 1000 px high shows the buttons below, too."""
PROVISIONAL = "provisional: the ranking may change until all is read"


class HotspotBox(Box):
    """A table that is not re-ordered while the pointer is over it."""

    def __init__(self, session: Session) -> None:
        super().__init__("Hotspots")
        self._session = session
        self._shown: tuple[Cell, ...] = ()
        self._note = text(quiet=True)
        self._table = list_of_rows(COLUMNS, HEIGHT_PX)
        following = QPushButton("Next hotspot (N)")
        self._by_corrected = CheckBox(text="Rank by corrected values", value=False)
        self._by_corrected.native.setToolTip(
            "Otherwise by the model's: a cell does not rise merely because it was looked at"
        )
        for part in (self._note, self._table, self._by_corrected.native):
            self.body.addWidget(part)
        self._save = QPushButton("Save tables …")
        self._save.setToolTip(f"{SAVED}, into a folder of your choice")
        self.body.addLayout(row([following, self._save], stretch=0))
        self.connections = Connections()
        self.connections.add(following.clicked, self._next)
        self.connections.add(self._save.clicked, self._ask_folder)
        self.connections.add(self._by_corrected.changed, self._rank)
        self.connections.add(self._table.cellClicked, self._fly)
        self.connections.add(session.measured, self._show)
        self._show()

    def _next(self) -> None:
        self._session.cells.next_hotspot()

    def _rank(self, by_corrected: bool) -> None:
        self._session.choose(replace(self._session.choices, rank_corrected=by_corrected))

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save tables into …")
        if folder:
            self.save(Path(folder))

    def save(self, folder: Path) -> None:
        """Write the tables of what is shown into `folder`, in the background."""
        shown, snapshot = self._session.shown, self._session.snapshot
        cell_mm = self._session.choices.cell_mm
        if shown is None or snapshot is None:
            return

        def write() -> Path:
            self._session.bring_to_disk()
            return save_tables(folder, shown, snapshot, cell_mm)

        self._session.background.submit(write, _tell)

    def _fly(self, rank: int, _column: int) -> None:
        if rank < len(self._shown):
            self._session.cells.go_to(self._shown[rank].address)

    def _show(self) -> None:
        snapshot = self._session.snapshot
        self._save.setEnabled(snapshot is not None)
        self._by_corrected.native.setVisible(bool(snapshot and snapshot.corrected.any()))
        hotspots = snapshot.hotspots if snapshot else ()
        self._note.setText(PROVISIONAL if snapshot and not snapshot.totals.complete else "")
        self._note.setVisible(bool(self._note.text()))
        if hotspots == self._shown or (self._table.underMouse() and hotspots and self._shown):
            return
        self._shown = hotspots
        self._table.setRowCount(len(hotspots))
        for rank, cell in enumerate(hotspots):
            corrected = snapshot is not None and snapshot.is_corrected(cell.row, cell.column)
            for column, content in enumerate(_columns(rank, cell, corrected)):
                self._table.setItem(rank, column, right_aligned(content))


def _tell(folder: Path) -> None:
    show_info(f"Saved {SAVED} in {folder}")


def _columns(rank: int, cell: Cell, corrected: bool) -> tuple[str, ...]:
    return (
        str(rank + 1),
        f"{words.CORRECTED} {cell.address}" if corrected else cell.address,
        words.percent(cell.tissue_density_percent),
        words.number(cell.nuclei_per_mm2),
        f"{cell.tissue_mm2:.2f}",
    )
