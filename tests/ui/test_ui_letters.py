"""Letters of the docks grow with napari's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from napari.settings import get_settings
from qtpy.QtGui import QFontInfo
from qtpy.QtWidgets import QLineEdit, QStyle, QWidget

from napari_glioma_density.ui.dock.grid_box import GridBox
from napari_glioma_density.ui.dock.letters import Letters, widened
from napari_glioma_density.ui.dock.sorted_table import SortedTable

pytestmark = pytest.mark.window


@pytest.fixture
def appearance() -> Iterator[Any]:
    appearance = get_settings().appearance
    before = appearance.font_size
    yield appearance
    appearance.font_size = before


def letters_px(widget: QWidget) -> int:
    widget.ensurePolished()
    return int(QFontInfo(widget.font()).pixelSize())


def test_headline_buttons_tables_and_what_is_typed_grow_with_naparis_letters(
    open_dock: Callable[..., Any], slide_path: Path, appearance: Any
) -> None:
    dock = open_dock(slide_path)
    table, grid_box = dock.findChild(SortedTable), dock.findChild(GridBox)
    parts = (dock.scope_box._headline, dock.scope_box._estimate, grid_box._cell)
    parts = (*parts, table, table.horizontalHeader(), dock.findChild(QLineEdit))
    appearance.font_size = 8
    small = [letters_px(part) for part in parts]
    rank_px = table.columnWidth(0)
    row_px = table.verticalHeader().defaultSectionSize()
    height_px = table.height()
    appearance.font_size = 16
    large = [letters_px(part) for part in parts]
    assert large == pytest.approx([2 * px for px in small], rel=0.1)
    assert table.verticalHeader().defaultSectionSize() >= table.fontMetrics().height() > row_px
    assert table.columnWidth(0) > rank_px
    assert table.height() > height_px


def test_the_headline_is_twice_as_large_as_a_table(
    open_dock: Callable[..., Any], slide_path: Path, appearance: Any
) -> None:
    dock = open_dock(slide_path)
    for size in (9, 16):
        appearance.font_size = size
        plain = letters_px(dock.findChild(SortedTable))
        assert letters_px(dock.scope_box._headline) == pytest.approx(2 * plain, abs=1)


def test_what_fits_a_column_fits_it_with_larger_letters(
    open_dock: Callable[..., Any], slide_path: Path, appearance: Any
) -> None:
    table = open_dock(slide_path).findChild(SortedTable)

    def needed_px() -> int:
        table.ensurePolished()
        margin = table.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, table)
        return int(table.fontMetrics().horizontalAdvance("0.00918") + 2 * (margin + 1))

    appearance.font_size = 9
    usual_px = needed_px()
    assert widened(usual_px, table) == usual_px
    for size in (12, 16, 20):
        appearance.font_size = size
        assert widened(usual_px, table) >= needed_px()


def test_a_dock_that_is_shut_follows_no_more(qapp: Any, qtbot: Any, appearance: Any) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    letters = Letters(widget)
    before = widget.styleSheet()
    letters.close()
    appearance.font_size = 16
    assert widget.styleSheet() == before
