"""The overview: the whole slide in a corner of the canvas, and where on it the view is."""

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QMargins, QObject, QRectF, Qt
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.camera import look_at, visible_part
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.session import Session

LONGER_SIDE_PX, MARGIN_PX = 160, 12
ROUND = QMargins(MARGIN_PX, MARGIN_PX, MARGIN_PX, MARGIN_PX)
SMALLEST_MARK_PX = 5
FRAME, MARK = QColor("#5B6470"), QColor("#0057FF")


class Overview(QWidget):  # type: ignore[misc]
    """A thumbnail of the session's slide over the upper right corner of `canvas`.

    The thumbnail is made in the background; a click, or a drag, moves the view there. While all of
    the slide is in view it would tell nothing and cover cells, and is hidden; so it is where it
    does not fit.
    """

    def __init__(self, session: Session, canvas: QWidget) -> None:
        super().__init__(canvas)
        self._session = session
        self._image: QImage | None = None
        self._wanted = True
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip("The whole slide: click to go there")
        self._connections = Connections()
        self._connections.add(session.slides.changed, self._show_slide)
        camera = session.viewer.scene.camera.events
        for moved in (camera.center, camera.zoom):
            self._connections.add(moved, self._redraw)
        canvas.installEventFilter(self)
        self._show_slide()

    def toggle(self) -> None:
        """Hide it, or show it again."""
        self._wanted = not self._wanted
        self._redraw()

    def close_for_good(self) -> None:
        """Let go of viewer and canvas."""
        self._connections.close()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted the window
            self.parent().removeEventFilter(self)
            self.hide()
            self.deleteLater()

    def mark(self) -> QRectF:
        """Return where the view is on the thumbnail, in px of this widget."""
        view, slide = visible_part(self._session.viewer), self._extent_um()
        down, across = self.height() / slide[0], self.width() / slide[1]
        mark = QRectF(
            view.x_um * across, view.y_um * down, view.width_um * across, view.height_um * down
        ).intersected(QRectF(self.rect()))
        return _at_least(mark, SMALLEST_MARK_PX)

    def go_to(self, x_px: float, y_px: float) -> None:
        """Centre the view on what is shown at a point of this widget."""
        height, width = self._extent_um()
        at = (y_px / self.height() * height, x_px / self.width() * width)
        look_at(self._session.viewer, at)

    def _show_slide(self) -> None:
        self._image = None
        self.hide()
        slide = self._session.slides.slide
        if slide is not None:
            self._session.background.submit(
                lambda: (slide, slide.thumbnail(LONGER_SIDE_PX).rgb), lambda made: self._show(*made)
            )

    def _show(self, slide: Slide, rgb: NDArray[np.uint8]) -> None:
        if slide is not self._session.slides.slide:
            return
        height, width = rgb.shape[:2]
        self._image = QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        self.setFixedSize(width, height)
        self._place()
        self._redraw()
        self.raise_()

    def _extent_um(self) -> tuple[float, float]:
        slide = self._session.slides.slide
        if slide is None:
            return (1.0, 1.0)
        um_per_px = slide.um_per_px or 1.0
        return (slide.height * um_per_px, slide.width * um_per_px)

    def _place(self) -> None:
        self.move(self.parent().width() - self.width() - MARGIN_PX, MARGIN_PX)

    def _redraw(self, *_: Any) -> None:
        told = self._image is not None and self._has_room() and not self._sees_all()
        self.setVisible(self._wanted and told)
        self.update()

    def _has_room(self) -> bool:
        """Whether the canvas is large enough, which it may not be in a window made small."""
        needed, canvas = self.size().grownBy(ROUND), self.parent().size()
        return bool(needed.width() <= canvas.width() and needed.height() <= canvas.height())

    def _sees_all(self) -> bool:
        """Whether no part of the slide lies outside the view."""
        view, (height, width) = visible_part(self._session.viewer), self._extent_um()
        down, across = view.y_um + view.height_um, view.x_um + view.width_um
        return view.y_um <= 0 and view.x_um <= 0 and down >= height and across >= width

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Stay in the corner when the canvas is resized, while there is room."""
        if watched is self.parent() and event.type() == QEvent.Type.Resize:
            self._place()
            self._redraw()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Draw the thumbnail, its frame, and the view's rectangle."""
        if self._image is None:
            return
        painter = QPainter(self)
        painter.drawImage(0, 0, self._image)
        painter.setPen(QPen(FRAME, 1))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.setPen(QPen(MARK, 2))
        painter.drawRect(self.mark().adjusted(1, 1, -1, -1))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go where it is clicked."""
        self.go_to(event.position().x(), event.position().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Follow the pointer while it is pressed."""
        self.go_to(event.position().x(), event.position().y())


def _at_least(mark: QRectF, px: float) -> QRectF:
    """Grow a rectangle about its centre until it can be seen."""
    across, down = (max(px - side, 0) / 2 for side in (mark.width(), mark.height()))
    return mark.adjusted(-across, -down, across, down)
