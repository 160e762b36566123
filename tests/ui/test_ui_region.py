"""Drawn regions and the patches they touch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from painted_slide import write_slide

from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui.region import (
    Region,
    Scope,
    draw_region,
    patches_within,
    region_of,
    show_region,
)

pytestmark = pytest.mark.window
TRIANGLE_UM = np.array([[0, 0], [0, 960], [720, 0]], float)


def test_triangle_touches_the_patches_it_lies_over_and_no_others() -> None:
    touched = patches_within(np.array([[0.2, 0.2], [3.8, 0.2], [0.2, 2.8]]), (3, 5))
    assert touched.astype(int).tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]]


def test_sliver_thinner_than_a_part_of_a_patch_is_not_lost() -> None:
    touched = patches_within(np.array([[1.51, 0.2], [1.52, 0.2], [1.515, 1.9]]), (2, 3))
    assert touched[:, 1].all()
    assert touched.sum() == 2


def test_polygon_beyond_the_slide_counts_where_it_lies_on_it() -> None:
    touched = patches_within(np.array([[-9, -9], [1.5, -9], [1.5, 0.5], [-9, 0.5]], float), (2, 3))
    assert touched.tolist() == [[True, True, False], [False, False, False]]


def test_drawn_shapes_are_given_in_px_of_the_slide(
    make_napari_viewer: Callable[..., Any], slide_path: Path
) -> None:
    viewer = make_napari_viewer()
    with open_slide(slide_path) as slide:
        draw_region(viewer)
        with pytest.raises(BadInput, match="No region is drawn"):
            region_of(viewer, slide, Scope.DRAWN)
        viewer.layers["region"].add_rectangles(np.array([[100, 50], [200, 250]]))
        assert region_of(viewer, slide, Scope.DRAWN) == Region((100, 200, 400, 200))
        viewer.layers["region"].add_polygons(TRIANGLE_UM)
        drawn = region_of(viewer, slide, Scope.DRAWN)
    assert drawn.rectangle == (0, 0, 1920, 1440)
    assert drawn.outline == ((0, 0), (1920, 0), (0, 1440))


def test_a_line_drawn_straight_lies_on_the_slide(
    make_napari_viewer: Callable[..., Any], slide_path: Path
) -> None:
    viewer = make_napari_viewer()
    with open_slide(slide_path) as slide:
        draw_region(viewer, slide)
        viewer.layers["region"].add_lines(np.array([[100, 50], [100, 250]]))
        assert region_of(viewer, slide, Scope.DRAWN) == Region((100, 200, 400, 1))
        viewer.layers["region"].add_lines(np.array([[-100, 50], [-100, 250]]))
        with pytest.raises(BadInput, match="beyond the slide"):
            region_of(viewer, slide, Scope.DRAWN)


def test_what_was_drawn_on_one_slide_is_nothing_on_another(
    make_napari_viewer: Callable[..., Any], slide_path: Path, tmp_path: Path
) -> None:
    viewer = make_napari_viewer()
    other_path = write_slide(tmp_path / "other.tiff", 700, 900)
    with open_slide(slide_path) as slide, open_slide(other_path) as other:
        draw_region(viewer, slide)
        viewer.layers["region"].add_rectangles(np.array([[100, 50], [200, 250]]))
        assert region_of(viewer, slide, Scope.DRAWN) is not None
        with pytest.raises(BadInput, match="No region is drawn"):
            region_of(viewer, other, Scope.DRAWN)
        show_region(viewer, other)
        assert not viewer.layers["region"].visible
        show_region(viewer, slide)
        assert viewer.layers["region"].visible
        draw_region(viewer, other)
        assert len(viewer.layers["region"].data) == 0
