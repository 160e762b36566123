"""Files that hold a part of the slide: what lies elsewhere stays as it is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from made_up_case import begin_field, estimate, store_of, write_slide
from shapely.geometry import mapping

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    FieldState,
    Origin,
    Start,
)
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.exchange.brought import Brought
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.exchange.importing import import_geojson
from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import Run
from napari_glioma_density.slides import Slide, open_slide


@pytest.fixture
def slide(tmp_path: Path) -> Any:
    path = write_slide(tmp_path / "slide.tiff")
    estimate(path)
    with open_slide(path) as opened:
        yield opened


def correct(
    slide: Slide, block: Block, *, done: bool = True, start: Start = Start.MODEL
) -> FieldState:
    """Finish a field with a column of squares in each of its patches."""
    run: Run = open_run(store_of(slide))
    height, width = (part.stop - part.start for part in run.lattice.window(block))
    labels = np.zeros((height, width), np.uint16)
    corners = [(y, x) for x in range(100, width, PATCH_PX) for y in range(20, height - 20, 40)]
    for number, (y, x) in enumerate(corners, start=1):
        labels[y : y + 16, x : x + 16] = number
    return begin_field(store_of(slide), run, block, labels, done=done, start=start)


def field(slide: Slide) -> FieldState:
    corrections = Corrections.open(store_of(slide), writable=False)
    (record,) = corrections.records()
    return corrections.load(record.name)


def brought(slide: Slide, features: list[Any]) -> Brought:
    path = slide.path.with_name("back.geojson")
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return import_geojson(store_of(slide), path, slide=slide)


def exported(slide: Slide) -> list[dict[str, Any]]:
    path = slide.path.with_name("out.geojson")
    export(gather(store_of(slide)), Format.GEOJSON, path, Wishes(slide))
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found


def test_drawings_that_come_to_nothing_are_told(slide: Slide) -> None:
    def drawn(*outline: list[int], **properties: str) -> dict[str, Any]:
        geometry = {"type": "Polygon", "coordinates": [outline]} if outline else None
        said = {"objectType": "annotation", **properties}
        return {"type": "Feature", "geometry": geometry, "properties": said}

    flat = drawn([500, 500], [900, 900], [500, 500], [500, 500])
    crossed = drawn([10, 10], [90, 90], [90, 10], [10, 90], [10, 10])
    ours = drawn([0, 0], [9, 0], [9, 9], [0, 0], classification="Grid cell")
    said = brought(slide, [flat, crossed, drawn(), ours])
    assert said.regions == 1
    assert said.passed_over == {"without area": 1, "without outline": 1}
    passed_over, mended = said.remarks()
    assert passed_over.startswith("passed over: 1 without area, 1 without outline;")
    assert mended.startswith("1 outline mended, for crossing itself")
    assert str(said) == "1 region, passed over 1 without area, 1 without outline, 1 outline mended"


def test_a_file_of_which_nothing_comes_says_what_it_held_and_what_was_expected(
    slide: Slide,
) -> None:
    def drawn(geometry: Any, name: str = "", kind: str = "annotation") -> dict[str, Any]:
        said = {"objectType": kind, "classification": name}
        return {"type": "Feature", "geometry": mapping(geometry), "properties": said}

    nothing = brought(slide, [])
    assert str(nothing) == "no object; annotations that QuPath exported as GeoJSON are expected"
    assert nothing.remarks() == (f"the file holds {nothing}",)
    points = brought(slide, [drawn(shapely.Point(9, 9)), drawn(shapely.Point(8, 8))])
    assert str(points) == (
        "nothing new, passed over 2 points; "
        "what is to come in needs an outline with an area, or a line of two points or more"
    )
    square = shapely.box(100, 100, 300, 300)
    ours = drawn(square, "Grid cell"), drawn(square, "Hotspot"), drawn(square)
    assert str(brought(slide, list(ours))) == "1 region"
    again = brought(slide, list(ours))
    assert str(again) == "nothing new, 1 region as here already, 2 grid cells and hotspots"
    nuclei = brought(slide, [drawn(square, kind="detection")])
    assert str(nuclei).startswith("nothing new, 1 nuclei outside the fields")


def test_drawings_without_ids_are_the_same_when_they_come_again(slide: Slide) -> None:
    def drawn(x: int) -> dict[str, Any]:
        outline = [[x, 10], [x + 80, 10], [x + 80, 90], [x, 10]]
        geometry = {"type": "Polygon", "coordinates": [outline]}
        return {
            "type": "Feature",
            "geometry": geometry,
            "properties": {"objectType": "annotation"},
        }

    brought(slide, [drawn(10), drawn(200)])
    brought(slide, [drawn(10), drawn(200), drawn(400)])
    assert len(RegionFile.open(store_of(slide)).regions()) == 3


@pytest.mark.parametrize("number", ["22222222-2222-4222-8222-222222222222", None])
def test_drawings_with_one_id_are_the_same_when_they_come_again(
    slide: Slide, number: str | None
) -> None:
    def drawn(x: int) -> dict[str, Any]:
        said = {"type": "Feature", "properties": {"objectType": "annotation"}}
        outline = {"geometry": mapping(shapely.box(x, 10, x + 80, 90))}
        return said | outline | ({} if number is None else {"id": number})

    file = RegionFile.open(store_of(slide))
    drawings = [drawn(10), drawn(200), drawn(10)]
    for _ in range(3):
        brought(slide, drawings)
        file.reload()
        assert len(file.regions()) == 3
    drawn_at = sorted(region.geometry.bounds[0] for region in file.regions())
    assert drawn_at == [10, 10, 200]


def test_of_a_field_of_two_patches_the_one_that_was_not_exported_stays(slide: Slide) -> None:
    before = correct(slide, Block(1, 8, 1, 2))
    plane = gather(store_of(slide)).plane
    kept = plane.block_outline(Block(1, 8, 1, 1))
    detections = [
        one
        for one in exported(slide)
        if one["properties"].get("objectType") == "detection"
        and kept.covers(shapely.geometry.shape(one["geometry"]).centroid)
    ]
    said = brought(slide, detections[1:])
    after = field(slide)
    assert said.silent == 1
    gone = set(before.nuclei) - set(after.nuclei)
    assert len(gone) == 1
    assert np.array_equal(
        after.labels, np.where(np.isin(before.labels, list(gone)), 0, before.labels)
    )


def test_an_untouched_export_of_a_run_that_does_not_know_the_field_changes_nothing(
    slide: Slide,
) -> None:
    """As of a field that was begun blank, or with another model's outlines, and is not done."""
    before = correct(slide, Block(1, 8, 1, 2), done=False, start=Start.BLANK)
    features = exported(slide)
    plane = gather(store_of(slide)).plane
    outline = plane.block_outline(Block(1, 8, 1, 2))

    def is_in(feature: dict[str, Any]) -> bool:
        shape = shapely.geometry.shape(feature["geometry"])
        kind = feature["properties"].get("objectType")
        return kind == "detection" and bool(outline.covers(shape.centroid))

    assert any(map(is_in, features))
    assert brought(slide, features).fields == ()
    assert np.array_equal(field(slide).labels, before.labels)
    gone_over = next(filter(is_in, features))
    features.remove(gone_over)
    assert len(brought(slide, features).fields) == 1
    kept = {nucleus.origin for nucleus in field(slide).nuclei.values()}
    assert kept == {Origin.HAND}
    assert not np.array_equal(field(slide).labels, before.labels)


