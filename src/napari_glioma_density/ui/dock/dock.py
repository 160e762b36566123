"""The *Glioma density* dock: its boxes from top to bottom."""

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QMainWindow

from napari_glioma_density.ui.dock.bands_box import BandsBox
from napari_glioma_density.ui.dock.export_box import ExportBox
from napari_glioma_density.ui.dock.grid_box import GridBox
from napari_glioma_density.ui.dock.hotspot_box import HotspotBox
from napari_glioma_density.ui.dock.lifetime import LivingDock, scrolled
from napari_glioma_density.ui.dock.model_box import ModelBox
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.dock.problem_line import ProblemLine
from napari_glioma_density.ui.dock.scope_box import ScopeBox
from napari_glioma_density.ui.dock.slide_box import SlideBox
from napari_glioma_density.ui.keys import Key, KeyBindings, keys_line, session_keys
from napari_glioma_density.ui.models import ListModels, list_models, warm_up
from napari_glioma_density.ui.overview import Overview
from napari_glioma_density.ui.pointing import ClickWatch
from napari_glioma_density.ui.readiness import LoadSegmenter, load_segmenter
from napari_glioma_density.ui.sessions import borrow_session

HIDDEN = "Hidden while the second reader works (Annotation assist, Review)."


def hidden_note() -> QLabel:
    """Return what stands at the top of a dock in place of its numbers."""
    note = text(HIDDEN)
    note.setAlignment(Qt.AlignmentFlag.AlignTop)
    return note


class GliomaDensityDock(LivingDock):
    """Estimates the slide of a viewer and shows what was found.

    Parameters
    ----------
    napari_viewer
        The viewer; napari fills it in by this name.
    load, models
        Where segmenters and the list of models come from.
    """

    def __init__(
        self,
        napari_viewer: Any,
        load: LoadSegmenter = load_segmenter,
        models: ListModels = list_models,
    ) -> None:
        super().__init__(borrow_session(napari_viewer, load))
        overview = Key("Alt-0", "overview", self._toggle_overview)
        leave_out = Key("Shift-X", "leave hotspot out", self._ask_reason)
        keys = KeyBindings(napari_viewer, (*session_keys(self.session), leave_out, overview))
        clicks = ClickWatch(napari_viewer, self.session.cells.choose_at)
        for part in (keys, clicks):
            self.life.callback(part.close)
        self.overview: Overview | None = None
        self.problem = ProblemLine(self.session)
        self.model_box = ModelBox(self.session, models)
        self.scope_box = ScopeBox(self.session, self.model_box.chosen)
        self.hotspot_box = HotspotBox(self.session)
        self.export_box = ExportBox(self.session)
        self.life.callback(self.export_box.give_up)  # taken out of the window it waits no longer
        self.boxes = self._make_boxes()
        line = text(keys_line(keys.bound), quiet=True)
        self.lay_out(self.problem, scrolled([*self.boxes, line]), self.boxes)
        self._hidden_note = hidden_note()
        self.layout().insertWidget(1, self._hidden_note, 1)
        self._hide_numbers(self.session.blinded)
        self.session.blinded_changed.connect(self._hide_numbers)
        self.life.callback(self.session.blinded_changed.disconnect, self._hide_numbers)
        self.session.background.submit(warm_up, lambda _: None)

    def _make_boxes(self) -> tuple[Any, ...]:
        return (
            SlideBox(self.session),
            self.model_box,
            self.scope_box,
            BandsBox(self.session),
            GridBox(self.session),
            self.hotspot_box,
            self.export_box,
        )

    def _hide_numbers(self, hidden: bool) -> None:
        self.body.setVisible(not hidden)
        self._hidden_note.setVisible(hidden)

    def enter(self, window: QMainWindow) -> None:
        """Watch the window, and put the overview into it."""
        super().enter(window)
        if self.overview is None:
            self.overview = Overview(self.session, window.centralWidget())
            self.life.callback(self.overview.close_for_good)

    def finish_before_closing(self) -> None:
        """Wait for an export, and say so."""
        self.export_box.finish_before_closing()

    def _ask_reason(self) -> None:
        self.hotspot_box.ask_reason()

    def _toggle_overview(self) -> None:
        if self.overview is not None:
            self.overview.toggle()
