"""A threshold drawn as a line in the histogram it cuts."""

from collections.abc import Sequence
from typing import Final

from psygnal import Signal
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QWheelEvent,
)
from qtpy.QtWidgets import QSlider

STEPS: Final = 1000
STEP: Final = STEPS // 100
"""What an arrow key moves, 0.01; page keys move ten times that."""
HEIGHT_PX: Final = 76
SIDE_PX, TOP_PX, FOOT_PX = 8, 16, 6
"""Room around the bars: the line at either end, the value above, the suggestion below."""
NUCLEUS: Final = "#1FA2C4"
"""Bars on the nucleus side; legible on napari's dark and on its light ground."""


class HistogramSlider(QSlider):  # type: ignore[misc]
    """A slider from 0 to 1 over a histogram, filled on the side that counts as nucleus.

    Bars are as high as the root of their count: tissue outnumbers nuclei many times over, and the
    valley between both is what the line is put into. Arrow keys move it by 0.01, page keys by 0.1,
    a double click puts it back on the suggested value.
    """

    moved = Signal(float)
    """The threshold after the user moved it, at every step of a drag."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, STEPS)
        self.setSingleStep(STEP)
        self.setPageStep(10 * STEP)
        self.setFixedHeight(HEIGHT_PX)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.SizeHorCursor)
        self.setAccessibleName(name)
        self._bars: tuple[float, ...] = ()
        self._suggested: float | None = None
        self._silent = False
        self.valueChanged.connect(self._tell)

    @property
    def threshold(self) -> float:
        """Where the line stands, 0–1."""
        return int(self.value()) / STEPS

    def show_histogram(self, counts: Sequence[int], suggested: float | None = None) -> None:
        """Draw another histogram of 0–1; the line stays where it is.

        Parameters
        ----------
        counts
            Pixels in bins of equal width; empty for none.
        suggested
            Threshold to mark at the foot.
        """
        most = max(counts, default=0) ** 0.5
        self._bars = tuple(count**0.5 / most for count in counts) if most else ()
        self._suggested = suggested
        hint = "" if suggested is None else f" Suggested: {suggested:.2f} (double click)."
        self.setToolTip(f"What scores above the line counts as nucleus.{hint}")
        self.update()

    def set_threshold(self, threshold: float) -> None:
        """Put the line somewhere without telling anyone."""
        self._silent = True
        self.setValue(round(threshold * STEPS))
        self._silent = False

    def _tell(self, _value: int) -> None:
        self.setAccessibleDescription(f"{self.threshold:.2f} of 1")
        if not self._silent:
            self.moved.emit(self.threshold)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for enough width to tell the bins apart."""
        return QSize(260, HEIGHT_PX)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Take the line to the pointer."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the line."""
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let the line go."""
        self.setSliderDown(False)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go back to what the histogram suggests."""
        if self._suggested is not None:
            self.setValue(round(self._suggested * STEPS))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the dock, which scrolls."""
        event.ignore()

    def _follow(self, event: QMouseEvent) -> None:
        ground = self._ground()
        part = (event.position().x() - ground.left()) / ground.width()
        self.setValue(round(min(max(part, 0.0), 1.0) * STEPS))
        event.accept()

    def _ground(self) -> QRectF:
        """Where the bars stand."""
        return QRectF(self.rect()).adjusted(SIDE_PX, TOP_PX, -SIDE_PX, -FOOT_PX)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw bars, foot, suggestion and line, in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ground, ink = self._ground(), self.palette().color(QPalette.ColorRole.WindowText)
        if not self.isEnabled():
            painter.setOpacity(0.4)
        self._paint_bars(painter, ground, ink)
        painter.setPen(QPen(faded(ink, 0.5), 1))
        painter.drawLine(ground.bottomLeft(), ground.bottomRight())
        self._paint_suggestion(painter, ground, ink)
        self._paint_line(painter, ground, ink)

    def _paint_bars(self, painter: QPainter, ground: QRectF, ink: QColor) -> None:
        line = ground.left() + self.threshold * ground.width()
        for left, right, colour in (
            (0.0, line, faded(ink, 0.28)),
            (line, float(self.width()), QColor(NUCLEUS)),
        ):
            painter.save()
            painter.setClipRect(QRectF(left, 0, right - left, self.height()))
            for index, height in enumerate(self._bars):
                painter.fillRect(self._bar(ground, index, height), colour)
            painter.restore()

    def _bar(self, ground: QRectF, index: int, height: float) -> QRectF:
        width = ground.width() / len(self._bars)
        tall = height * ground.height()
        # A hair wider than its bin: antialiasing would leave seams between the bars.
        return QRectF(ground.left() + index * width, ground.bottom() - tall, width + 0.3, tall)

    def _paint_suggestion(self, painter: QPainter, ground: QRectF, ink: QColor) -> None:
        if self._suggested is None:
            return
        x, y = ground.left() + self._suggested * ground.width(), ground.bottom() + 1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(faded(ink, 0.7))
        painter.drawPolygon(
            QPolygonF([QPointF(x, y), QPointF(x - 4, y + 5), QPointF(x + 4, y + 5)])
        )

    def _paint_line(self, painter: QPainter, ground: QRectF, ink: QColor) -> None:
        x = ground.left() + self.threshold * ground.width()
        painter.setPen(QPen(ink, 3 if self.hasFocus() else 2))
        painter.drawLine(QPointF(x, ground.top()), QPointF(x, ground.bottom()))
        said = f"{self.threshold:.2f}"
        wide = painter.fontMetrics().horizontalAdvance(said)
        left = min(max(x - wide / 2, 0.0), self.width() - wide)
        painter.drawText(QRectF(left, 0, wide + 1, TOP_PX - 1), Qt.AlignmentFlag.AlignCenter, said)


def faded(colour: QColor, part: float) -> QColor:
    """Return a colour of which `part`, 0–1, covers what lies under it."""
    pale = QColor(colour)
    pale.setAlphaF(part)
    return pale
