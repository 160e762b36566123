"""A small picture of curves that grow while something is learnt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_glioma_density.ui.annotation.histogram_slider import faded

HEIGHT_PX: Final = 96
HEAD_PX, FOOT_PX, LEFT_PX, RIGHT_PX, GAP_PX = 18, 6, 42, 4, 8


@dataclass(frozen=True)
class Curve:
    """One line: points (x, y), and how it is named and coloured."""

    name: str
    colour: str
    points: tuple[tuple[float, float], ...]


class CurvePlot(QWidget):  # type: ignore[misc]
    """Curves over a common x, each with its name and latest value in its own colour above.

    The scale follows the values: the differences of one afternoon's learning are small. It is
    at least 20 of the last decimal high, so that noise does not fill the picture.
    """

    def __init__(self, title: str, decimals: int) -> None:
        super().__init__()
        self._title, self._decimals = title, decimals
        self._narrowest = 20 * 10.0**-decimals
        self._curves: tuple[Curve, ...] = ()
        self._most_x, self._end = 1.0, ""
        self.setFixedHeight(HEIGHT_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the height of the plot."""
        return QSize(260, HEIGHT_PX)

    def show_curves(self, curves: Sequence[Curve], most_x: float, end: str) -> None:
        """Draw curves from x 0 to `most_x`, called `end`; those without points wait unseen."""
        self._curves = tuple(curve for curve in curves if curve.points)
        self._most_x, self._end = max(most_x, 1e-9), end
        self.setAccessibleDescription(", ".join(map(self._said, self._curves)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw ground, scale, names and curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        ground = QRectF(self.rect()).adjusted(LEFT_PX, HEAD_PX, -RIGHT_PX, -FOOT_PX)
        painter.fillRect(ground, faded(ink, 0.06))
        self._paint_head(painter, ink)
        if self._curves:
            low, high = self._limits()
            self._paint_scale(painter, ground, ink, (low, high))
            for curve in self._curves:
                self._paint_curve(painter, ground, curve, (low, high))

    def _limits(self) -> tuple[float, float]:
        values = [y for curve in self._curves for _, y in curve.points]
        middle, half = (max(values) + min(values)) / 2, (max(values) - min(values)) / 2
        half = max(1.1 * half, self._narrowest / 2)
        return middle - half, middle + half

    def _paint_head(self, painter: QPainter, ink: QColor) -> None:
        x = 0.0
        for said, colour in (
            (self._title, ink),
            *((self._said(curve), QColor(curve.colour)) for curve in self._curves),
        ):
            wide = painter.fontMetrics().horizontalAdvance(said)
            painter.setPen(colour)
            painter.drawText(QRectF(x, 0, wide + 2, HEAD_PX - 3), Qt.AlignmentFlag.AlignLeft, said)
            x += wide + 2 * GAP_PX
        self._paint_end(painter, ink, x)

    def _paint_end(self, painter: QPainter, ink: QColor, left: float) -> None:
        """Call the right edge by its name, in the head, where no curve runs through it."""
        if left + painter.fontMetrics().horizontalAdvance(self._end) <= self.width() - RIGHT_PX:
            painter.setPen(faded(ink, 0.7))
            place = QRectF(left, 0, self.width() - RIGHT_PX - left, HEAD_PX - 3)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, self._end)

    def _said(self, curve: Curve) -> str:
        return f"{curve.name} {curve.points[-1][1]:.{self._decimals}f}"

    def _paint_scale(
        self, painter: QPainter, ground: QRectF, ink: QColor, limits: tuple[float, float]
    ) -> None:
        painter.setPen(faded(ink, 0.7))
        low, high = limits
        for value, y in ((high, ground.top()), (low, ground.bottom() - 12)):
            place = QRectF(0, y - 1, LEFT_PX - 5, 14)
            painter.drawText(place, Qt.AlignmentFlag.AlignRight, f"{value:.{self._decimals}f}")

    def _paint_curve(
        self, painter: QPainter, ground: QRectF, curve: Curve, limits: tuple[float, float]
    ) -> None:
        low, high = limits
        line = QPolygonF(
            [
                QPointF(
                    ground.left() + ground.width() * min(x / self._most_x, 1),
                    ground.bottom() - ground.height() * (y - low) / (high - low),
                )
                for x, y in curve.points
            ]
        )
        painter.setPen(QPen(QColor(curve.colour), 2))
        painter.drawPolyline(line)
        painter.setBrush(QColor(curve.colour))
        painter.drawEllipse(line[-1], 2.0, 2.0)
        painter.setBrush(Qt.BrushStyle.NoBrush)
