"""Someone at work in a window with the Regions dock."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from napari.layers import Layer
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton
from quick_segmenter import DarkPixels
from windows import shared_viewer

from napari_glioma_density.regions.region import Region
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.models import ModelChoice
from napari_glioma_density.ui.regions.dock import RegionsDock
from napari_glioma_density.ui.regions.purpose import Purpose
from napari_glioma_density.ui.regions.tools import Tool

LONG_S = 60
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
NO_BUTTON = Qt.MouseButton.NoButton
MODELS = (ModelChoice("dark", "Dark px", "works at 0.5 µm/px"),)


class Pathologist:
    """Works in one window with the Regions dock; y before x, in µm."""

    def __init__(self, viewer: Any, main: Any) -> None:
        self.viewer, self.main = viewer, main
        self.dock = RegionsDock(viewer, lambda *_: DarkPixels())
        self.session, self.desk = self.dock.session, self.dock.desk
        viewer.window.add_dock_widget(self.dock, name="Regions")
        self.problems: list[str] = []
        self.session.problem.connect(self.problems.append)

    def wait(self, met: Callable[[], object]) -> None:
        until = time.monotonic() + LONG_S
        while not met():
            assert time.monotonic() < until, "waited in vain"
            QApplication.processEvents()
            time.sleep(0.005)

    def rest(self, milliseconds: int) -> None:
        until = time.monotonic() + milliseconds / 1000
        self.wait(lambda: time.monotonic() > until)

    def open(self, path: Path) -> None:
        from napari_glioma_density.ui.reader import read_slide

        self.viewer.add_layer(Layer.create(*read_slide(str(path))[0]))
        self.wait(lambda: self.session.snapshot is not None)
        self.wait(lambda: not self.session.overlays._waiting)
        self.settle()

    def settle(self) -> None:
        """Wait until everything is on disk, left out, and measured."""
        figures, exclusions = self.dock.figures, self.session.exclusions
        self.wait(lambda: self.desk._pending == 0 and not exclusions._work.goes_on)
        self.wait(lambda: not figures._due and not figures._busy and not exclusions._work.goes_on)

    def leave(self) -> None:
        self.dock.actions.choose_tool(None)
        self.viewer.layers.clear()
        self.wait(lambda: self.session.snapshot is None)
        self.problems.clear()

    def take(self, purpose: Purpose, tool: Tool) -> None:
        self.dock.draw_box._purpose.value = purpose
        button = self.dock.draw_box._tools[tool]
        if not button.isChecked():
            QTest.mouseClick(button, LEFT)

    def press(self, button: QPushButton) -> None:
        button.click()

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def on_screen(self, place: Sequence[float]) -> QPoint:
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        (y, x), (centre_y, centre_x) = place, camera.center[-2:]
        return QPoint(
            round((x - centre_x) * camera.zoom + width / 2),
            round((y - centre_y) * camera.zoom + height / 2),
        )

    def move(self, point: QPoint, button: Any = NO_BUTTON) -> None:
        place, everywhere = QPointF(point), QPointF(self.canvas.mapToGlobal(point))
        event = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, NO_BUTTON, button, NOTHING)
        QApplication.sendEvent(self.canvas, event)
        self.rest(12)

    def drag(self, *places: Sequence[float]) -> None:
        points = [self.on_screen(place) for place in places]
        self.move(points[0])
        QTest.mousePress(self.canvas, LEFT, NOTHING, points[0])
        for point in points[1:]:
            self.move(point, LEFT)
        QTest.mouseRelease(self.canvas, LEFT, NOTHING, points[-1])
        self.rest(20)

    def click(self, *places: Sequence[float]) -> None:
        """Click every place, the last one twice."""
        for place in places:
            self.move(self.on_screen(place))
            QTest.mouseClick(self.canvas, LEFT, NOTHING, self.on_screen(place))
            self.rest(20)
        QTest.mouseDClick(self.canvas, LEFT, NOTHING, self.on_screen(places[-1]))
        self.rest(20)

    def rows(self) -> list[tuple[str, ...]]:
        return self.dock.list_box._table.texts()

    def on_disk(self) -> tuple[Region, ...]:
        return RegionFile.open(self.session.shown.store).regions()


@contextmanager
def regions_window() -> Iterator[Pathologist]:
    """Open a window with the main dock and the Regions dock."""
    from napari_glioma_density.ui.dock.dock import GliomaDensityDock

    with shared_viewer() as viewer:
        main = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: MODELS)
        viewer.window.add_dock_widget(main, name="Glioma density")
        made = Pathologist(viewer, main)
        viewer.window.resize(1200, 700)
        with patch.object(viewer.window._qt_window, "_save_current_window_settings"):
            yield made
            viewer.close()
            QApplication.processEvents()
