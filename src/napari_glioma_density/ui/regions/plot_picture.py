"""A plot in the dock: drawn elsewhere, shown as a picture, saved as PNG or SVG."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from qtpy.QtWidgets import QFileDialog, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_glioma_density.ui.background import Background

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOCK_INCHES = (4.6, 3.1)
"""Small, so that letters are legible in the width of a dock."""
LEAST_PX = 280
FORMATS = "PNG picture (*.png);;SVG drawing (*.svg)"
_one_at_a_time = threading.Lock()
"""matplotlib's settings are those of the whole program."""

Draw = Callable[[], "Figure"]


class PlotPicture(QWidget):  # type: ignore[misc]
    """Shows what `show_plot` is given, as wide as there is room."""

    def __init__(self, background: Background, name: str) -> None:
        super().__init__()
        self._background = background
        self._name = name
        self._draw: Draw | None = None
        self._picture = _Picture(name)
        self._save = QPushButton("Save plot …")
        self._save.setToolTip("As PNG or SVG")
        self._save.clicked.connect(self._ask_path)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._picture)
        layout.addWidget(self._save, alignment=Qt.AlignmentFlag.AlignRight)
        self.clear()

    def show_plot(self, draw: Draw, small: Draw | None = None) -> None:
        """Show the figure that `draw` returns; it is called in another thread.

        `small` draws what is shown in its place, which has no room for a long title.
        """
        self._draw = draw

        def take(png: bytes) -> None:
            if draw is self._draw:
                self._picture.show_png(png)
                self.setVisible(True)

        self._background.submit(lambda: _rendered(small or draw), take)

    def clear(self) -> None:
        """Show nothing."""
        self._draw = None
        self.setVisible(False)

    def save(self, path: Path) -> None:
        """Save the plot on show, in the background."""
        draw = self._draw
        if draw is not None:
            self._background.submit(lambda: _save(draw, path), _tell)

    def _ask_path(self) -> None:
        path, chosen = QFileDialog.getSaveFileName(
            self, "Save plot as …", f"{self._name}.png", FORMATS
        )
        if path:
            suffix = ".svg" if "svg" in chosen else ".png"
            self.save(Path(path) if Path(path).suffix else Path(path).with_suffix(suffix))


class _Picture(QWidget):  # type: ignore[misc]
    """A picture that keeps its proportions."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._pixmap = QPixmap()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_png(self, png: bytes) -> None:
        """Show an encoded picture."""
        self._pixmap.loadFromData(png)
        self._fit()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the width of a dock."""
        width, height = DOCK_INCHES
        return QSize(LEAST_PX, round(LEAST_PX * height / width))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Take the height that goes with a width."""
        super().resizeEvent(event)
        self._fit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Draw the picture, smoothly scaled."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(QRectF(self.rect()), self._pixmap, QRectF(self._pixmap.rect()))

    def _fit(self) -> None:
        width, height = DOCK_INCHES
        self.setFixedHeight(round(self.width() * height / width))


def _rendered(draw: Draw) -> bytes:
    from napari_glioma_density.exchange.plots import figure_bytes

    with _one_at_a_time:
        figure = draw()
        figure.set_size_inches(*DOCK_INCHES)
        for axes in figure.axes:  # the dock says in words what a legend would
            axes.set_title(axes.get_title(loc="left"), loc="left", fontsize=9)
            if (legend := axes.get_legend()) is not None:
                legend.remove()
        return figure_bytes(figure, "png")


def _save(draw: Draw, path: Path) -> Path:
    from napari_glioma_density.exchange.plots import save_figure

    with _one_at_a_time:
        save_figure(path, draw())
    return path


def _tell(path: Path) -> None:
    from napari.utils.notifications import show_info

    show_info(f"Saved {path}")
