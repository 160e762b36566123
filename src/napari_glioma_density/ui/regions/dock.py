"""The *Regions* dock: what it shows, and how its boxes are tied to the desk."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QTabWidget

from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.dock import hidden_note
from napari_glioma_density.ui.dock.lifetime import LivingDock, scrolled
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.dock.problem_line import ProblemLine
from napari_glioma_density.ui.keys import Key, KeyBindings, keys_line
from napari_glioma_density.ui.pointing import ClickWatch
from napari_glioma_density.ui.readiness import LoadSegmenter, load_segmenter
from napari_glioma_density.ui.reference import reference_tissue
from napari_glioma_density.ui.regions.actions import RegionActions
from napari_glioma_density.ui.regions.cells_box import CellsBox
from napari_glioma_density.ui.regions.compare_box import CompareBox
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.difference_map import DifferenceMap
from napari_glioma_density.ui.regions.draw_box import DrawBox
from napari_glioma_density.ui.regions.drawing import RegionDrawing
from napari_glioma_density.ui.regions.estimates_box import EstimatesBox
from napari_glioma_density.ui.regions.figures import RegionFigures
from napari_glioma_density.ui.regions.list_box import ListBox
from napari_glioma_density.ui.regions.overlay import RegionOverlay
from napari_glioma_density.ui.regions.picking import region_at
from napari_glioma_density.ui.regions.plots_box import PlotsBox
from napari_glioma_density.ui.regions.profile_box import ProfileBox
from napari_glioma_density.ui.regions.quality_box import QualityBox
from napari_glioma_density.ui.session import TICK_MS
from napari_glioma_density.ui.sessions import borrow_session


class RegionsDock(LivingDock):
    """Draws regions on the slide of a viewer, lists what they measure, compares them.

    Parameters
    ----------
    napari_viewer
        The viewer; napari fills it in by this name.
    load
        Where segmenters come from.
    """

    def __init__(self, napari_viewer: Any, load: LoadSegmenter = load_segmenter) -> None:
        super().__init__(borrow_session(napari_viewer, load))
        session = self.session
        self.desk = RegionDesk(session)
        self.drawing = RegionDrawing(
            napari_viewer, lambda: self.desk.um_per_px, session.problem.emit
        )
        self.actions = RegionActions(self.desk, self.drawing)
        self.figures = RegionFigures(self.desk)
        self.overlay = RegionOverlay(napari_viewer)
        self.difference = DifferenceMap(session)
        self.reference = reference_tissue(session)
        self._make_boxes()
        # Ctrl+Z of a Labels layer comes first, so painting is still undone by it.
        undo = Key("Control-Z", "undo a region's last change", self.actions.undo)
        keys = KeyBindings(napari_viewer, (undo,))
        self._tie(keys, ClickWatch(napari_viewer, self._choose_at))
        self._draw()
        boxes = [
            self.draw_box, self.list_box, self.quality_box,
            self.compare_box, self.estimates_box, self.profile_box, self.plots_box, self.cells_box,
        ]  # fmt: skip
        self.lay_out(ProblemLine(session), self._make_tabs(keys), boxes)
        self._hidden_note = hidden_note()
        self.layout().insertWidget(1, self._hidden_note, 1)
        self._hide_numbers(session.blinded)

    def _make_boxes(self) -> None:
        session = self.session
        self.draw_box = DrawBox(self.actions, self.drawing)
        self.list_box = ListBox(self.desk, self.figures, self.actions, self.drawing)
        self.quality_box = QualityBox(self.desk, self.figures)
        self.compare_box = CompareBox(self.desk, self.figures)
        self.profile_box = ProfileBox(self.desk, self.figures)
        self.plots_box = PlotsBox(session)
        self.estimates_box = EstimatesBox(session, self.difference)
        self.cells_box = CellsBox(session)

    def _tie(self, keys: KeyBindings, clicks: ClickWatch) -> None:
        """Let the parts hear of each other, and of the dock's end."""
        session = self.session
        beat = _Beat(
            (self.figures, self.quality_box, self.plots_box, self.cells_box),
            (self.overlay, self.drawing, self.difference),
            self.quality_box.stop,
        )  # fmt: skip
        self._wires = Connections()
        own = (self.desk, self.figures, self.overlay, self.difference, keys, clicks, beat)
        self.life.callback(self._put_drawing_away)
        for part in (*own, self._wires):
            self.life.callback(part.close)
        session.left_out.stand_aside(True)
        self.life.callback(self._hand_back)
        session.overlays.companions.append(self._companions)
        self.life.callback(session.overlays.companions.remove, self._companions)
        self._wires.add(self.desk.changed, self._draw)
        self._wires.add(self.desk.changed, self.reference.refresh)
        self._wires.add(self.desk.chosen_changed, self._draw)
        self._wires.add(session.blinded_changed, self._hide_numbers)
        self._wires.add(session.slides.changed, self.actions.begin_anew)

    def _make_tabs(self, keys: KeyBindings) -> QTabWidget:
        tabs = QTabWidget()
        line = text(keys_line(keys.bound), quiet=True)
        tabs.addTab(scrolled([self.draw_box, self.list_box, self.quality_box, line]), "Draw")
        tabs.addTab(scrolled([self.compare_box, self.estimates_box, self.profile_box]), "Compare")
        tabs.addTab(scrolled([self.plots_box]), "Plots")
        tabs.addTab(self.cells_box, "Cells")
        return tabs

    def _hand_back(self) -> None:
        """Have what is left out outlined by another, unless all of the window goes."""
        if self.is_taken_out:
            self.session.left_out.stand_aside(False)

    def _put_drawing_away(self) -> None:
        self.drawing.close(clear=self.is_taken_out)

    def _companions(self) -> tuple[Layer, ...]:
        """Regions are hidden by the key that hides every overlay."""
        return tuple(self.overlay.layers)

    def _hide_numbers(self, hidden: bool) -> None:
        self.body.setVisible(not hidden)
        self._hidden_note.setVisible(hidden)
        self._draw()

    def _draw(self) -> None:
        """Draw the regions of the slide on show, for all but a reader who is not to see them."""
        chosen = self.desk.chosen.id if self.desk.chosen else ""
        try:
            um_per_px = self.desk.um_per_px
        except BadInput:  # no slide, or one without µm/px: nothing can be drawn on it
            um_per_px = 1.0
        regions = () if self.session.blinded else self.desk.regions
        self.overlay.show(regions, um_per_px, chosen)

    def _choose_at(self, y_um: float, x_um: float) -> None:
        """Choose the region under a click."""
        if self.desk.regions and not self.session.blinded:
            zoom = self.session.viewer.scene.camera.zoom
            self.desk.choose(region_at(self.desk.regions, y_um, x_um, self.desk.um_per_px, zoom))


class _Beat:
    """Ticks parts and lets others follow the zoom; no widget, so that it may outlive the dock."""

    def __init__(
        self, ticking: Sequence[Any], zooming: Sequence[Any], at_end: Callable[[], None]
    ) -> None:
        self._ticking, self._zooming, self._at_end = ticking, zooming, at_end
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def close(self) -> None:
        """Tick no more."""
        self._at_end()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._timer.stop()

    def _tick(self) -> None:
        for part in self._ticking:
            part.tick()
        for part in self._zooming:
            part.follow_zoom()
