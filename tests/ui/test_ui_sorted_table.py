"""A click on a column's head sorts, and a click on a row still means that row."""

import time
from typing import Any, NamedTuple

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from watching import Listener, shown

from napari_glioma_density.ui.dock.sorted_table import FALLING, RISING, Column, SortedTable

pytestmark = pytest.mark.window
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Place(NamedTuple):
    name: str
    percent: float | None


PLACES = (Place("b", 9.0), Place("a", 10.5), Place("d", None), Place("c", 100.0))
COLUMNS = (
    Column("", lambda each: each.name, None, width_px=40),
    Column("Name", lambda each: each.name, lambda each: each.name),
    Column("%", lambda each: f"{each.percent}", lambda each: each.percent),
)


@pytest.fixture
def table(qtbot: Any) -> SortedTable:
    made = SortedTable("Animals", COLUMNS, 200)
    made.show_rows(PLACES)
    return shown(qtbot, made)


def click_head(table: SortedTable, column: int) -> None:
    head = table.horizontalHeader()
    place = QPoint(head.sectionViewportPosition(column) + 15, head.height() // 2)
    QTest.mouseClick(head.viewport(), LEFT, NOTHING, place)


def names(table: SortedTable) -> str:
    return "".join(row[0] for row in table.texts())


def test_figures_are_sorted_as_figures_words_as_words_and_the_first_column_restores(
    table: SortedTable,
) -> None:
    assert names(table) == "badc"
    orders = []
    for column in (2, 2, 1, 1, 0, 0, 0):
        click_head(table, column)
        orders.append(names(table))
    assert orders == ["cabd", "bacd", "abcd", "dcba", "badc", "cdab", "badc"]


def test_the_head_tells_what_is_sorted_and_how(table: SortedTable) -> None:
    def heads() -> list[str]:
        return [table.model().headerData(column, Qt.Orientation.Horizontal) for column in range(3)]

    assert heads() == ["", "Name", "%"]
    click_head(table, 2)
    assert heads() == ["", "Name", "%" + FALLING]
    click_head(table, 1)
    assert heads() == ["", "Name" + RISING, "%"]


def test_a_clicked_row_is_told_by_its_place_among_those_given(table: SortedTable) -> None:
    listener = Listener(table.row_clicked)
    click_head(table, 2)
    for row in range(4):
        place = table.visualRect(table.model().index(row, 1)).center()
        QTest.mouseClick(table.viewport(), LEFT, NOTHING, place)
    assert [PLACES[place].name for place in listener.heard] == ["c", "a", "b", "d"]


def test_the_chosen_row_stays_chosen_when_sorted_and_new_rows_keep_the_order(
    table: SortedTable,
) -> None:
    table.choose(1)
    click_head(table, 2)
    assert table.chosen == 1
    assert table.selectionModel().selectedRows()[0].row() == 1
    table.show_rows((*PLACES, Place("e", 50.0)))
    assert names(table) == "ceabd"
    assert table.chosen is None


def test_a_hundred_thousand_rows_are_sorted_at_once(table: SortedTable) -> None:
    rows = [Place(str(place), float(place * 7919 % 100_003)) for place in range(100_000)]
    began = time.process_time()
    table.show_rows(rows)
    click_head(table, 2)
    assert time.process_time() - began < 2
    assert table.model().index(0, 2).data() == f"{max(place.percent for place in rows)}"
