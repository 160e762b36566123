"""The densest cells, ranked; a click or a key flies to one."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from magicgui.widgets import CheckBox, ComboBox
from napari.utils.notifications import show_info
from qtpy.QtGui import QCursor
from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton

from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.field_hotspots import FIELD_AREAS_MM2
from napari_glioma_density.findings.sections import Section
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.ui import words
from napari_glioma_density.ui.camera import fly_to
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.dock.sorted_table import Column, SortedTable
from napari_glioma_density.ui.hotspot import Hotspot
from napari_glioma_density.ui.hotspots import CHOOSE_FIRST, NOWHERE
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.tables import save_tables

SAVED = "patches.csv, grid.csv, heatmap.png and summary.json"
AS_SHOWN = "section, cells and ranking as on the screen, bands those of the paper"
HEIGHT_PX = 140
"""Five rows and the head, so that a window 1000 px high shows the buttons below, too."""
PROVISIONAL = "provisional: the ranking may change until all is read"
CIRCLES_LATER = "circles are placed once all is read"
SEARCHING = "placing circles …"
CELLS = 0.0
"""Stands for cells of the grid among areas of circles."""


class Ranked(NamedTuple):
    """A hotspot and its rank, from 1."""

    rank: int
    spot: Hotspot

    @property
    def name(self) -> str:
        """What it is called, marked when a person corrected some of it."""
        return f"{words.CORRECTED} {self.spot.name}" if self.spot.corrected else self.spot.name

    @property
    def order(self) -> str:
        """Sorts cells row by row, and circles by rank."""
        cell = self.spot.cell
        return f"{self.rank:06}" if cell is None else "{:06}{:06}".format(*cell)

    @property
    def percent(self) -> float | None:
        """Its density of tissue."""
        return self.spot.tissue_density_percent


COLUMNS = (
    Column("", lambda each: str(each.rank), None, width_px=30),
    Column("Place", lambda each: each.name, lambda each: each.order, width_px=64),
    Column("% of tissue", lambda each: words.percent(each.percent), lambda each: each.percent),
    Column(
        "Nuclei/mm²",
        lambda each: words.number(each.spot.nuclei_per_mm2),
        lambda each: each.spot.nuclei_per_mm2,
    ),
    Column(
        "Tissue mm²",
        lambda each: square_mm(each.spot.tissue_mm2),
        lambda each: each.spot.tissue_mm2,
    ),
)


class HotspotBox(Box):
    """A table that is not re-ordered while the pointer is over it, but as soon as it leaves."""

    def __init__(self, session: Session) -> None:
        super().__init__("Hotspots")
        self._session = session
        self._spots = session.hotspots
        self._shown: tuple[Hotspot, ...] = ()
        kinds = [("Cells of the grid", CELLS)]
        kinds += [(f"Circles of {area:g} mm²", area) for area in FIELD_AREAS_MM2]
        self._kind = ComboBox(choices=kinds, value=self._spots.area_mm2 or CELLS)
        self._kind.native.setAccessibleName("What is ranked")
        self._note = text(quiet=True)
        self._table = SortedTable("Hotspots", COLUMNS, HEIGHT_PX)
        following = QPushButton("Next hotspot (N)")
        self._by_corrected = CheckBox(
            text="Rank by corrected values", value=session.choices.rank_corrected
        )
        self._by_corrected.native.setToolTip(
            "Otherwise by the model's: a cell does not rise merely because it was looked at"
        )
        self._leave_out = QPushButton("Leave out …")
        self._leave_out.setToolTip(
            "Leave the marked hotspot out of all numbers, for a reason (Shift-X)"
        )
        self._take_back = QPushButton("Take back")
        for part in (self._kind.native, self._note, self._table, self._by_corrected.native):
            self.body.addWidget(part)
        self._save = QPushButton("Save tables …")
        self._save.setToolTip(f"{SAVED}, into a folder of your choice; {AS_SHOWN}")
        self.body.addLayout(row([following, self._leave_out, self._take_back], stretch=0))
        self.body.addWidget(self._save)
        self.connections = Connections()
        self.connections.add(self._kind.changed, self._rank_places)
        self.connections.add(following.clicked, self._next)
        self._following = following
        self.connections.add(self._leave_out.clicked, self.ask_reason)
        self.connections.add(self._take_back.clicked, self._include)
        self.connections.add(self._save.clicked, self._ask_folder)
        self.connections.add(self._by_corrected.changed, self._rank)
        self.connections.add(self._table.row_clicked, self._fly)
        self.connections.add(self._table.pointer_left, self._show)
        self.connections.add(session.measured, self._show)
        self.connections.add(self._spots.changed, self._show)
        self.connections.add(session.cells.changed, self._show)
        self._show()

    def ask_reason(self) -> None:
        """Ask why the hotspot that is marked does not count, and leave it out."""
        spot = self._spots.marked
        if spot is None:
            self._session.problem.emit(CHOOSE_FIRST)
            return
        menu = QMenu(self)
        menu.addAction(f"Leave hotspot {spot.name} out as").setEnabled(False)
        for reason in Reason:
            menu.addAction(str(reason).capitalize(), partial(self._spots.leave_out, reason))
        menu.popup(QCursor.pos())

    def _include(self) -> None:
        self._spots.take_back()

    def _rank_places(self, area_mm2: float) -> None:
        self._spots.choose_kind(area_mm2 or None)

    def _next(self) -> None:
        self._spots.next()

    def _rank(self, by_corrected: bool) -> None:
        self._session.choose(replace(self._session.choices, rank_corrected=by_corrected))

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Save tables into …")
        if folder:
            self.save(Path(folder))

    def save(self, folder: Path) -> None:
        """Write the tables of what is shown into `folder`, in the background."""
        shown, snapshot = self._session.shown, self._session.snapshot
        choices = self._session.choices
        specimen = self._session.slides.specimen.stored
        if shown is None or snapshot is None:
            return

        def write() -> Path:
            self._session.bring_to_disk()
            return save_tables(folder, shown, snapshot, choices, specimen)

        self._session.background.submit(write, partial(_tell, choices.section))

    def _fly(self, row: int) -> None:
        """Fly to what the row says: the table may be of an earlier ranking."""
        spot = self._shown[row]
        now = [each.outline for each in self._spots.spots]
        if spot.outline in now:
            self._spots.fly(now.index(spot.outline))
        else:
            fly_to(self._session.viewer, spot.view)
            self._session.cells.choose_at(*spot.view.centre)

    def _show(self) -> None:
        snapshot, spots = self._session.snapshot, self._spots.spots
        self._save.setEnabled(snapshot is not None)
        self._leave_out.setEnabled(self._spots.marked is not None)
        left_out = self._spots.left_out
        self._take_back.setVisible(left_out is not None)
        if left_out is not None:
            self._take_back.setToolTip(f"Hotspot {left_out.name}, left out last, counts again")
        self._following.setEnabled(bool(spots))
        self._by_corrected.native.setVisible(bool(snapshot and snapshot.corrected.any()))
        self._note.setText(self._said(snapshot))
        self._note.setVisible(bool(self._note.text()))
        held = self._table.underMouse() and spots and self._shown
        if spots != self._shown and not held:
            self._shown = spots
            self._table.show_rows([Ranked(*each) for each in enumerate(spots, start=1)])
        self._choose_marked()

    def _choose_marked(self) -> None:
        """Choose the row of the place that is seen as chosen on the slide."""
        marked = self._spots.marked
        outlines = [each.outline for each in self._shown]
        is_listed = marked is not None and marked.outline in outlines
        self._table.choose(outlines.index(marked.outline) if marked and is_listed else None)

    def _said(self, snapshot: Snapshot | None) -> str:
        if self._spots.searching:
            return SEARCHING
        if self._spots.fits_nowhere:
            return NOWHERE.format(self._spots.area_mm2)
        if snapshot is None or snapshot.totals.complete:
            return ""
        return PROVISIONAL if self._spots.area_mm2 is None else CIRCLES_LATER


def _tell(section: Section | None, folder: Path) -> None:
    of = "" if section is None else f" of section {section.name}"
    show_info(f"Saved {SAVED}{of} in {folder}")
