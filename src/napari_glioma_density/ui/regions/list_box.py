"""The regions of the slide: what they measure, and what may be changed of them."""

from typing import NamedTuple

import shapely
from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QCheckBox, QLineEdit, QPushButton

from napari_glioma_density.regions.measuring import RegionSums
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.ui import words
from napari_glioma_density.ui.camera import View, fly_to
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.dock.sorted_table import Column, SortedTable
from napari_glioma_density.ui.regions.actions import RegionActions
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.drawing import RegionDrawing
from napari_glioma_density.ui.regions.figures import RegionFigures
from napari_glioma_density.ui.regions.purpose import KIND_NAMES, ORIGINS, region_title
from napari_glioma_density.ui.regions.words import extent, left_out, part_measured

HEIGHT_PX = 214
LEAST_VIEW_UM = 200.0
NONE_YET = "No regions yet."
SQUARES = {
    RegionKind.EXCLUSION: "#8A929C",
    RegionKind.REFERENCE: "#7FA3FF",
    RegionKind.AREA: "#4FD0D8",
    RegionKind.LINE: "#C79BFF",
    RegionKind.BORDER: "#C79BFF",
}
"""The colours of kinds, for dark grounds and light ones."""


class RegionRow(NamedTuple):
    """A region as the list shows it: its place from 1, and what was measured in it."""

    place: int
    region: Region
    um_per_px: float
    sums: RegionSums | None

    @property
    def tip(self) -> str:
        """What it is for, and what was noted."""
        return ": ".join(filter(None, (KIND_NAMES[self.region.kind], self.region.comment)))

    @property
    def size(self) -> float:
        """Area, or length of a line, in level-0 px."""
        geometry = self.region.geometry
        return float(geometry.length if self.region.kind.is_line else geometry.area)

    @property
    def size_tip(self) -> str:
        """How much of it was measured, where that is not all."""
        return "" if self.sums is None else part_measured(self.region, self.sums, self.um_per_px)

    @property
    def percent(self) -> float | None:
        """Its density of tissue."""
        return self.sums.tissue_density_percent if self.sums else None

    @property
    def shown_percent(self) -> str:
        """The same in words, with a star where not all of it was measured."""
        return words.percent(self.percent) + (" *" if self.size_tip else "")

    @property
    def nuclei_per_mm2(self) -> float | None:
        """Of tissue."""
        return self.sums.nuclei_per_mm2 if self.sums else None


COLUMNS = (
    Column("", lambda each: str(each.place), None, width_px=24),
    Column(
        "Region",
        lambda each: region_title(each.region),
        lambda each: region_title(each.region).casefold(),
        colour=lambda each: SQUARES[each.region.kind],
        tip=lambda each: each.tip,
        is_left=True,
    ),
    Column(
        "Size\nmm²", lambda each: extent(each.region, each.um_per_px), lambda each: each.size,
        tip=lambda each: each.size_tip, width_px=60,
    ),
    Column(
        "% of\ntissue", lambda each: each.shown_percent, lambda each: each.percent,
        tip=lambda each: each.size_tip, width_px=62,
    ),
    Column(
        "Nuclei\n/mm²",
        lambda each: words.number(each.nuclei_per_mm2),
        lambda each: each.nuclei_per_mm2,
        width_px=50,
    ),
    Column(
        "By",
        lambda each: ORIGINS[each.region.origin],
        lambda each: ORIGINS[each.region.origin],
        width_px=50,
    ),
)  # fmt: skip


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
        self._named = ""
        self._make_parts()
        self._lay_out()
        self.connections = Connections()
        self._connect()
        self._show()

    def _make_parts(self) -> None:
        self._summary = text(NONE_YET, quiet=True)
        self._table = SortedTable("Regions", COLUMNS, HEIGHT_PX)
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
        add(self._table.row_clicked, self._fly)
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

    def _fly(self, place: int) -> None:
        if place < len(self._desk.regions):
            region = self._desk.regions[place]
            self._desk.choose(region)
            fly_to(self._desk.session.viewer, region_view(region, self._desk.um_per_px))

    def _rename(self) -> None:
        """Give what was typed to the region it was typed for, chosen still or not."""
        named = next((each for each in self._desk.regions if each.id == self._named), None)
        if named is not None and self._name.isModified():
            self._name.setModified(False)
            self._actions.rename(named, self._name.text().strip())

    def _show_name(self) -> None:
        chosen = self._desk.chosen
        if self._named == (chosen.id if chosen else "") and self._name.hasFocus():
            return
        self._rename()
        chosen = self._desk.chosen
        self._named = chosen.id if chosen else ""
        self._name.setText(chosen.name if chosen else "")

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
        self._table.show_rows([self._row(*each) for each in enumerate(regions, start=1)])
        self._show_chosen()

    def _show_chosen(self) -> None:
        chosen = self._desk.chosen
        self._undo.setEnabled(self._desk.can_undo)
        for part in (self._name, self._edit, self._delete):
            part.setEnabled(chosen is not None)
        area = chosen is not None and not chosen.kind.is_line
        for part in (self._out, self._reason.native):  # a line leaves nothing out
            part.setVisible(area or chosen is None)
        self._out.setEnabled(area)
        out = chosen is not None and chosen.kind is RegionKind.EXCLUSION
        self._out.setChecked(out)
        self._reason.native.setEnabled(area)
        self._show_name()
        if chosen is not None and chosen.reason is not None:
            with self._reason.changed.blocked():
                self._reason.value = chosen.reason
        self._edit.setChecked(self._drawing.region is not None)
        ids = [region.id for region in self._desk.regions]
        wanted = chosen.id if chosen is not None else ""
        self._table.choose(ids.index(wanted) if wanted in ids else None)

    def _said(self, regions: tuple[Region, ...]) -> str:
        latest = self._figures.latest
        if not regions and not (latest and latest.findings.excluded_mm2):
            return NONE_YET
        said = left_out(latest.findings.excluded_mm2) if latest else "not measured yet"
        return said[0].upper() + said[1:] + "."

    def _row(self, place: int, region: Region) -> RegionRow:
        latest = self._figures.latest
        sums = latest.sums.get(region.id) if latest else None
        return RegionRow(place, region, self._desk.um_per_px, sums)


def region_view(region: Region, um_per_px: float) -> View:
    """Return the extent of a region in the world; small ones with something around them."""
    left, top, right, bottom = (side * um_per_px for side in shapely.bounds(region.geometry))
    height, width = max(bottom - top, LEAST_VIEW_UM), max(right - left, LEAST_VIEW_UM)
    return View((top + bottom - height) / 2, (left + right - width) / 2, height, width)