def test_an_export_from_before_something_was_left_out_is_untouched_all_the_same(
    slide: Slide,
) -> None:
    features = exported(slide)
    before = correct(slide, Block(1, 8, 1, 2))
    left, top, right, bottom = gather(store_of(slide)).plane.block_outline(Block(1, 8, 1, 2)).bounds
    half = shapely.box(left, top, (left + right) / 2, bottom)
    drawn = Region.drawn(RegionKind.EXCLUSION, half, reason=Reason.NECROSIS)
    RegionFile.open(store_of(slide)).put(drawn)
    assert brought(slide, features).fields == ()
    assert np.array_equal(field(slide).labels, before.labels)


def test_a_nucleus_moved_is_no_longer_what_a_run_found(slide: Slide) -> None:
    correct(slide, Block(1, 8, 1, 2), done=False, start=Start.BLANK)
    features = exported(slide)
    outline = gather(store_of(slide)).plane.block_outline(Block(1, 8, 1, 2))
    for feature in features:
        shape = shapely.geometry.shape(feature["geometry"])
        if feature["properties"].get("objectType") == "detection" and outline.contains(shape):
            feature["geometry"] = mapping(shapely.affinity.translate(shape, 2))
            break
    assert len(brought(slide, features).fields) == 1


def test_a_nucleus_at_the_left_edge_says_nothing_of_the_right_one(slide: Slide) -> None:
    before = correct(slide, Block(0, gather(store_of(slide)).plane.lattice.columns - 1, 1, 1))
    shape = mapping(shapely.box(-8, 100, 2, 120))
    said = brought(slide, [
        {"type": "Feature", "geometry": shape, "properties": {"objectType": "detection"}}
    ])  # fmt: skip
    assert said.fields == ()
    assert field(slide).nuclei == before.nuclei


def test_a_region_moved_by_more_than_rounding_is_another(slide: Slide) -> None:
    outline = shapely.Point(1000, 800).buffer(300)
    RegionFile.open(store_of(slide)).put(Region.drawn(RegionKind.AREA, outline))
    features = exported(slide)
    assert brought(slide, features).regions == 0
    (ours,) = (
        one for one in features if one["properties"].get("classification", {}).get("name") == "Area"
    )
    moved = shapely.affinity.translate(shapely.geometry.shape(ours["geometry"]), 0.1)
    ours["geometry"] = mapping(moved)
    assert brought(slide, [ours]).regions == 1
