"""Level-0 px and working px lie where the run laid them."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import shapely
from made_up_spec import made_up_spec
from shapely.geometry import mapping

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.regions.plane import Plane, plane_of_run
from napari_glioma_density.slides import Level, Resolution, Slide, working_plane
from napari_glioma_density.slides.source import TileSource

SPEC = made_up_spec(
    3 * PATCH_PX - 100, 2 * PATCH_PX + 20, um_per_px=0.2527, working_um_per_px=0.5054
)


def test_a_geometry_goes_to_the_working_plane_and_back() -> None:
    plane = Plane.of(replace(SPEC, working_um_per_px=0.4999))
    ring = shapely.Point(900, 700).buffer(300).difference(shapely.Point(900, 700).buffer(100))
    there = plane.to_working(ring)
    assert there.area == pytest.approx(ring.area * (0.2527 / 0.4999) ** 2)
    assert plane.to_level0(there).equals_exact(ring, 1e-9)


@pytest.mark.parametrize(
    ("block", "bounds"),
    [
        (Block(0, 1, 1, 1), (960, 0, 1920, 960)),
        (Block(1, 1, 2, 2), (960, 960, 2 * (2 * PATCH_PX + 20), 2 * (3 * PATCH_PX - 100))),
    ],
)
def test_the_outline_of_a_block_ends_where_the_slide_does(
    block: Block, bounds: tuple[float, ...]
) -> None:
    outline = Plane.of(SPEC).block_outline(block)
    assert outline.bounds == pytest.approx(bounds)
    assert np.shape(mapping(outline)["coordinates"]) == (1, 5, 2), "a rectangle"


def test_a_run_is_read_on_its_own_plane_where_the_model_has_the_choice_of_two(
    tmp_path: Path,
) -> None:
    levels = tuple(Level(60_000 // by, 40_000 // by, float(by)) for by in (1, 2))
    pyramid = SimpleNamespace(levels=levels, resolution=Resolution(0.261, "made"))
    slide = Slide(tmp_path, cast("TileSource", pyramid))
    asked = working_plane(slide, 0.5)
    spec = replace(
        SPEC, um_per_px=0.261, working_um_per_px=asked.um_per_px, level=asked.level,
        sixteenths=asked.sixteenths, height_px=asked.height, width_px=asked.width,
    )  # fmt: skip
    searched_anew = working_plane(slide, spec.working_um_per_px)
    assert (asked.level, searched_anew.level) == (0, 1)
    found = plane_of_run(slide.with_um_per_px(0.5), spec)
    assert found.level0_px_per_px == pytest.approx(asked.level0_px_per_px)
    assert replace(found, slide=slide, level0_px_per_px=asked.level0_px_per_px) == asked
    assert found.slide.um_per_px == 0.261
