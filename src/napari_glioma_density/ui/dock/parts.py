"""Pieces the boxes of the dock are made of."""

from collections.abc import Iterable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QGraphicsOpacityEffect,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_glioma_density.ui.dock.letters import Large, enlarge, fit_rows

QUIET = 0.7
"""Opacity of text that steps back."""


class Box(QWidget):  # type: ignore[misc]
    """A titled part of the dock; children go into `body`, from top to bottom.

    Whoever rests on the title reads `tip`.
    """

    def __init__(self, title: str, tip: str = "") -> None:
        super().__init__()
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(5)
        heading = QLabel(title)
        heading.setToolTip(tip)
        heading.setStyleSheet(
            "font-weight: bold; border-bottom: 1px solid #5b6470; padding: 2px 4px;"
        )
        self.body.addWidget(heading)


def text(
    content: str = "", *, quiet: bool = False, large: Large | None = None, wrap: bool = True
) -> QLabel:
    """Return a label; `quiet` text steps back, `large` text stands out."""
    label = QLabel(content)
    if quiet:  # in whatever colour the theme has, so that it can be read in light ones, too
        veil = QGraphicsOpacityEffect(label)
        veil.setOpacity(QUIET)
        label.setGraphicsEffect(veil)
    label.setWordWrap(wrap)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if large is not None:
        enlarge(label, large)
    return label


def row(widgets: Iterable[QWidget], stretch: int = -1) -> QHBoxLayout:
    """Return widgets side by side; the one at index `stretch` takes the room that is left."""
    line = QHBoxLayout()
    line.setContentsMargins(0, 0, 0, 0)
    for index, widget in enumerate(widgets):
        line.addWidget(widget, 1 if index == stretch else 0)
    return line


def form() -> QFormLayout:
    """Return a form whose labels stand left in one column."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setVerticalSpacing(3)
    layout.setHorizontalSpacing(10)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return layout


def list_of_rows(
    name: str, columns: Sequence[str], height_px: int, narrow: Iterable[int]
) -> QTableWidget:
    """Return a table of which one row at a time is chosen; `narrow` columns fit their contents."""
    table = QTableWidget(0, len(columns))
    table.setAccessibleName(name)
    table.setHorizontalHeaderLabels(columns)
    table.verticalHeader().hide()
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
    for column in narrow:
        table.horizontalHeader().setSectionResizeMode(
            column, QHeaderView.ResizeMode.ResizeToContents
        )
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setShowGrid(False)
    fit_rows(table, height_px)
    return table


def keep_focus_elsewhere(button: QPushButton) -> None:
    """Let a click leave the focus where it is.

    A button that is pressed and then disabled hands the focus to the next control, and the dock
    scrolls to that.
    """
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)


def bring_into_view(widget: QWidget) -> None:
    """Scroll the dock until a part of it is seen."""
    around = widget.parentWidget()
    while around is not None and not isinstance(around, QScrollArea):
        around = around.parentWidget()
    if around is not None:
        around.ensureWidgetVisible(widget)


def right_aligned(content: str) -> QTableWidgetItem:
    """Return a cell of such a table."""
    item = QTableWidgetItem(content)
    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return item
