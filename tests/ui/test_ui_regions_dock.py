"""The *Regions* dock in a window, driven by pointer and keys."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import shapely
from napari.layers import Layer
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton
from quick_segmenter import DarkPixels

from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.models import ModelChoice
from napari_glioma_density.ui.regions.desk import RegionShelf
from napari_glioma_density.ui.regions.dock import RegionsDock
from napari_glioma_density.ui.regions.purpose import Purpose
from napari_glioma_density.ui.regions.tools import Tool

pytestmark = pytest.mark.window
LONG_S = 60
LEFT, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
NO_BUTTON = Qt.MouseButton.NoButton
UM = 0.5
MODELS = (ModelChoice("dark", "Dark px", "works at 0.5 µm/px"),)


class Pathologist:
    """Works in one window with the Regions dock; y before x, in µm."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.dock = RegionsDock(viewer, lambda *_: DarkPixels())
        self.session, self.desk = self.dock.session, self.dock.desk
        viewer.window.add_dock_widget(self.dock, name="Regions")
        self.problems: list[str] = []
        self.session.problem.connect(self.problems.append)

    def wait(self, met: Callable[[], object]) -> None:
        until = time.monotonic() + LONG_S
        while not met():
            assert time.monotonic() < until, "waited in vain"
            QApplication.processEvents()
            time.sleep(0.005)

    def rest(self, milliseconds: int) -> None:
        until = time.monotonic() + milliseconds / 1000
        self.wait(lambda: time.monotonic() > until)

    def open(self, path: Path) -> None:
        from napari_glioma_density.ui.reader import read_slide

        self.viewer.add_layer(Layer.create(*read_slide(str(path))[0]))
        self.wait(lambda: self.session.snapshot is not None)
        self.wait(lambda: not self.session.overlays._waiting)
        self.settle()

    def settle(self) -> None:
        """Wait until everything is on disk, left out, and measured."""
        figures, exclusions = self.dock.figures, self.session.exclusions
        self.wait(lambda: self.desk._pending == 0 and not exclusions._busy)
        self.wait(lambda: not figures._due and not figures._busy and not exclusions._busy)

    def leave(self) -> None:
        self.dock.actions.choose_tool(None)
        self.viewer.layers.clear()
        self.wait(lambda: self.session.snapshot is None)
        self.problems.clear()

    def take(self, purpose: Purpose, tool: Tool) -> None:
        self.dock.draw_box._purpose.value = purpose
        button = self.dock.draw_box._tools[tool]
        if not button.isChecked():
            QTest.mouseClick(button, LEFT)

    def press(self, button: QPushButton) -> None:
        button.click()

    @property
    def canvas(self) -> Any:
        return self.viewer.window._qt_viewer.canvas.native

    def on_screen(self, place: Sequence[float]) -> QPoint:
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        (y, x), (centre_y, centre_x) = place, camera.center[-2:]
        return QPoint(
            round((x - centre_x) * camera.zoom + width / 2),
            round((y - centre_y) * camera.zoom + height / 2),
        )

    def move(self, point: QPoint, button: Any = NO_BUTTON) -> None:
        place, everywhere = QPointF(point), QPointF(self.canvas.mapToGlobal(point))
        event = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, NO_BUTTON, button, NOTHING)
        QApplication.sendEvent(self.canvas, event)
        self.rest(12)

    def drag(self, *places: Sequence[float]) -> None:
        points = [self.on_screen(place) for place in places]
        self.move(points[0])
        QTest.mousePress(self.canvas, LEFT, NOTHING, points[0])
        for point in points[1:]:
            self.move(point, LEFT)
        QTest.mouseRelease(self.canvas, LEFT, NOTHING, points[-1])
        self.rest(20)

    def click(self, *places: Sequence[float]) -> None:
        """Click every place, the last one twice."""
        for place in places:
            self.move(self.on_screen(place))
            QTest.mouseClick(self.canvas, LEFT, NOTHING, self.on_screen(place))
            self.rest(20)
        QTest.mouseDClick(self.canvas, LEFT, NOTHING, self.on_screen(places[-1]))
        self.rest(20)

    def rows(self) -> list[tuple[str, ...]]:
        table = self.dock.list_box._table
        return [
            tuple(table.item(row, column).text() for column in range(table.columnCount()))
            for row in range(table.rowCount())
        ]

    def on_disk(self) -> tuple[Region, ...]:
        return RegionFile.open(self.session.shown.store).regions()


@pytest.fixture(scope="module")
def window(qapp: Any) -> Iterator[Pathologist]:
    from napari import Viewer

    from napari_glioma_density.ui.dock.dock import GliomaDensityDock

    viewer = Viewer(show=True)
    main = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: MODELS)
    viewer.window.add_dock_widget(main, name="Glioma density")
    made = Pathologist(viewer)
    viewer.window.resize(1200, 700)
    with patch.object(viewer.window._qt_window, "_save_current_window_settings"):
        yield made
        viewer.close()
        QApplication.processEvents()


@pytest.fixture
def at_work(window: Pathologist, estimated_slide: Path) -> Iterator[Pathologist]:
    window.open(estimated_slide)
    yield window
    window.leave()


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
    assert at_work.rows()[0][0] == "■ necrosis"
    assert at_work.dock.list_box._summary.text().startswith("Left out 0.06 mm²: necrosis 0.06")
    at_work.dock.actions.choose_tool(None)
    QTest.keyClick(at_work.canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    at_work.settle()
    assert at_work.on_disk() == ()
    assert at_work.session.snapshot.totals == before
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
    box._name.setText("tumour")
    QTest.keyClick(box._name, Qt.Key.Key_Return)
    at_work.settle()
    assert at_work.on_disk()[0].name == "tumour"
    at_work.press(box._delete)
    at_work.settle()
    assert at_work.on_disk() == ()


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
    assert box._result.text() == "The check left out 0.02 mm²: pen 0.02."
    at_work.press(box._start)
    assert box._end.isEnabled()
    at_work.wait(box._start.isEnabled)
    at_work.settle()
    ids = {region.id for region in at_work.on_disk()}
    assert own.id in ids
    assert old.id not in ids
