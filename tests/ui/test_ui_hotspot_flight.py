"""Ten presses of a key show the ten densest places; another key leaves one out for a reason."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from painted_slide import write_slide
from qtpy.QtCore import QEvent, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu
from quick_segmenter import DarkPixels

from napari_glioma_density.errors import StoreError
from napari_glioma_density.estimate import prepare
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui.hotspot import Hotspot
from napari_glioma_density.ui.hotspots import FAILED, SEARCHING

pytestmark = pytest.mark.window
LONG = 60_000
HEIGHT, WIDTH = 2400, 2900
"""Of µm, which are level-0 px: five mm² of tissue, room for ten circles."""
COARSE = {"resolution": (10_000, 10_000)}
CIRCLE_MM2 = 0.24
FILLED = 0.4, 0.9


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide that was estimated; to be copied with what lies beside it."""
    slide = write_slide(
        tmp_path_factory.mktemp("large") / "H24-00777.tiff", HEIGHT, WIDTH, **COARSE
    )
    with closing(prepare(open_slide(slide), DarkPixels())) as estimation:
        list(estimation.blocks())
    return slide


@pytest.fixture
def dock(open_dock: Callable[..., Any], large: Path, tmp_path: Path, qtbot: Any) -> Any:
    slide = Path(shutil.copytree(large.parent, tmp_path / "slides")) / large.name
    dock = open_dock(slide, show=True)
    dock.session.viewer.window.resize(1200, 800)
    qtbot.waitUntil(lambda: len(dock.session.hotspots.spots) == 10, timeout=LONG)
    qtbot.waitUntil(lambda: not dock.session.overlays._waiting, timeout=LONG)
    return dock


@pytest.fixture
def circles(dock: Any, qtbot: Any) -> Any:
    """The dock once circles are ranked in place of cells."""
    dock.hotspot_box._kind.value = CIRCLE_MM2
    hotspots = dock.session.hotspots
    qtbot.waitUntil(lambda: bool(hotspots.spots) and not hotspots.searching, timeout=LONG)
    return dock


