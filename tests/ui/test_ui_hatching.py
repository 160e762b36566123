"""What is left out is hatched, about as densely on the screen at every zoom."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import shapely
from napari.components import ViewerModel

from napari_glioma_density.ui.overlays import hatching as room
from napari_glioma_density.ui.overlays.hatching import hatching, spacing_um
from napari_glioma_density.ui.overlays.left_out import NAME, LeftOutOverlay

UM_PER_PX = 0.5
HOLED = shapely.box(0, 0, 2000, 1000).difference(shapely.box(500, 200, 900, 700))


def lines_px(areas: list[shapely.Geometry], apart_um: float) -> shapely.MultiLineString:
    start, extent = hatching(areas, UM_PER_PX, apart_um).transpose(1, 0, 2) / UM_PER_PX
    return shapely.multilinestrings(np.stack([start, start + extent], axis=1)[..., ::-1])


def test_lines_lie_within_the_areas_and_leave_no_wide_gap() -> None:
    lines = lines_px([HOLED], apart_um=40)
    assert shapely.buffer(HOLED, 1e-6).covers(lines)
    bare = HOLED.difference(lines.buffer(0.5 * 40 / UM_PER_PX + 1))
    assert bare.area < 0.01 * HOLED.area


def test_areas_that_overlap_are_hatched_once() -> None:
    one, both = shapely.box(0, 0, 400, 400), [shapely.box(0, 0, 400, 400)] * 2
    assert lines_px(both, 40).length == pytest.approx(lines_px([one], 40).length)


@pytest.mark.parametrize("way", [shapely.normalize, shapely.reverse])
def test_it_does_not_matter_which_way_round_an_area_was_drawn(
    way: Callable[[shapely.Geometry], shapely.Geometry],
) -> None:
    island = shapely.box(600, 300, 800, 500)
    drawn = [shapely.MultiPolygon([HOLED, island]), shapely.box(1900, 0, 2400, 300)]
    whole = shapely.union_all(drawn)
    met = shapely.intersection(whole, lines_px([shapely.box(-10, -10, 2500, 1100)], 40))
    assert lines_px([way(each) for each in drawn], 40).length == pytest.approx(met.length)


def test_areas_side_by_side_are_hatched_as_one() -> None:
    halves = [shapely.box(0, 0, 300, 300), shapely.box(300, 0, 600, 300)]
    whole = hatching([shapely.box(0, 0, 600, 300)], UM_PER_PX, 40)
    np.testing.assert_allclose(hatching(halves, UM_PER_PX, 40), whole)


def test_hundreds_of_areas_do_not_hold_up_a_zoom() -> None:
    random = np.random.default_rng(0)
    places = shapely.points(random.uniform(0, 80_000, (300, 2)))
    areas = [*shapely.buffer(places, random.uniform(250, 1300, 300), quad_segs=16)]
    began = time.thread_time()
    assert len(hatching(areas, UM_PER_PX, spacing_um(2.0))) > 1000
    assert time.thread_time() - began < 1  # it takes 10 ms; what shapely does takes 6 s


def test_nothing_has_no_lines() -> None:
    assert len(hatching([], UM_PER_PX, 40)) == 0


def test_there_are_never_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_LINES", 20)
    assert 0 < len(hatching([HOLED], UM_PER_PX, 1)) <= 20


@pytest.mark.parametrize("zoom", [0.013, 0.2, 0.7, 1.0, 2.5, 8.0])
def test_on_the_screen_lines_are_about_as_far_apart_at_every_zoom(zoom: float) -> None:
    assert 0.7 < zoom * spacing_um(zoom) / room.APART_PX < 1.5


def test_lines_that_are_not_seen_cost_nothing_while_the_view_is_zoomed() -> None:
    viewer = ViewerModel()
    overlay = LeftOutOverlay(viewer)
    overlay.show([HOLED], UM_PER_PX)
    outlines = viewer.layers[NAME]
    changed: list[float] = []
    outlines.events.edge_width.connect(lambda _: changed.append(outlines.edge_width))

    def zoom_in() -> None:
        viewer.scene.camera.zoom *= 2
        overlay.follow_zoom(viewer.scene.camera.zoom)

    zoom_in()
    assert len(changed) == 1
    overlay.stand_aside(True)
    zoom_in()
    assert len(changed) == 1
    overlay.stand_aside(False)
    assert changed[1:] == [changed[0] / 2], "they are as wide as they were once they are back"
    overlay.close()
