"""The *Regions* dock in a window, driven by pointer and keys."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapely
from napari.layers import Layer
from painted_slide import write_slide
from pathologist import LONG_S, Pathologist, regions_window
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QStyle

from napari_glioma_density.density import PatchState
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.decay import Side
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.reader import read_slide
from napari_glioma_density.ui.regions.cells_box import COLUMNS, FILLING, CellsBox
from napari_glioma_density.ui.regions.compare_box import compare_places
from napari_glioma_density.ui.regions.desk import RegionShelf
from napari_glioma_density.ui.regions.places import SLIDE
from napari_glioma_density.ui.regions.profile_box import Measures, _draw, measure_profile
from napari_glioma_density.ui.regions.purpose import Purpose
from napari_glioma_density.ui.regions.tools import Tool

pytestmark = pytest.mark.window
UM = 0.5


@pytest.fixture(scope="module")
def window(qapp: Any) -> Iterator[Pathologist]:
    with regions_window() as made:
        yield made


@pytest.fixture
def at_work(window: Pathologist, estimated_slide: Path) -> Iterator[Pathologist]:
    window.open(estimated_slide)
    yield window
    window.leave()


def begin_a_polygon(at_work: Pathologist) -> None:
    """Set two corners, and no end."""
    for corner in ((400, 100), (400, 400)):
        at_work.move(at_work.on_screen(corner))
        QTest.mouseClick(at_work.canvas, Qt.MouseButton.LeftButton, pos=at_work.on_screen(corner))
        at_work.rest(20)


def slide_layer(path: Path) -> Layer:
    return Layer.create(*read_slide(str(path))[0])


def covered_mm2(region: Region) -> float:
    """Level-0 px, here those of the working plane, whose centre lies in a region."""
    left, top, right, bottom = (int(side) for side in region.geometry.bounds)
    y, x = np.mgrid[top : bottom + 2, left : right + 2] + 0.5
    return float(np.count_nonzero(shapely.contains_xy(region.geometry, x, y)) * (UM / 1000) ** 2)


def test_what_is_drawn_and_left_out_leaves_the_numbers_and_comes_back_with_undo(
    at_work: Pathologist,
) -> None:
    before = at_work.session.snapshot.totals
    at_work.take(Purpose.LEFT_OUT, Tool.POLYGON)
    at_work.click((100, 100), (100, 400), (300, 400), (300, 100))
    at_work.wait(lambda: at_work.desk.regions)
    at_work.settle()
    (region,) = at_work.on_disk()
    assert region.reason is Reason.NECROSIS
    assert region.geometry.area * UM**2 == pytest.approx(300 * 200, rel=0.05)
    after = at_work.session.snapshot.totals
    assert before.read_mm2 - after.read_mm2 == pytest.approx(covered_mm2(region), rel=1e-9)
    assert at_work.rows()[0][1] == "necrosis"
    assert "left out" not in at_work.viewer.layers, "the dock draws it itself"
    left_out = square_mm(covered_mm2(region))
    said = at_work.dock.list_box._summary.text()
    assert said == f"Left out {left_out} mm²: necrosis {left_out}."
    at_work.dock.actions.choose_tool(None)
    QTest.keyClick(at_work.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    at_work.settle()
    assert at_work.on_disk() == ()
    assert at_work.session.snapshot.totals == before
    assert not any(at_work.problems)


def test_undo_spares_the_region_before_while_another_is_being_drawn(at_work: Pathologist) -> None:
    at_work.take(Purpose.LEFT_OUT, Tool.POLYGON)
    at_work.click((100, 100), (100, 400), (300, 400), (300, 100))
    at_work.wait(lambda: at_work.desk.regions)
    at_work.settle()
    earlier = at_work.on_disk()
    begin_a_polygon(at_work)
    QTest.keyClick(at_work.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    at_work.settle()
    assert at_work.on_disk() == earlier
    assert at_work.problems[-1].startswith("Nothing is taken back while a drawing is begun")
    at_work.dock.actions.choose_tool(None)
    at_work.problems.clear()
    QTest.keyClick(at_work.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    at_work.settle()
    assert at_work.on_disk() == ()
    assert not any(at_work.problems)


def test_a_drawing_whose_layer_is_deleted_is_begun_no_more(at_work: Pathologist) -> None:
    at_work.take(Purpose.LEFT_OUT, Tool.POLYGON)
    begin_a_polygon(at_work)
    assert at_work.dock.drawing.is_begun
    at_work.viewer.layers.remove(at_work.viewer.layers.selection.active)
    assert not at_work.dock.drawing.is_begun


def test_a_hotspot_that_was_left_out_comes_back_with_undo_or_by_itself(
    at_work: Pathologist,
) -> None:
    hotspots, totals = at_work.session.hotspots, at_work.session.snapshot.totals
    for take_back in (at_work.dock.actions.undo, hotspots.take_back):
        hotspots.fly(0)
        hotspots.leave_out(Reason.VESSEL)
        at_work.wait(lambda: at_work.desk.regions)
        at_work.settle()
        assert at_work.on_disk()[0].reason is Reason.VESSEL
        assert at_work.session.snapshot.totals != totals
        take_back()
        at_work.wait(lambda: not at_work.desk.regions)
        at_work.settle()
        assert at_work.on_disk() == ()
        assert at_work.session.snapshot.totals == totals
    assert not at_work.desk.can_undo


def test_an_import_is_taken_back_whole_by_one_undo(at_work: Pathologist, tmp_path: Path) -> None:
    area = Region.drawn(RegionKind.AREA, shapely.box(100, 100, 300, 300), name="core")
    at_work.desk.put(area)
    at_work.settle()
    before, totals = at_work.on_disk(), at_work.session.snapshot.totals
    moved = shapely.box(150, 100, 350, 300)
    drawn = ((area.id, moved, "Area"), ("", shapely.box(400, 400, 600, 600), "Necrosis"))
    features = [
        {
            "type": "Feature",
            "id": number or "5b3f3c2e-62d4-4d0f-8c0e-1d1f6a1b2c3d",
            "geometry": shapely.geometry.mapping(outline),
            "properties": {"objectType": "annotation", "classification": {"name": name}},
        }
        for number, outline, name in drawn
    ]
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    at_work.main.export_box.read(path)
    at_work.wait(lambda: len(at_work.desk.regions) == 2)
    at_work.settle()
    assert at_work.main.export_box._said.text() == "Read from drawn.geojson: 2 regions"
    assert at_work.desk.region(area.id).geometry.equals(moved)
    assert at_work.session.snapshot.totals != totals
    QTest.keyClick(at_work.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    at_work.settle()
    assert at_work.on_disk() == before
    assert at_work.session.snapshot.totals == totals
    assert not any(at_work.problems)


def test_strokes_of_the_brush_join_and_the_eraser_takes_away(at_work: Pathologist) -> None:
    at_work.dock.draw_box._radius.setValue(40)
    at_work.take(Purpose.LEFT_OUT, Tool.BRUSH)
    for stroke in [((200, 100), (200, 250), (200, 400)), ((100, 250), (200, 250), (300, 250))]:
        at_work.drag(*stroke)
        at_work.settle()
    (cross,) = at_work.desk.regions
    assert cross.geometry.area * UM**2 > 1.5 * (300 * 80)
    at_work.take(Purpose.LEFT_OUT, Tool.ERASER)
    at_work.drag((100, 250), (200, 250), (300, 250))
    at_work.settle()
    (rest,) = at_work.desk.regions
    assert rest.id == cross.id
    assert len(shapely.get_parts(rest.geometry)) == 2
    at_work.drag((200, 20), (200, 250), (200, 440), (200, 520), (200, 560))
    at_work.settle()
    assert at_work.on_disk() == ()


def test_a_dragged_corner_moves_the_region_on_disk(at_work: Pathologist) -> None:
    square = Region.drawn(RegionKind.AREA, shapely.box(200, 200, 600, 600), name="A")
    at_work.desk.put(square)
    at_work.settle()
    at_work.desk.choose(square)
    at_work.press(at_work.dock.list_box._edit)
    at_work.rest(100)
    corner = at_work.dock.drawing._layer.data[0][0]
    outwards = np.sign(corner - 200) * 100
    at_work.drag(corner, corner + outwards / 10, corner + outwards / 2, corner + outwards)
    at_work.settle()
    (moved,) = at_work.on_disk()
    assert moved.id == square.id
    assert moved.geometry.area > 1.2 * square.geometry.area
    at_work.press(at_work.dock.list_box._edit)
    assert at_work.dock.drawing.region is None


def test_name_reason_and_left_out_can_be_changed(at_work: Pathologist) -> None:
    box = at_work.dock.list_box
    fold = Region.drawn(
        RegionKind.EXCLUSION,
        shapely.box(200, 200, 600, 600),
        reason=Reason.FOLD,
        origin=Origin.AUTOMATIC,
    )
    at_work.desk.put(fold)
    at_work.desk.choose(fold)
    box._reason.value = Reason.PEN
    at_work.settle()
    assert at_work.on_disk()[0].reason is Reason.PEN
    box._out.click()
    at_work.settle()
    (counted,) = at_work.on_disk()
    assert (counted.kind, counted.name) == (RegionKind.AREA, "pen")
    box._name.selectAll()
    QTest.keyClicks(box._name, "tumour")
    QTest.keyClick(box._name, Qt.Key.Key_Return)
    at_work.settle()
    assert at_work.on_disk()[0].name == "tumour"
    at_work.press(box._delete)
    at_work.settle()
    assert at_work.on_disk() == ()


def test_a_chosen_border_is_not_asked_why_it_is_left_out(at_work: Pathologist) -> None:
    box = at_work.dock.list_box
    line = shapely.LineString([(10, 10), (400, 400)])
    border = Region.drawn(RegionKind.BORDER, line, name="edge")
    area = Region.drawn(RegionKind.AREA, shapely.box(0, 0, 480, 480), name="A")
    at_work.desk.put(border, area)
    for chosen, hidden in ((border, True), (area, False), (None, False)):
        at_work.desk.choose(chosen)
        assert (box._out.isHidden(), box._reason.native.isHidden()) == (hidden, hidden)
        assert box._reason.native.isEnabled() == (chosen is area)


def test_a_name_typed_without_enter_is_that_of_the_region_it_was_typed_for(
    at_work: Pathologist,
) -> None:
    first, second = (
        Region.drawn(RegionKind.AREA, shapely.box(side, side, side + 90, side + 90), name=name)
        for side, name in ((100, "a"), (300, "b"))
    )
    at_work.desk.put(first, second)
    at_work.desk.choose(first)
    QTest.keyClicks(at_work.dock.list_box._name, "lot")
    at_work.desk.choose(second)
    at_work.settle()
    assert {region.name for region in at_work.on_disk()} == {"alot", "b"}
    assert at_work.dock.list_box._name.text() == "b"


def test_a_name_typed_without_enter_stays_with_its_region_when_another_slide_is_opened(
    at_work: Pathologist, tmp_path: Path
) -> None:
    region = Region.drawn(RegionKind.AREA, shapely.box(100, 100, 190, 190), name="a")
    at_work.desk.put(region)
    at_work.desk.choose(region)
    at_work.settle()
    box, store = at_work.dock.list_box, at_work.session.shown.store
    box._name.setFocus()
    QTest.keyClicks(box._name, "lot")
    at_work.viewer.add_layer(slide_layer(write_slide(tmp_path / "other.tiff", 700, 900)))
    at_work.wait(lambda: [each.name for each in RegionFile.open(store).regions()] == ["alot"])
    assert box._name.text() == ""


def test_the_list_is_sorted_by_a_click_and_its_rows_still_mean_their_region(
    at_work: Pathologist,
) -> None:
    small, large = (
        Region.drawn(RegionKind.AREA, shapely.box(100, 100, side, side), name=name)
        for side, name in ((400, "b"), (900, "a"))
    )
    at_work.desk.put(small, large)
    at_work.settle()
    table = at_work.dock.list_box._table
    names = []
    for column in (0, 2, 1, 0):
        if column or names:
            table.sort_by(column)
        names.append("".join(row[1][-1] for row in at_work.rows()))
    assert names == ["ba", "ab", "ab", "ba"]
    table.sort_by(2)
    table.clicked.emit(table.model().index(0, 1))
    assert at_work.desk.chosen.id == large.id
    assert table.selectionModel().selectedRows()[0].row() == 0
    table.sort_by(2)
    assert table.selectionModel().selectedRows()[0].row() == 1
    table.sort_by(0)


def test_regions_of_another_window_show_after_reload(at_work: Pathologist) -> None:
    other = RegionShelf(at_work.session.slides.slide, at_work.session.shown.store)
    drawn = Region.drawn(RegionKind.AREA, shapely.box(0, 0, 300, 300), name="theirs")
    other.ask({drawn.id: drawn})
    other.flush()
    assert at_work.desk.regions == ()
    at_work.press(at_work.dock.list_box._reload)
    at_work.wait(lambda: at_work.desk.regions == (drawn,))


def test_the_key_that_hides_overlays_hides_regions_too(at_work: Pathologist) -> None:
    at_work.desk.put(Region.drawn(RegionKind.AREA, shapely.box(0, 0, 300, 300), name="A"))
    layers = at_work.dock.overlay.layers
    assert len(layers) == 3
    QTest.keyClick(at_work.canvas, Qt.Key.Key_H)
    assert not any(layer.visible for layer in layers)
    QTest.keyClick(at_work.canvas, Qt.Key.Key_H)
    assert all(layer.visible for layer in layers)


def test_what_is_hidden_from_a_second_reader_is_said_at_the_top(at_work: Pathologist) -> None:
    session, note = at_work.dock.session, at_work.dock._hidden_note
    session.blind(True)
    at_work.wait(note.isVisible)
    assert note.alignment() & Qt.AlignmentFlag.AlignTop
    at_work.wait(lambda: note.height() > at_work.dock.height() / 2)
    session.blind(False)
    assert not note.isVisible()


def test_a_region_is_compared_with_reference_tissue(at_work: Pathologist) -> None:
    box = at_work.dock.compare_box
    drawn = Region.drawn(RegionKind.AREA, shapely.box(0, 0, 960, 1400), name="A")
    grey = Region.drawn(RegionKind.REFERENCE, shapely.box(960, 0, 1440, 1400), name="grey matter")
    at_work.desk.put(drawn, grey)
    at_work.settle()
    at_work.wait(lambda: "A over Reference: grey matter" in box._result.text())
    sums = at_work.dock.figures.latest.sums
    ratio = sums[drawn.id].tissue_density_percent / sums[grey.id].tissue_density_percent
    assert f"A over Reference: grey matter: {ratio:.2f}" in box._result.text()


def test_the_whole_slide_is_as_sure_in_a_comparison_as_in_its_total(at_work: Pathologist) -> None:
    drawn = Region.drawn(RegionKind.AREA, shapely.box(0, 0, 480, 960), name="A")
    at_work.desk.put(drawn)
    at_work.settle()
    figures, grid = at_work.dock.figures.latest, at_work.session.snapshot.grid
    error = DensityError(0.1, 0.05, 0.0, 5, Basis(5, 5, ("made up",)))

    def half(pending: bool) -> float:
        state = figures.findings.snapshot.patches.state.copy()
        state[0, 0] = PatchState.PENDING if pending else state[0, 0]
        shown = figures.findings.snapshot
        shown = replace(shown, patches=replace(shown.patches, state=state))
        seen = replace(figures, findings=replace(figures.findings, snapshot=shown))
        found = compare_places(f"region:{drawn.id}", SLIDE, seen, grid, error)
        assert found is not None
        assert found.comparison is not None
        low, high = found.comparison.difference_interval
        return (high - low) / 2

    a, slide = (
        sums.tissue_density_percent
        for sums in compare_places(f"region:{drawn.id}", SLIDE, figures, grid, error)[:2]
    )
    of_part = np.hypot(error.tissue_sd(a), error.slide_sd(a) - error.slide_sd(slide))
    assert half(pending=False) == pytest.approx(error.factor * of_part)
    assert half(pending=True) == pytest.approx(
        error.factor * np.hypot(of_part, error.tissue_sd(slide))
    )


def test_density_against_the_distance_from_a_border_is_plotted_and_saved(
    at_work: Pathologist, tmp_path: Path
) -> None:
    at_work.take(Purpose.BORDER, Tool.PIECES)
    at_work.click((100, 300), (350, 320), (600, 300))
    at_work.wait(lambda: at_work.desk.regions)
    at_work.settle()
    (border,) = at_work.on_disk()
    assert (border.kind, border.name) == (RegionKind.BORDER, "Border 1")
    box = at_work.dock.profile_box
    at_work.dock.body.setCurrentIndex(1)
    box._reach.setValue(400)
    at_work.press(box._measure)
    at_work.wait(box.plot.isVisible)
    assert box._result.text().startswith("Slope")
    for side, is_left in ((Side.RIGHT, False), (Side.LEFT, True), (Side.BOTH, True)):
        found = measure_profile(border, at_work.dock.figures.latest, Measures(400, 50, side))
        distance = _draw(found).axes[0].lines[0].get_xdata()
        assert ((distance < 0).any(), (distance > 0).any()) == (is_left, side is not Side.LEFT)
    for name in ("profile.png", "profile.svg"):
        box.plot.save(tmp_path / name)
        at_work.wait((tmp_path / name).exists)
    at_work.dock.body.setCurrentIndex(2)
    at_work.wait(at_work.dock.plots_box.shares.isVisible)
    at_work.dock.body.setCurrentIndex(0)
    assert not any(at_work.problems)


def test_the_quality_check_replaces_what_an_earlier_one_found(at_work: Pathologist) -> None:
    box = at_work.dock.quality_box
    old = Region.drawn(
        RegionKind.EXCLUSION,
        shapely.box(0, 0, 300, 300),
        reason=Reason.PEN,
        origin=Origin.AUTOMATIC,
    )
    own = Region.drawn(RegionKind.EXCLUSION, shapely.box(300, 0, 600, 300), reason=Reason.FOLD)
    at_work.desk.put(old, own)
    at_work.settle()
    assert box._result.text() == "The check left out 0.0225 mm²: pen 0.0225."
    at_work.press(box._start)
    assert box._end.isEnabled()
    at_work.wait(box._start.isEnabled)
    at_work.settle()
    ids = {region.id for region in at_work.on_disk()}
    assert own.id in ids
    assert old.id not in ids


def test_a_region_is_written_though_its_slide_is_left_while_workers_are_busy(
    at_work: Pathologist, tmp_path: Path
) -> None:
    go, store = threading.Event(), at_work.session.shown.store
    for _ in range(2):
        at_work.session.background.submit(lambda: go.wait(3 * LONG_S), lambda _: None)
    try:
        at_work.desk.put(Region.drawn(RegionKind.AREA, shapely.box(0, 0, 300, 300), name="late"))
        at_work.viewer.add_layer(slide_layer(write_slide(tmp_path / "other.tiff", 700, 900)))
        at_work.wait(lambda: [each.name for each in RegionFile.open(store).regions()] == ["late"])
    finally:
        go.set()


def test_a_drawing_begun_on_one_slide_is_not_finished_on_another(
    at_work: Pathologist, tmp_path: Path
) -> None:
    at_work.take(Purpose.AREA, Tool.POLYGON)
    for place in ((100, 100), (100, 400)):
        at_work.move(at_work.on_screen(place))
        QTest.mouseClick(at_work.canvas, Qt.MouseButton.LeftButton, pos=at_work.on_screen(place))
        at_work.rest(20)
    assert at_work.dock.drawing._layer.nshapes
    at_work.viewer.add_layer(slide_layer(write_slide(tmp_path / "other.tiff", 700, 900)))
    assert not at_work.dock.drawing._layer.nshapes
    assert at_work.dock.drawing.tool is Tool.POLYGON
    at_work.wait(lambda: at_work.viewer.layers[-1] is at_work.dock.drawing._layer)


def test_a_click_with_the_rectangle_in_hand_draws_nothing(at_work: Pathologist) -> None:
    at_work.take(Purpose.LEFT_OUT, Tool.RECTANGLE)
    at_work.drag((200, 200), (200, 200))
    at_work.rest(100)
    assert at_work.desk.regions == ()
    assert any("too small" in problem for problem in at_work.problems)


def test_an_ellipse_of_napari_s_own_is_taken_as_an_ellipse(at_work: Pathologist) -> None:
    at_work.take(Purpose.AREA, Tool.POLYGON)
    corners = np.array([[100, 100], [100, 500], [300, 500], [300, 100]])
    at_work.dock.drawing._layer.add(corners, shape_type="ellipse")
    at_work.wait(lambda: at_work.desk.regions)
    (region,) = at_work.desk.regions
    assert region.geometry.area * UM**2 == pytest.approx(np.pi * 100 * 200, rel=0.01)
    assert region.geometry.bounds == pytest.approx([200, 200, 1000, 600], abs=3)


def test_cells_are_not_said_to_be_unmeasured_until_they_are_listed(at_work: Pathologist) -> None:
    box = CellsBox(at_work.session)
    assert box._note.text() == FILLING
    box.connections.close()


def test_a_sliver_of_tissue_is_not_cut_off_in_the_table_of_cells(at_work: Pathologist) -> None:
    table = at_work.dock.cells_box.table
    place = next(place for place, each in enumerate(COLUMNS) if each.title == "Tissue\nmm²")
    margin = table.style().pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin, None, table) + 1
    cell = at_work.session.snapshot.cells[0]
    for mm2, shown in ((0.00812, "0.0081"), (0.0574, "0.0574"), (0.1, "0.100"), (12.34, "12.3")):
        row = SimpleNamespace(cell=replace(cell, tissue_mm2=mm2))
        assert COLUMNS[place].text(row) == shown
        needed_px = table.fontMetrics().horizontalAdvance(shown) + 2 * margin
        assert needed_px <= table.columnWidth(place)


def test_a_row_of_a_grid_that_is_gone_flies_nowhere(at_work: Pathologist) -> None:
    box, session = at_work.dock.cells_box, at_work.session
    tab = box.parent().parent()
    tab.setCurrentWidget(box)
    box.show()
    at_work.wait(lambda: box.tick() or box._rows)
    centre = session.viewer.scene.camera.center
    session.choose(replace(session.choices, cell_mm=2.0))
    at_work.wait(lambda: session.snapshot.grid.cell_mm > 1)
    box._fly(len(box._rows) - 1)
    assert session.viewer.scene.camera.center == centre
    session.choose(replace(session.choices, cell_mm=None))
    tab.setCurrentIndex(0)


_LEFT_BY_A_SCRIPT = """
import sys, time
import napari
from qtpy.QtWidgets import QApplication
from napari_glioma_density.ui.regions.dock import RegionsDock
from napari_glioma_density.ui.regions.tools import Tool
viewer = napari.Viewer()
viewer.open(sys.argv[1], plugin="napari-glioma-density")
dock = RegionsDock(viewer)
viewer.window.add_dock_widget(dock)
def rest():
    for _ in range(60):
        QApplication.processEvents()
        time.sleep(0.01)
rest()
dock.drawing.choose(Tool.RECTANGLE)
viewer.layers["region drawing"].add_rectangles([[50, 50], [50, 200], [200, 200], [200, 50]])
rest()
assert dock.desk.regions
"""


def test_a_script_that_ends_with_the_dock_open_says_nothing(slide_path: Path) -> None:
    call = [sys.executable, "-c", _LEFT_BY_A_SCRIPT, slide_path]
    ended = subprocess.run(call, capture_output=True, text=True, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (0, False), ended.stderr
