"""The regions of the slide: what they measure, and what may be changed of them."""

import shapely
from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QCheckBox, QHeaderView, QLineEdit, QPushButton, QTableWidgetItem

from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.ui import words
from napari_glioma_density.ui.camera import View, fly_to
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, list_of_rows, right_aligned, row, text
from napari_glioma_density.ui.regions.actions import RegionActions
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.drawing import RegionDrawing
from napari_glioma_density.ui.regions.figures import RegionFigures
from napari_glioma_density.ui.regions.purpose import KIND_NAMES, ORIGINS, region_title
from napari_glioma_density.ui.regions.words import extent, left_out

COLUMNS = ("Region", "Size", "% of tissue", "Nuclei/mm²", "By")
WIDTHS_PX = {1: 64, 2: 82, 3: 86, 4: 54}
"""Of the columns of figures: fitted to their contents, hundreds of rows would take seconds."""
HEIGHT_PX = 200
LEAST_VIEW_UM = 200.0
NONE_YET = "No regions yet."
LIGHT = {
    RegionKind.EXCLUSION: "#C5CBD3",
    RegionKind.REFERENCE: "#7FA3FF",
    RegionKind.AREA: "#4FD0D8",
    RegionKind.LINE: "#C79BFF",
    RegionKind.BORDER: "#C79BFF",
}
"""The colours of kinds on the dock's dark ground."""


class ListBox(Box):
    """A click on a row flies there; what is below the table is of the chosen region."""

    def __init__(
        self,
        desk: RegionDesk,
        figures: RegionFigures,
        actions: RegionActions,
        drawing: RegionDrawing,
    ) -> None:
        super().__init__("Regions of this slide")
        self._desk, self._figures = desk, figures
        self._actions, self._drawing = actions, drawing
        self._make_parts()
        self._lay_out()
        self.connections = Connections()
        self._connect()
        self._show()

    def _make_parts(self) -> None:
        self._summary = text(NONE_YET, quiet=True)
        self._table = list_of_rows(COLUMNS, HEIGHT_PX, narrow=())
        for column, width in WIDTHS_PX.items():
            header = self._table.horizontalHeader()
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)
        self._name = QLineEdit()
        self._name.setPlaceholderText("Name, then Enter")
        self._name.setAccessibleName("Name of the chosen region")
        self._out = QCheckBox("Left out")
        self._out.setToolTip("In no number, neither of cells nor of the slide")
        self._reason = ComboBox(choices=[(each.capitalize(), each) for each in Reason])
        self._reason.native.setAccessibleName("Why the chosen region is left out")
        self._edit = QPushButton("Edit outline")
        self._edit.setCheckable(True)
        self._delete = QPushButton("Delete")
        self._undo = QPushButton("Undo")
        self._undo.setToolTip("Take the last change of a region back (Ctrl+Z)")
        self._reload = QPushButton("Reload")
        self._reload.setToolTip("Show what other windows have drawn since")

    def _lay_out(self) -> None:
        self.body.addWidget(self._summary)
        self.body.addWidget(self._table)
        self.body.addLayout(row([self._name, self._out, self._reason.native], stretch=0))
        self.body.addLayout(row([self._edit, self._delete, self._undo, self._reload], stretch=0))

    def _connect(self) -> None:
        add = self.connections.add
        add(self._table.cellClicked, self._fly)
        add(self._name.editingFinished, self._rename)
        add(self._name.returnPressed, self._name.clearFocus)
        add(self._out.clicked, self._leave_out)
        add(self._reason.changed, self._change_reason)
        add(self._edit.clicked, self._edit_outline)
        add(self._delete.clicked, self._delete_chosen)
        add(self._undo.clicked, self._actions.undo)
        add(self._reload.clicked, self._desk.reload)
        add(self._desk.changed, self._show)
        add(self._desk.chosen_changed, self._show_chosen)
        add(self._figures.changed, self._show)
        add(self._drawing.changed, self._show_chosen)

    def _fly(self, place: int, _column: int = 0) -> None:
        if place < len(self._desk.regions):
            region = self._desk.regions[place]
            self._desk.choose(region)
            fly_to(self._desk.session.viewer, region_view(region, self._desk.um_per_px))

    def _rename(self) -> None:
        if self._desk.chosen is not None:
            self._actions.rename(self._desk.chosen, self._name.text().strip())

    def _leave_out(self, out: bool) -> None:
        if self._desk.chosen is not None:
            reason = Reason(self._reason.value) if out else None
            self._actions.leave_out(self._desk.chosen, reason)

    def _change_reason(self, reason: str) -> None:
        chosen = self._desk.chosen
        if chosen is not None and chosen.kind is RegionKind.EXCLUSION:
            self._actions.leave_out(chosen, Reason(reason))

    def _edit_outline(self, edit: bool) -> None:
        self._actions.edit(self._desk.chosen if edit else None)

    def _delete_chosen(self) -> None:
        if self._desk.chosen is not None:
            self._actions.delete(self._desk.chosen)

    def _show(self) -> None:
        regions = self._desk.regions
        self._summary.setText(self._said(regions))
        self._table.setVisible(bool(regions))
        self._table.setRowCount(len(regions))
        for place, region in enumerate(regions):
            for column, item in enumerate(self._items(region)):
                self._table.setItem(place, column, item)
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self._desk.chosen
        self._undo.setEnabled(self._desk.can_undo)
        for part in (self._name, self._edit, self._delete):
            part.setEnabled(chosen is not None)
        area = chosen is not None and not chosen.kind.is_line
        self._out.setEnabled(area)
        out = chosen is not None and chosen.kind is RegionKind.EXCLUSION
        self._out.setChecked(out)
        self._reason.native.setEnabled(area)
        if not self._name.hasFocus():
            self._name.setText(chosen.name if chosen else "")
        if chosen is not None and chosen.reason is not None:
            with self._reason.changed.blocked():
                self._reason.value = chosen.reason
        self._edit.setChecked(self._drawing.region is not None)
        ids = [region.id for region in self._desk.regions]
        if chosen is not None and chosen.id in ids:
            self._table.selectRow(ids.index(chosen.id))
        else:
            self._table.clearSelection()

    def _said(self, regions: tuple[Region, ...]) -> str:
        latest = self._figures.latest
        if not regions and not (latest and latest.findings.excluded_mm2):
            return NONE_YET
        said = left_out(latest.findings.excluded_mm2) if latest else "not measured yet"
        return said[0].upper() + said[1:] + "."

    def _items(self, region: Region) -> tuple[QTableWidgetItem, ...]:
        latest = self._figures.latest
        sums = latest.sums.get(region.id) if latest else None
        name = QTableWidgetItem(f"■ {region_title(region)}")
        name.setForeground(QColor(LIGHT[region.kind]))
        name.setToolTip(": ".join(filter(None, (KIND_NAMES[region.kind], region.comment))))
        name.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return (
            name,
            right_aligned(extent(region, self._desk.um_per_px)),
            right_aligned(words.percent(sums.tissue_density_percent if sums else None)),
            right_aligned(words.number(sums.nuclei_per_mm2 if sums else None)),
            right_aligned(ORIGINS[region.origin]),
        )


def region_view(region: Region, um_per_px: float) -> View:
    """Return the extent of a region in the world; small ones with something around them."""
    left, top, right, bottom = (side * um_per_px for side in shapely.bounds(region.geometry))
    height, width = max(bottom - top, LEAST_VIEW_UM), max(right - left, LEAST_VIEW_UM)
    return View((top + bottom - height) / 2, (left + right - width) / 2, height, width)
