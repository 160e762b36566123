"""What is left out is hatched, about as densely on the screen at every zoom."""

import numpy as np
import pytest
import shapely

from napari_glioma_density.ui.overlays import hatching as room
from napari_glioma_density.ui.overlays.hatching import hatching, spacing_um

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


def test_nothing_has_no_lines() -> None:
    assert len(hatching([], UM_PER_PX, 40)) == 0


def test_there_are_never_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_LINES", 20)
    assert 0 < len(hatching([HOLED], UM_PER_PX, 1)) <= 20


@pytest.mark.parametrize("zoom", [0.013, 0.2, 0.7, 1.0, 2.5, 8.0])
def test_on_the_screen_lines_are_about_as_far_apart_at_every_zoom(zoom: float) -> None:
    assert 0.7 < zoom * spacing_um(zoom) / room.APART_PX < 1.5
