"""What is drawn becomes regions on disk, measured and left out: the parts of the dock alone."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from napari_glioma_density.errors import BadInput
from napari_glioma_density.regions.measuring import RegionSums
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.ui.regions.name_places import LINE_PX, Named, apart
from napari_glioma_density.ui.regions.overlay import MOST_SEGMENTS, RegionOverlay, segments_of
from napari_glioma_density.ui.regions.picking import region_at
from napari_glioma_density.ui.regions.places import places_to_compare
from napari_glioma_density.ui.regions.purpose import Purpose, Wanted
from napari_glioma_density.ui.regions.tools import (
    Outline,
    Tool,
    drawn_geometry,
    outlines_of,
    rebuilt_geometry,
)
from napari_glioma_density.ui.regions.words import left_out, part_measured

SQUARE = np.array([(100.0, 200.0), (100, 300), (200, 300), (200, 200)])
"""(y, x) in µm."""


def area(
    x: float, y: float, side: float, kind: RegionKind = RegionKind.AREA, **more: str
) -> Region:
    return Region.drawn(kind, shapely.box(x, y, x + side, y + side), **more)


# --- drawings ---------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", [Tool.POLYGON, Tool.FREEHAND, Tool.RECTANGLE])
def test_corners_in_um_become_an_outline_in_level0_px_x_before_y(tool: Tool) -> None:
    drawn = drawn_geometry(tool, SQUARE, um_per_px=0.25, radius_um=10)
    assert drawn.equals(shapely.box(800, 400, 1200, 800))


def test_a_stroke_of_the_brush_is_as_wide_as_the_brush() -> None:
    stroke = np.array([(50.0, 0.0), (50, 100)])
    drawn = drawn_geometry(Tool.BRUSH, stroke, um_per_px=0.5, radius_um=20)
    left, top, right, bottom = (side * 0.5 for side in drawn.bounds)
    assert (left, top, right, bottom) == pytest.approx((-20, 30, 120, 70), abs=0.5)
    assert drawn.area * 0.25 == pytest.approx(100 * 40 + np.pi * 20**2, rel=0.02)


def test_a_loop_that_crosses_itself_is_mended() -> None:
    eight = np.array([(0.0, 0.0), (100, 100), (100, 0), (0, 100)])
    drawn = drawn_geometry(Tool.FREEHAND, eight, um_per_px=1, radius_um=10)
    assert drawn.is_valid
    assert drawn.area == pytest.approx(5000)


def test_a_slip_of_the_hand_is_no_region() -> None:
    for tool in (Tool.POLYGON, Tool.PIECES):
        with pytest.raises(BadInput, match="too small"):
            drawn_geometry(tool, SQUARE / 100, um_per_px=0.5, radius_um=10)


def test_an_outline_with_holes_and_islands_survives_being_edited() -> None:
    ring = shapely.box(0, 0, 100, 100).difference(shapely.box(30, 30, 60, 60))
    region = shapely.union(ring, shapely.box(200, 0, 220, 20))
    outlines = outlines_of(region, 0.5)
    assert [outline.hole for outline in outlines] == [False, True, False]
    assert rebuilt_geometry(outlines, 0.5).equals(region)


def test_a_moved_hole_takes_its_place_out_of_the_outline() -> None:
    outer, hole = Outline(SQUARE), Outline(SQUARE[:, :] * 0.1 + (110, 210), hole=True)
    assert rebuilt_geometry([outer, hole], 1.0).area == pytest.approx(100**2 - 10**2)


def test_every_side_of_an_outline_is_drawn_and_a_line_is_not_closed() -> None:
    closed, line = segments_of([Outline(SQUARE)]), segments_of([Outline(SQUARE, closed=False)])
    assert len(closed) == 4
    assert len(line) == 3
    assert closed.sum(axis=1)[-1] == pytest.approx(SQUARE[0])


def test_many_fine_outlines_are_drawn_coarser() -> None:
    from napari.components import ViewerModel

    fine = [
        Region.drawn(RegionKind.EXCLUSION, shapely.Point(200 * x, 0).buffer(80, quad_segs=64))
        for x in range(50)
    ]
    viewer = ViewerModel()
    overlay = RegionOverlay(viewer)
    overlay.show(fine, 1.0)
    lines = viewer.layers["regions"].data
    assert len(fine) * 8 <= len(lines) <= MOST_SEGMENTS
    overlay.show([], 1.0)
    for name in ("regions", "chosen region"):  # none at all could not be drawn in 3D
        assert viewer.layers[name].data.tolist() == [[[0, 0], [0, 0]]]
    overlay.close()
    assert not len(viewer.layers)


# --- names and places -------------------------------------------------------------------------


def test_regions_are_named_in_turn_and_a_free_letter_is_taken_again() -> None:
    wanted = Wanted(Purpose.AREA)
    drawn: list[Region] = []
    for _ in range(28):
        drawn.append(area(0, 0, 10, name=wanted.name_among(drawn)))
    assert [region.name for region in drawn[:3]] == ["A", "B", "C"]
    assert drawn[-1].name == "AB"
    assert wanted.name_among(drawn[1:]) == "A"
    assert Wanted(Purpose.BORDER).name_among(drawn) == "Border 1"


def test_the_brush_adds_to_what_a_person_left_out_for_the_same_reason() -> None:
    wanted = Wanted(Purpose.LEFT_OUT, Reason.FOLD)
    fold = area(0, 0, 10, RegionKind.EXCLUSION, reason=Reason.FOLD)
    assert wanted.is_like(fold)
    assert not wanted.is_like(fold.with_(reason=Reason.PEN))
    assert not wanted.is_like(fold.with_(origin=Origin.AUTOMATIC))


def test_a_click_finds_the_smallest_region_and_lines_first() -> None:
    large, small = area(0, 0, 1000), area(100, 100, 100)
    line = Region.drawn(RegionKind.LINE, shapely.LineString([(0, 150), (1000, 150)]))
    regions = (small, large, line)

    def at(y_um: float, x_um: float) -> Region | None:
        return region_at(regions, y_um, x_um, um_per_px=0.5, zoom=2)

    assert at(90, 90) is small
    assert at(75, 75) is line
    assert at(300, 300) is large
    assert at(600, 600) is None


@pytest.mark.parametrize("zoom", [0.1, 0.5, 2.0])
def test_no_name_of_a_region_stands_over_another_and_the_first_is_always_there(zoom: float) -> None:
    regions = [area(40 * n, 30 * (n % 2), 30, name="lymphocytes") for n in range(12)]
    names = [Named.of(region, um_per_px=1.0) for region in regions]
    found = apart(names, zoom)
    assert found[0] == names[0].within
    seen = np.array([place for place in found if place is not None])
    gaps = np.abs(seen[:, None] - seen) * zoom / (LINE_PX, names[0].width_px)
    assert (gaps.max(axis=-1) > 0.999)[~np.eye(len(seen), dtype=bool)].all()


def test_from_nearer_more_names_have_room_and_each_within_its_region() -> None:
    names = [Named.of(area(40 * n, 0, 30, name="fold"), um_per_px=1.0) for n in range(12)]
    seen = [sum(place is not None for place in apart(names, zoom)) for zoom in (0.02, 0.5, 3.0)]
    assert seen == sorted(seen)
    assert seen[0] < len(names)
    assert apart(names, 3.0) == [name.within for name in names]


def test_reference_regions_of_one_name_are_one_place() -> None:
    grey = [area(x, 0, 10, RegionKind.REFERENCE, name="grey matter") for x in (0, 50)]
    necrosis = area(90, 0, 10, RegionKind.EXCLUSION)
    places, references = places_to_compare([area(0, 0, 9, name="A"), *grey, necrosis], (1, 5))
    assert [name for name, _ in places] == ["A", "Cell B6", "Whole slide"]
    assert [name for name, _ in references] == ["Reference: grey matter"]


@pytest.mark.parametrize(
    ("read_px", "said"),
    [(1_000_000, ""), (400_000, "0.400 mm² of 1.00 mm² count: the rest")],
)
def test_a_region_of_which_not_all_counts_says_so(read_px: int, said: str) -> None:
    sums = RegionSums(0, read_px, read_px, 0, px_mm2=1e-6)
    found = part_measured(area(0, 0, 1000), sums, um_per_px=1.0)
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_what_is_left_out_is_said_largest_first() -> None:
    assert left_out({}) == "nothing is left out"
    assert left_out({"blur": 1.2, "pen": 1.9}) == "left out 3.10 mm²: pen 1.90, blur 1.20"


def test_the_store_of_a_slide_that_was_never_estimated_is_made_with_its_first_region(
    slide_path: Path,
) -> None:
    from napari_glioma_density.results import ResultStore, find_store
    from napari_glioma_density.slides import open_slide
    from napari_glioma_density.ui.regions.desk import RegionShelf

    slide = open_slide(slide_path)
    shelf = RegionShelf(slide, None)
    assert shelf.flush().regions == ()
    assert find_store(slide_path) is None
    one, other = area(0, 0, 100, name="A"), area(200, 0, 100, name="B")
    for change in ({one.id: one}, {other.id: other}, {one.id: None}):
        shelf.ask(change)
    assert shelf.flush().regions == (other,)
    store = find_store(slide_path)
    assert store is not None
    opened = ResultStore.open(store, slide.fingerprint, slide.pseudonym, slide.width, slide.height)
    assert opened.runs() == ()
    assert RegionShelf(slide, store).flush().regions == (other,)


def test_what_the_disk_refuses_is_told_whoever_wrote_it(
    slide_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_glioma_density.errors import StoreError
    from napari_glioma_density.regions.region_file import RegionFile
    from napari_glioma_density.slides import open_slide
    from napari_glioma_density.ui.regions.desk import RegionShelf

    def refuse(file: RegionFile, region: object) -> None:
        raise StoreError("the disk is full")

    shelf, drawn = RegionShelf(open_slide(slide_path), None), area(0, 0, 100)
    with monkeypatch.context() as full:
        full.setattr(RegionFile, "put", refuse)
        shelf.ask({drawn.id: drawn})
        shelf.save()
    assert shelf.flush() == ((), "the disk is full")
    assert shelf.flush() == ((), "")
