"""A napari window with both docks, a slide in it, and a clock."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication
from window_clock import LONG_S, WindowClock

from napari_glioma_density.annotation.field import Choice, Start
from napari_glioma_density.density import Block
from napari_glioma_density.ui.annotation.dock import AnnotationDock
from napari_glioma_density.ui.annotation.shelved import Wanted
from napari_glioma_density.ui.dock.dock import GliomaDensityDock
from napari_glioma_density.ui.reader import read_slide

NO_BUTTON, NONE = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier


class Window(WindowClock):
    """A window with both docks and the slide, and a clock."""

    def __init__(self, slide: Path) -> None:
        self.viewer = napari.Viewer(show=True)
        self.density = GliomaDensityDock(self.viewer)
        self.dock = AnnotationDock(self.viewer)
        for widget in (self.density, self.dock):
            self.viewer.window.add_dock_widget(widget, name=type(widget).__name__, tabify=True)
        self.viewer.window.resize(1600, 1000)
        self.session, self.annotation = self.density.session, self.dock.annotation
        self.canvas = self.viewer.window._qt_viewer.canvas.native
        self.viewer.add_layer(Layer.create(*read_slide(str(slide))[0]))
        self.until(lambda: self.session.snapshot is not None and self.annotation.shelf is not None)
        self.until(lambda: not self.session.overlays._waiting)
        self.rest(1)

    def time_to(self, signal: Any, act: Callable[[], object], met: Callable[[], bool]) -> float:
        """Return the ms from before `act` until `signal` was sent and `met` was true then."""
        loop, came = QEventLoop(), [0.0]

        def check(*_: object) -> None:
            if not came[0] and met():
                came[0] = time.perf_counter()
                loop.quit()

        signal.connect(check)
        QTimer.singleShot(int(LONG_S * 1000), loop.quit)
        begun = time.perf_counter()
        act()
        if not came[0]:
            loop.exec()
        signal.disconnect(check)
        if not came[0]:
            raise TimeoutError
        return (came[0] - begun) * 1e3

    def time_to_frame(self, act: Callable[[], object]) -> float:
        """Return the ms from before `act` until the next frame after it was shown."""
        acted = [False]

        def acts() -> None:
            act()
            acted[0] = True

        return self.time_to(self.canvas.frameSwapped, acts, lambda: acted[0])

    # --- the field ----------------------------------------------------------------------------

    @property
    def field(self) -> Any:
        """The open field."""
        return self.annotation.field

    def open(self, row: int, column: int, side: int) -> tuple[float, float]:
        """Begin a field of side × side patches; return the ms to its layers and to its hints."""
        wanted = Wanted(Block(row, column, side, side), Start.MODEL, Choice.BY_HAND, "script")
        before, begun = self.field, time.perf_counter()
        self.annotation.open(lambda shelf: shelf.take(wanted))
        self.until(lambda: self.field is not None and self.field is not before)
        self.time_to_frame(self.canvas.update)
        shown = time.perf_counter()
        self.settle()
        return (shown - begun) * 1e3, (time.perf_counter() - begun) * 1e3

    def settle(self) -> None:
        """Wait until hints are found and all is counted."""
        self.until(lambda: self.field.desk.found is not None and not self.field.desk.is_searching)
        self.until(self.counted)

    def counted(self) -> bool:
        """Whether the numbers on the screen are those of the field."""
        values, snapshot = self.field.document.values(), self.session.snapshot
        place = values.block.patches
        return (
            snapshot is not None
            and not self.field.dirty
            and all(
                np.array_equal(getattr(snapshot.patches, name)[place], getattr(values, name))
                for name in ("nucleus_px", "count")
            )
        )

    def mouse(
        self, kind: QEvent.Type, place: QPoint, button: Any = NO_BUTTON, held: Any = NO_BUTTON
    ) -> None:
        """Hand the canvas a mouse event."""
        there = QPointF(self.canvas.mapToGlobal(place))
        event = QMouseEvent(kind, QPointF(place), there, button, held, NONE)
        QApplication.sendEvent(self.canvas, event)