def press(dock: Any, key: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(dock.session.viewer.window._qt_viewer.canvas.native, key, modifier)
    QApplication.processEvents()


def places_flown_to(dock: Any, presses: int) -> list[Hotspot]:
    """Press N so often; every place has to lie in the middle, and fill the canvas well."""
    flown: list[Hotspot] = []
    viewer = dock.session.viewer
    for _ in range(presses):
        press(dock, Qt.Key.Key_N)
        spot = dock.session.hotspots.chosen
        um = dock.session.shown.spec.um_per_px
        left, top, right, bottom = (edge * um for edge in spot.outline.bounds)
        centre = (top + bottom) / 2, (left + right) / 2
        assert viewer.scene.camera.center[-2:] == pytest.approx(centre, abs=0.01)
        height, width = (side / viewer.scene.camera.zoom for side in viewer.canvas.size)
        filled = max((bottom - top) / height, (right - left) / width)
        assert FILLED[0] <= filled <= FILLED[1]
        flown.append(spot)
    return flown


def leave_out(dock: Any, reason: Reason, qtbot: Any) -> None:
    """Press Shift-X and choose a reason; wait until it is measured."""
    before = dock.session.snapshot.totals.read_mm2
    press(dock, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    (menu,) = dock.hotspot_box.findChildren(QMenu)
    said = {action.text(): action for action in menu.actions()}
    title, *choices = menu.actions()
    assert title.text() == f"Leave hotspot {dock.session.hotspots.chosen.name} out as"
    assert len(choices) == len(Reason)
    said[reason.value.capitalize()].trigger()
    menu.close()
    qtbot.waitUntil(lambda: dock.session.snapshot.totals.read_mm2 < before, timeout=LONG)


def summary_of(dock: Any, folder: Path, qtbot: Any) -> dict[str, Any]:
    dock.hotspot_box.save(folder)
    path = folder / "summary.json"
    qtbot.waitUntil(path.exists, timeout=LONG)
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_ten_presses_show_the_ten_densest_cells(dock: Any, tmp_path: Path, qtbot: Any) -> None:
    cells = dock.session.snapshot.hotspots
    flown = places_flown_to(dock, 10)
    assert [spot.name for spot in flown] == [cell.address for cell in cells]
    densities = [cell.tissue_density_percent for cell in cells]
    assert densities == sorted(densities, reverse=True)
    for spot, cell in zip(flown, cells, strict=True):
        assert spot.outline.bounds[:2] == pytest.approx((cell.x_um, cell.y_um))
        assert spot.tissue_density_percent == cell.tissue_density_percent
    (first,) = places_flown_to(dock, 1)
    assert first == flown[0]
    assert_gives_way(dock, first, tmp_path, qtbot)


def assert_gives_way(dock: Any, spot: Hotspot, tmp_path: Path, qtbot: Any) -> None:
    """Leave the densest cell out: the others move up, and the tables say what was left out."""
    session = dock.session
    before, read_mm2 = session.hotspots.spots, session.snapshot.totals.read_mm2
    leave_out(dock, Reason.NECROSIS, qtbot)
    qtbot.waitUntil(lambda: session.hotspots.spots != before, timeout=LONG)
    after = [place.name for place in session.hotspots.spots]
    assert after[:9] == [place.name for place in before[1:]]
    assert len(set(after)) == 10
    (region,) = RegionFile.open(session.shown.store).regions()
    assert (region.reason, region.geometry) == (Reason.NECROSIS, spot.outline)
    out_mm2 = read_mm2 - session.snapshot.totals.read_mm2
    assert out_mm2 == pytest.approx(spot.outline.area / 1e6)
    figures = summary_of(dock, tmp_path / "tables", qtbot)
    assert figures["excluded"]["read_mm2_by_reason"] == {"necrosis": round(out_mm2, 6)}
    assert [place["cell"] for place in figures["hotspots"]] == after
    assert places_flown_to(dock, 1)[0].name == after[0]


def test_the_row_of_the_hotspot_that_is_marked_is_chosen(dock: Any) -> None:
    session, table = dock.session, dock.hotspot_box._table
    for place in range(2):
        session.hotspots.next()
        assert table.chosen == place
    session.cells.choose(*session.hotspots.spots[0].cell)
    assert table.chosen == 0
    session.cells.forget()
    assert table.chosen is None


def test_what_is_left_out_is_what_is_marked_not_what_was_flown_to_before(dock: Any) -> None:
    session, box = dock.session, dock.hotspot_box
    assert not box._leave_out.isEnabled(), "nothing is marked"
    first, second = places_flown_to(dock, 2)
    assert session.hotspots.marked == second
    session.cells.choose(*first.cell)
    assert session.hotspots.marked == first
    cold = next(cell for cell in session.snapshot.cells if not _is_hotspot(cell, session))
    session.cells.choose(cold.row, cold.column)
    assert session.hotspots.marked is None
    assert not box._leave_out.isEnabled()
    press(dock, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)
    assert not box.findChildren(QMenu)
    assert "click one first" in dock.problem.line.text()


def test_a_hotspot_of_a_slide_that_was_left_is_no_longer_marked(circles: Any, qtbot: Any) -> None:
    session = circles.session
    places_flown_to(circles, 1)
    assert session.hotspots.marked is not None
    session.viewer.layers.remove(session.slides.current)
    qtbot.waitUntil(lambda: session.snapshot is None, timeout=LONG)
    assert session.hotspots.marked is None


def _is_hotspot(cell: Any, session: Any) -> bool:
    return (cell.row, cell.column) in {spot.cell for spot in session.hotspots.spots}


def test_a_second_reader_is_not_flown_to_what_the_model_found(dock: Any) -> None:
    session = dock.session
    before = session.viewer.scene.camera.center
    session.blind(True)
    session.hotspots.next()
    assert (session.hotspots.chosen, session.viewer.scene.camera.center) == (None, before)
    assert "second reader" in dock.problem.line.text()
    session.blind(False)
    places_flown_to(dock, 1)


def test_circles_are_hidden_with_the_overlays_from_a_second_reader_and_with_the_dock(
    circles: Any,
) -> None:
    session, layers = circles.session, circles.session.viewer.layers
    assert layers["hotspots"].visible
    press(circles, Qt.Key.Key_H)
    assert not layers["hotspots"].visible
    press(circles, Qt.Key.Key_H)
    assert layers["hotspots"].visible
    session.blind(True)
    press(circles, Qt.Key.Key_H)
    press(circles, Qt.Key.Key_H)
    assert "hotspots" not in layers
    session.blind(False)
    assert layers["hotspots"].visible
    session.viewer.window.remove_dock_widget(circles)
    assert "hotspots" not in layers


def test_a_circle_that_fits_nowhere_is_told(dock: Any, qtbot: Any) -> None:
    session = dock.session
    session.hotspots.choose_kind(5.0)
    qtbot.waitUntil(lambda: session.hotspots.fits_nowhere, timeout=LONG)
    assert (
        dock.hotspot_box._note.text()
        == "The tissue of this slide is too small for a circle of 5 mm²."
    )
    press(dock, Qt.Key.Key_N)
    assert dock.problem.line.text() == dock.hotspot_box._note.text()


def test_what_was_left_out_is_taken_back(dock: Any, qtbot: Any) -> None:
    session, button = dock.session, dock.hotspot_box._take_back
    before, read_mm2 = session.hotspots.spots, session.snapshot.totals.read_mm2
    assert button.isHidden()
    places_flown_to(dock, 1)
    leave_out(dock, Reason.NECROSIS, qtbot)
    qtbot.waitUntil(lambda: not button.isHidden(), timeout=LONG)
    button.click()
    qtbot.waitUntil(button.isHidden, timeout=LONG)
    qtbot.waitUntil(lambda: session.snapshot.totals.read_mm2 == read_mm2, timeout=LONG)
    qtbot.waitUntil(lambda: session.hotspots.spots == before, timeout=LONG)
    assert RegionFile.open(session.shown.store).regions() == ()


def test_a_table_held_still_under_the_pointer_flies_to_what_it_says(dock: Any, qtbot: Any) -> None:
    session, table = dock.session, dock.hotspot_box._table
    first, second = session.hotspots.spots[:2]
    table.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    places_flown_to(dock, 1)
    leave_out(dock, Reason.NECROSIS, qtbot)
    qtbot.waitUntil(lambda: session.hotspots.spots[0] == second, timeout=LONG)
    for row, spot in enumerate((first, second)):
        assert table.texts()[row][1] == spot.name
        table.row_clicked.emit(row)
        assert session.cells.chosen == spot.cell
        assert session.viewer.scene.camera.center[-2:] == pytest.approx(spot.view.centre)
    QApplication.sendEvent(table, QEvent(QEvent.Type.Leave))
    assert [row[1] for row in table.texts()] == [spot.name for spot in session.hotspots.spots]


def test_taking_back_is_offered_for_what_is_left_out_on_disk(
    dock: Any, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    session, button = dock.session, dock.hotspot_box._take_back
    places_flown_to(dock, 1)
    leave_out(dock, Reason.NECROSIS, qtbot)
    qtbot.waitUntil(lambda: not button.isHidden(), timeout=LONG)
    file = RegionFile.open(session.shown.store)
    file.remove(file.regions()[0].id)  # as where it is undone among the regions
    session.exclusions.refresh()
    qtbot.waitUntil(button.isHidden, timeout=LONG)

    def full(*_: Any) -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(RegionFile, "put", full)
    session.hotspots.fly(0)
    session.hotspots.leave_out(Reason.NECROSIS)
    qtbot.waitUntil(lambda: "full" in dock.problem.line.text(), timeout=LONG)
    assert button.isHidden()
    assert session.hotspots.left_out is None


def test_a_failed_search_for_circles_does_not_speak_of_little_tissue(dock: Any, qtbot: Any) -> None:
    session = dock.session
    shutil.rmtree(session.shown.store)
    session.hotspots.choose_kind(CIRCLE_MM2)
    session.hotspots.next()
    qtbot.waitUntil(lambda: not session.hotspots.searching, timeout=LONG)
    assert dock.problem.line.text() not in ("", SEARCHING)
    assert not session.hotspots.fits_nowhere
    assert dock.hotspot_box._note.text() == ""
    press(dock, Qt.Key.Key_N)
    assert dock.problem.line.text() == FAILED


def test_ten_presses_show_ten_circles_that_share_no_tissue(
    circles: Any, tmp_path: Path, qtbot: Any
) -> None:
    hotspots = circles.session.hotspots
    assert len(hotspots.spots) == 10
    flown = places_flown_to(circles, 10)
    assert flown == list(hotspots.spots)
    for number, spot in enumerate(flown):
        assert spot.outline.area / 1e6 == pytest.approx(CIRCLE_MM2, rel=0.01)
        assert all(
            spot.outline.intersection(other.outline).area < 1 for other in flown[number + 1 :]
        )
    last = flown[-1]
    leave_out(circles, Reason.VESSEL, qtbot)
    qtbot.waitUntil(lambda: list(hotspots.spots) != flown and not hotspots.searching, timeout=LONG)
    assert last not in hotspots.spots
    for spot in hotspots.spots:
        counted_mm2 = spot.outline.difference(last.outline).area / 1e6
        assert spot.tissue_mm2 <= counted_mm2 * 1.005
    (region,) = RegionFile.open(circles.session.shown.store).regions()
    assert (region.reason, region.geometry) == (Reason.VESSEL, last.outline)
    told = summary_of(circles, tmp_path / "tables", qtbot)["excluded"]["read_mm2_by_reason"]
    assert told == {"vessel": pytest.approx(CIRCLE_MM2, rel=0.005)}
