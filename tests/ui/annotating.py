"""A person at the *Annotation assist* dock: the pointer, the keys, the buttons, what is read."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton

from napari_glioma_density.annotation.field import Start
from napari_glioma_density.annotation.field_file import read_field
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.ui.annotation.field_box import Where
from napari_glioma_density.ui.annotation.session import SAVED
from napari_glioma_density.ui.reader import read_slide

LONG_S = 60
LEFT = Qt.MouseButton.LeftButton
NOTHING, SHIFT, CONTROL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)
UM = 0.5


MOVE_MS = 12
"""napari takes a move every 5 ms, and a later one in its place when it comes sooner."""


class Annotator:
    """Works in one window with both docks; y before x, in px of the open field."""

    def __init__(self, density: Any, dock: Any) -> None:
        self.density, self.dock = density, dock
        self.session, self.annotation = density.session, dock.annotation
        self.viewer = self.session.viewer
        self.closed = False

    def close_window(self) -> None:
        self.closed = True
        self.viewer.close()
        QApplication.processEvents()

    # --- waiting ------------------------------------------------------------------------------

    def wait(self, met: Callable[[], object]) -> None:
        until = time.monotonic() + LONG_S
        while not met():
            assert time.monotonic() < until, "waited in vain"
            QApplication.processEvents()
            time.sleep(0.01)

    def rest(self, milliseconds: int) -> None:
        until = time.monotonic() + milliseconds / 1000
        self.wait(lambda: time.monotonic() > until)

    def open(self, path: Path) -> "Annotator":
        """Open a slide that was estimated before."""
        self.add(path)
        self.wait(lambda: self.session.snapshot is not None and self.annotation.shelf is not None)
        self.wait(lambda: not self.session.overlays._waiting)
        return self

    def add(self, path: Path) -> None:
        """Open one more slide."""
        self.viewer.add_layer(Layer.create(*read_slide(str(path))[0]))

    def leave(self) -> None:
        """Close the slide and leave the docks as they were at first."""
        self._put_back()
        self.viewer.layers.clear()
        self.wait(lambda: self.session.snapshot is None)

    def clear_desk(self) -> None:
        """Take every field off the list, and leave the docks as they were at first."""
        self._put_back()
        for field in self.annotation.fields:
            self.annotation.remove(field.record.name)
        self.wait(lambda: not self.rows() and not self.session.snapshot.corrected.any())

    def _put_back(self) -> None:
        self.annotation.close_field()
        if self.dock.adding.on:
            self.dock.adding.toggle()
        self.dock.review_box._blinded.setChecked(False)
        self.dock.field_box._start.value = Start.MODEL
        self.dock.field_box._where.value = Where.VIEW
        self.density.hotspot_box._by_corrected.value = False
        self.session.problem.emit("")

    def saved(self) -> None:
        """Wait until the screen says that the latest edit is on disk."""
        self.annotation.tick()
        self.wait(lambda: self.dock.field_box._saving.text() == SAVED)

    # --- the field ----------------------------------------------------------------------------

    @property
    def field(self) -> Any:
        return self.annotation.field

    @property
    def document(self) -> Any:
        return self.field.document

    @property
    def hints(self) -> Any:
        return self.field.desk.found.missing.hints

    def look_at(self, row: int, column: int) -> None:
        """Bring a patch into the middle of the view."""
        side = PATCH_PX * UM
        self.viewer.scene.camera.center = ((row + 0.5) * side, (column + 0.5) * side)

    def press(self, button: QPushButton) -> None:
        QTest.mouseClick(button, LEFT)

    def begin(self, row: int = 1, column: int = 1) -> None:
        """Annotate a patch, and wait for it and its hints."""
        self.look_at(row, column)
        before = self.field
        self.press(self.dock.field_box._annotate)
        self.wait(lambda: self.field is not None and self.field is not before)
        self.hints_settle()

    def hints_settle(self) -> None:
        """Wait for the hints of the slide's own threshold."""
        box, desk = self.dock.hint_box, self.field.desk
        self.wait(lambda: box.slider._bars and not box._pause.isActive())
        self.wait(lambda: desk.settings == box.settings() and not desk.is_searching and desk.found)

    def on_disk(self, name: str | None = None, store: Path | None = None) -> tuple[Any, Any]:
        """Labels and notes of a field, as the first reader's file holds them."""
        folder = (store or self.session.shown.store) / "corrections" / "first" / "labels"
        return read_field(folder / f"{name or self.field.record.name}.png")

    # --- pointer and keys ---------------------------------------------------------------------

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def on_screen(self, y: float, x: float) -> QPoint:
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        at_y, at_x = self.field.world(y, x)
        centre_y, centre_x = camera.center[-2:]
        return QPoint(
            round((at_x - centre_x) * camera.zoom + width / 2),
            round((at_y - centre_y) * camera.zoom + height / 2),
        )

    def point(self, y: float, x: float) -> None:
        self._move(self.on_screen(y, x))
        self.wait(lambda: self.annotation.actions._pointer(self.field) is not None)
        QApplication.processEvents()

    def point_at(self, number: int) -> None:
        """Point at a nucleus."""
        self.point(*self.inside(number))

    def inside(self, number: int) -> tuple[int, int]:
        """A px well within a nucleus."""
        rows, columns = np.nonzero(self.document.labels == number)
        y, x = rows.mean(), columns.mean()
        nearest = np.argmin((rows - y) ** 2 + (columns - x) ** 2)
        return int(rows[nearest]), int(columns[nearest])

    def key(self, key: Any, modifier: Any = NOTHING) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        QApplication.processEvents()

    def click(self, y: float, x: float) -> None:
        self._move(self.on_screen(y, x))
        QTest.mouseClick(self.canvas, LEFT, NOTHING, self.on_screen(y, x))
        QApplication.processEvents()

    def stroke(self, places: Iterable[tuple[float, float]]) -> None:
        """Draw with what is chosen in the annotation layer."""
        points = [self.on_screen(*place) for place in places]
        self._move(points[0])
        QTest.mousePress(self.canvas, LEFT, NOTHING, points[0])
        for point in points[1:]:
            self._move(point, LEFT)
        QTest.mouseRelease(self.canvas, LEFT, NOTHING, points[-1])
        self.rest(20)

    def _move(self, point: QPoint, button: Any = Qt.MouseButton.NoButton) -> None:
        """Hand the canvas a move: QTest would move the display's pointer, which others share."""
        place, everywhere = QPointF(point), QPointF(self.canvas.mapToGlobal(point))
        nothing = Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, nothing, button, NOTHING)
        QApplication.sendEvent(self.canvas, event)
        self.rest(MOVE_MS)

    # --- what is read -------------------------------------------------------------------------

    @property
    def problem(self) -> str:
        line = self.density.problem
        return "" if line.isHidden() else line.line.text()

    def rows(self) -> list[tuple[str, ...]]:
        """The table of fields."""
        table = self.dock.fields_box._table
        return [
            tuple(table.item(row, column).text() for column in range(table.columnCount()))
            for row in range(table.rowCount())
        ]
