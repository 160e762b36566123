"""The *Glioma density* dock: its boxes from top to bottom, and its life."""

from contextlib import ExitStack
from typing import Any

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import (
    QApplication,
    QFrame,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.bands_box import BandsBox
from napari_glioma_density.ui.dock.grid_box import GridBox
from napari_glioma_density.ui.dock.hotspot_box import HotspotBox
from napari_glioma_density.ui.dock.model_box import ModelBox
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.dock.problem_line import ProblemLine
from napari_glioma_density.ui.dock.scope_box import ScopeBox
from napari_glioma_density.ui.dock.slide_box import SlideBox
from napari_glioma_density.ui.job import LoadSegmenter, load_segmenter
from napari_glioma_density.ui.keys import Key, KeyBindings, session_keys
from napari_glioma_density.ui.models import ListModels, list_models, warm_up
from napari_glioma_density.ui.overview import Overview
from napari_glioma_density.ui.pointing import ClickWatch
from napari_glioma_density.ui.session import Session

WIDTH = 416


class GliomaDensityDock(QWidget):  # type: ignore[misc]
    """Opens a session on a viewer and closes it with the dock or the window.

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
        super().__init__()
        self.session = Session(napari_viewer, load)
        overview = Key("Alt-0", "overview", self._toggle_overview)
        self._keys = KeyBindings(napari_viewer, (*session_keys(self.session), overview))
        clicks = ClickWatch(napari_viewer, self.session.cells.choose_at)
        self._life = ExitStack()
        for part in (self.session, self._keys, clicks):
            self._life.callback(part.close)
        self.problem = ProblemLine(self.session)
        self._connections = Connections()
        self._window: QWidget | None = None
        self.overview: Overview | None = None
        self._closing = False
        self.model_box = ModelBox(self.session, models)
        self.scope_box = ScopeBox(self.session, self.model_box.chosen)
        self.boxes = self._make_boxes()
        self._lay_out()
        self._connections.add(QApplication.instance().aboutToQuit, self.shut)
        # A window that was never shown dies without a sign but this; the boxes are gone by then.
        self.destroyed.connect(lambda _: self._life.close())
        show_scale_bar(napari_viewer)
        self.session.open_stored()
        self.session.background.submit(warm_up, lambda _: None)

    def _make_boxes(self) -> tuple[Any, ...]:
        return (
            SlideBox(self.session),
            self.model_box,
            self.scope_box,
            BandsBox(self.session),
            GridBox(self.session),
            HotspotBox(self.session),
        )

    def _lay_out(self) -> None:
        column = QWidget()
        boxes = QVBoxLayout(column)
        boxes.setContentsMargins(4, 4, 10, 4)
        boxes.setSpacing(7)
        for box in self.boxes:
            boxes.addWidget(box)
        boxes.addWidget(text(keys_line(self._keys.bound), quiet=True))
        boxes.addStretch()
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 2, 6)
        for widget in (self.problem, scroll, text(words.PURPOSE, quiet=True)):
            layout.addWidget(widget)
        self.setMinimumWidth(WIDTH)

    def event(self, event: QEvent) -> bool:
        """Follow the dock into a window; taken out of one for good, it shuts."""
        if event.type() == QEvent.Type.Show:
            self._watch(self.window())
        elif event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.session.overlays.clear()
            self.shut()
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Shut when the window closes, which it does not before it hides: it may ask, and stay."""
        if watched is self._window and event.type() == QEvent.Type.Close:
            self._closing = True
        elif watched is self._window and event.type() == QEvent.Type.Hide and self._closing:
            self.shut()
        return False

    def _watch(self, window: QWidget) -> None:
        if window is not self._window and window is not self:
            self._window = window
            window.installEventFilter(self)
        if self.overview is None and isinstance(window, QMainWindow):
            self.overview = Overview(self.session, window.centralWidget())
            self._life.callback(self.overview.close_for_good)

    def _toggle_overview(self) -> None:
        if self.overview is not None:
            self.overview.toggle()

    def shut(self) -> None:
        """Stop the run, wait for its last blocks, and let go of the viewer."""
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None
        self._connections.close()
        for part in (self.problem, *self.boxes):
            part.connections.close()
        self._life.close()


def show_scale_bar(viewer: Any) -> None:
    """Switch on a scale bar that is legible over slide and glass."""
    bar = viewer.canvas.overlays.scale_bar
    bar.visible = True
    bar.box = True
    bar.font_size = 12


def keys_line(keys: tuple[Key, ...]) -> str:
    """Return the keys and what they do, in one line."""
    return "Keys: " + ", ".join(f"{key.key} {key.says}" for key in keys)
