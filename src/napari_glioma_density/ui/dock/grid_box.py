"""The grid of named cells: its size, the way to a cell, and what was measured there."""

from dataclasses import replace
from math import ceil

import numpy as np
from magicgui.widgets import CheckBox, ComboBox
from qtpy.QtCore import Qt
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QLineEdit, QMainWindow, QPushButton

from napari_glioma_density.density import CELL_SIDES_MM, Cell
from napari_glioma_density.findings.comparison import ratio_to_reference
from napari_glioma_density.findings.sections import Section
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.findings.uncertainty import Uncertainty, cell_uncertainties
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.letters import Large
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.reference import reference_tissue, times_reference
from napari_glioma_density.ui.session import Session

AUTOMATIC = 0.0
"""Stands for "no size asked for" among the choices, which cannot hold None."""

WHOLE = "Whole slide"
UNSURE_BAND = ": its band may be another"
USUAL_LINES = 4
NO_CELL = "No cell chosen"
CLICK = "Click a cell on the slide to read its values."


class GridBox(Box):
    """Cell size, names, go-to and the values of the chosen cell."""

    def __init__(self, session: Session) -> None:
        super().__init__("Grid")
        self._session = session
        self._reference = reference_tissue(session)
        self._sections: dict[str, Section] = {}
        sides = [("Automatic", AUTOMATIC)]
        sides += [(words.length(side), float(side)) for side in CELL_SIDES_MM]
        self._section = ComboBox(choices=[WHOLE], value=WHOLE)
        self._section.native.setAccessibleName("Section of the slide")
        self._side = ComboBox(choices=sides, value=session.choices.cell_mm or AUTOMATIC)
        self._side.native.setAccessibleName("Cell side")
        self._names = CheckBox(text="Names", value=session.overlays.names_shown)
        self._size = text(quiet=True, wrap=False)
        self._address = QLineEdit()
        self._address.setPlaceholderText("B6")
        self._address.setAccessibleName("Name of the cell to go to")
        self._address.setMaximumWidth(70)
        go = QPushButton("Go to cell")
        self._cell, self._values = text(NO_CELL, large=Large.TITLE), text(CLICK, quiet=True)
        # What stands below must not move from under the pointer when a cell is chosen.
        self._lines = USUAL_LINES
        self._values.setMinimumHeight(self._lines * self._values.fontMetrics().lineSpacing())
        self._values.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self._section.native)
        self.body.addLayout(
            row([text("Cell side", wrap=False), self._side.native, self._names.native], stretch=1)
        )
        self.body.addLayout(row([self._address, go, self._size], stretch=2))
        self.body.addWidget(self._cell)
        self.body.addWidget(self._values)
        self.connections = Connections()
        self.connections.add(self._section.changed, self._look_at)
        self.connections.add(self._side.changed, self._choose)
        self.connections.add(self._names.changed, session.overlays.set_names_shown)
        self.connections.add(self._address.returnPressed, self._go)
        self.connections.add(go.clicked, self._go)
        self.connections.add(session.measured, self._show)
        self.connections.add(session.cells.changed, self._show)
        self.connections.add(self._reference.changed, self._show)
        self._show()

    def _look_at(self, title: str) -> None:
        section = self._sections.get(title)
        self._session.choose(replace(self._session.choices, section=section))

    def _offer_sections(self) -> None:
        """Name the sections of the slide on show, when it has several."""
        shown = self._session.shown
        found = shown.sections if shown else ()
        sections = {_title(section): section for section in found} if len(found) > 1 else {}
        if sections != self._sections:
            self._sections = sections
            section = self._session.choices.section
            looked_at = _title(section) if section else WHOLE
            with self._section.changed.blocked():
                self._section.choices = [WHOLE, *sections]
                self._section.value = looked_at if looked_at in sections else WHOLE
        self._section.native.setVisible(bool(sections))

    def _choose(self, side_mm: float) -> None:
        self._session.choose(replace(self._session.choices, cell_mm=side_mm or None))

    def _go(self) -> None:
        address = self._address.text().strip()
        if not address:
            return
        if self._session.cells.go_to(address):
            self._address.clear()
            self._give_keys_to_canvas()
        else:
            self._address.setFocus()
            self._address.selectAll()

    def _give_keys_to_canvas(self) -> None:
        """Let N mean the next hotspot again, not a letter in the box."""
        window = self.window()
        self._address.clearFocus()
        if isinstance(window, QMainWindow):
            canvas = window.centralWidget().findChild(QOpenGLWidget)
            if canvas is not None:
                canvas.setFocus()

    def _show(self) -> None:
        self._offer_sections()
        snapshot, chosen = self._session.snapshot, self._session.cells.chosen
        self._size.setVisible(snapshot is not None)
        if snapshot is not None:
            grid = snapshot.grid
            self._size.setText(f"{grid.columns} × {grid.rows} cells of {grid.cell_mm:.2g} mm")
        if snapshot is None or chosen is None:
            self._cell.setText(NO_CELL)
            self._values.setText(CLICK)
            return
        cell = snapshot.cell(*chosen)
        self._cell.setText(f"Cell {snapshot.grid.address(*chosen)}")
        if cell is None:
            self._say(_why_nothing(snapshot, chosen))
        else:
            model = snapshot.model_cell(*chosen) if snapshot.is_corrected(*chosen) else None
            unsure = self._unsure(cell, snapshot)
            band = UNSURE_BAND if unsure and unsure.crosses_limit(snapshot.scale) else ""
            values = words.cell_values(cell, model, unsure, band)
            self._say(values + self._against(cell))

    def _say(self, values: str) -> None:
        """Say what is known of a cell; the room for as many lines is kept from then on."""
        self._values.setText(values)
        line_px = self._values.fontMetrics().lineSpacing()
        needed_px = self._values.heightForWidth(self._values.width())
        if self._values.isVisible():  # laid out before, its width is none
            self._lines = max(self._lines, ceil(needed_px / line_px))
        self._values.setMinimumHeight(self._lines * line_px)

    def _against(self, cell: Cell) -> str:
        """Return one more line: the cell against reference tissue, when there is some."""
        reference = self._reference.current
        if reference is None:
            return ""
        (ratio,) = ratio_to_reference([cell], reference.sums)
        return "" if ratio is None else f"\n{times_reference(ratio, reference)}"

    def _unsure(self, cell: Cell, snapshot: Snapshot) -> Uncertainty | None:
        error = self._session.sureness.error
        if error is None:
            return None
        known = (snapshot.patches, snapshot.known, error, snapshot.scope, snapshot.corrected)
        return cell_uncertainties([cell], *known)[0]


def _why_nothing(snapshot: Snapshot, chosen: tuple[int, int]) -> str:
    patches = snapshot.grid.block(*chosen).patches
    states = snapshot.patches.state
    inside = np.zeros(states.shape, bool)
    inside[patches] = True
    return words.nothing_in_cell(states[patches], snapshot.exclusions.read_mm2(inside))


def _title(section: Section) -> str:
    return f"Section {section.name}, {words.area(section.tissue_mm2)} of tissue"
