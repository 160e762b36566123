"""The overview in the corner of the canvas."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from painted_slide import write_slide

from napari_glioma_density.ui.camera import View, fly_to, visible_part

pytestmark = pytest.mark.window
LONG = 60_000


@pytest.fixture
def dock(open_dock: Callable[..., Any], slide_path: Path, qtbot: Any) -> Any:
    dock = open_dock(slide_path, show=True)
    dock.session.viewer.scene.camera.zoom = 20.0
    qtbot.waitUntil(lambda: dock.overview is not None and dock.overview.isVisible(), timeout=LONG)
    return dock


def test_overview_has_the_shape_of_the_slide_and_lies_in_the_upper_right_corner(dock: Any) -> None:
    overview = dock.overview
    assert (overview.width(), overview.height()) == (160, 120)
    beside = overview.parent().width() - overview.geometry().right()
    assert 0 < beside < 30
    assert 0 < overview.y() < 30


def test_click_goes_there_and_the_mark_follows(dock: Any) -> None:
    viewer = dock.session.viewer
    viewer.scene.camera.zoom = 20.0
    dock.overview.go_to(40.0, 80.0)
    assert viewer.scene.camera.center[-2:] == pytest.approx((500.0, 250.0))
    centre = dock.overview.mark().center()
    assert (centre.x(), centre.y()) == pytest.approx((40.0, 80.0), abs=0.5)


def test_on_a_transposed_canvas_it_still_goes_where_it_was_clicked(dock: Any) -> None:
    viewer = dock.session.viewer
    viewer.dims.order = (1, 0)
    viewer.scene.camera.zoom = 20.0
    dock.overview.go_to(40.0, 80.0)
    assert viewer.scene.camera.center[-2:] == pytest.approx((250.0, 500.0))
    centre = dock.overview.mark().center()
    assert (centre.x(), centre.y()) == pytest.approx((40.0, 80.0), abs=0.5)
    view = View(400.0, 100.0, 20.0, 60.0)
    fly_to(viewer, view, margin=1.0)
    seen = visible_part(viewer)
    assert seen.centre == pytest.approx(view.centre)
    assert seen.height_um >= view.height_um - 1e-6
    assert seen.width_um == pytest.approx(60) or seen.height_um == pytest.approx(20)


def test_it_covers_nothing_while_all_of_the_slide_is_in_view(dock: Any) -> None:
    camera = dock.session.viewer.scene.camera
    camera.center, camera.zoom = (225.0, 300.0), 0.2
    assert not dock.overview.isVisible()
    dock._toggle_overview()
    dock._toggle_overview()
    assert not dock.overview.isVisible()
    camera.center = (225.0, -3000.0)
    assert dock.overview.isVisible()


def test_it_leaves_a_canvas_alone_that_has_no_room_for_it(dock: Any) -> None:
    canvas = dock.overview.parent()
    canvas.resize(170, canvas.height())
    assert not dock.overview.isVisible()
    canvas.resize(600, canvas.height())
    assert dock.overview.isVisible()


def test_key_hides_it_and_brings_it_back(dock: Any) -> None:
    dock._toggle_overview()
    assert not dock.overview.isVisible()
    dock._toggle_overview()
    assert dock.overview.isVisible()


def test_another_slide_takes_its_place_and_none_leaves_it_hidden(
    dock: Any, add_slide: Callable[[Any, Path], Any], tmp_path: Path, qtbot: Any
) -> None:
    add_slide(dock.session.viewer, write_slide(tmp_path / "upright.tiff", 900, 450))
    qtbot.waitUntil(lambda: dock.overview.height() == 160, timeout=LONG)
    assert dock.overview.width() == 80
    dock.session.viewer.layers.clear()
    assert not dock.overview.isVisible()


def test_shut_dock_leaves_no_overview(dock: Any) -> None:
    overview = dock.overview
    dock.shut()
    assert not overview.isVisible()
