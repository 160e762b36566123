"""Font sizes of a dock, which follow the size chosen in napari's settings.

napari's style sheet leaves tables and what is typed at the size of the system's letters.
"""

from enum import StrEnum

from napari.settings import get_settings
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QFontInfo
from qtpy.QtWidgets import QTableView, QWidget

from napari_glioma_density.ui.connections import Connections

PROPERTY = "letters"
USUAL_PX, USUAL_ROW_PX = 12, 22
"""Height of letters, and of a table's rows, at the size that napari comes with."""
ABOVE_AND_BELOW_PX = 8
MARGINS_PX = 6
"""Left and right of letters in a column; they stay as they are."""
FOLLOW = (
    QEvent.Type.FontChange,
    QEvent.Type.StyleChange,
    QEvent.Type.Polish,
)


class Large(StrEnum):
    """What has larger letters than the rest."""

    HEADLINE = "headline"
    TITLE = "title"
    ACTION = "action"
    STOP = "stop"


TIMES = {Large.HEADLINE: 2.0, Large.TITLE: 1.33, Large.ACTION: 1.44, Large.STOP: 1.44}
MORE = {Large.ACTION: "font-weight: bold; padding: 8px;", Large.STOP: "padding: 8px;"}


def enlarge(widget: QWidget, large: Large) -> None:
    """Give a part of a dock larger letters."""
    widget.setProperty(PROPERTY, str(large))


def style_sheet(size_pt: float) -> str:
    """Return the style sheet of a dock for one of napari's sizes of letters."""
    plain = "QTableView, QHeaderView, QLineEdit, QAbstractSpinBox"
    rules = [
        f"{plain} {{ font-size: {size_pt:g}pt; }}",
        "QAbstractSpinBox { min-width: 5em; }",  # Qt forgets the room that its buttons take
    ]
    for large, times in TIMES.items():
        size = f"font-size: {round(size_pt * times)}pt;"
        rules.append(f'*[{PROPERTY}="{large}"] {{ {size} {MORE.get(large, "")} }}')
    return "\n".join(rules)


class Letters:
    """Keeps the letters of a dock in step with napari's setting, until it is closed."""

    def __init__(self, dock: QWidget) -> None:
        self._dock = dock
        self._connections = Connections()
        self._connections.add(get_settings().appearance.events.font_size, self._follow)
        self._follow()

    def close(self) -> None:
        """Follow no more."""
        self._connections.close()

    def _follow(self, *_: object) -> None:
        self._dock.setStyleSheet(style_sheet(get_settings().appearance.font_size))


class _Fit(QObject):  # type: ignore[misc]
    """Lives as long as its table."""

    def __init__(self, table: QTableView, height_px: int | None) -> None:
        super().__init__(table)
        self._table, self._height_px = table, height_px
        table.installEventFilter(self)
        self._fit()

    def eventFilter(self, _: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() in FOLLOW:
            self._fit()
        return False

    def _fit(self) -> None:
        row_px = row_height(self._table)
        if self._table.verticalHeader().defaultSectionSize() != row_px:
            self._table.verticalHeader().setDefaultSectionSize(row_px)
        if self._height_px is not None:
            self._table.setFixedHeight(round(self._height_px * row_px / USUAL_ROW_PX))


def fit_rows(table: QTableView, height_px: int | None = None) -> None:
    """Have the rows of a table as high as its letters need, whatever they come to.

    `height_px` is the table's own height with letters of the usual size; none leaves it free.
    """
    _Fit(table, height_px)


def row_height(table: QTableView) -> int:
    """Return what a row needs, in px."""
    return max(USUAL_ROW_PX, int(table.fontMetrics().height()) + ABOVE_AND_BELOW_PX)


def widened(px: int, widget: QWidget) -> int:
    """Return a width in px, meant for letters of the usual size, for those that a widget has."""
    times = max(1.0, QFontInfo(widget.font()).pixelSize() / USUAL_PX)
    return int(MARGINS_PX + (px - MARGINS_PX) * times)
