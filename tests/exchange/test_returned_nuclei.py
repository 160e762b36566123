"""Nuclei of a field that come back: unchanged ones stay, and no export costs what it lacks."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from made_up_case import FIELD, amend, estimate, store_of, write_slide
from shapely.geometry import mapping

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldGround, FieldState, Nucleus, Origin
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.exchange.importing import import_geojson
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.slides import Slide, open_slide

SPECK, NEIGHBOUR = 98, 99


@pytest.fixture
def slide(tmp_path: Path) -> Any:
    """One with a finished field: twelve nuclei, two of which touch, a speck, a neighbour's part."""
    path = write_slide(tmp_path / "slide.tiff")
    amend(estimate(path))
    with open_slide(path) as opened:
        before = state(opened)
        labels = before.labels.copy()
        labels[36 * 2 : 36 * 2 + 18, 90:100] = 2  # reaches to where the next begins
        labels[300:302, 300:302] = SPECK
        labels[400:420, :6] = NEIGHBOUR
        others = {number: Nucleus(Origin.MODEL, counted=False) for number in (SPECK, NEIGHBOUR)}
        save(opened, replace(before, labels=labels, nuclei={**before.nuclei, **others}, revision=2))
        yield opened


def state(slide: Slide) -> FieldState:
    corrections = Corrections.open(store_of(slide), writable=False)
    (record,) = corrections.records()
    return corrections.load(record.name)


def save(slide: Slide, state: FieldState) -> None:
    everywhere = np.ones(state.labels.shape, bool)
    known = state.labels, state.nuclei, FieldGround(everywhere, everywhere), FIELD
    with Corrections.open(store_of(slide)) as corrections:
        (record,) = corrections.records()
        corrections.save(record.name, state, measure_field(*known), field_nuclei(*known))


def exported(slide: Slide) -> dict[str, Any]:
    path = slide.path.with_name("out.geojson")
    export(gather(store_of(slide)), Format.GEOJSON, path, Wishes(slide))
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def brought(slide: Slide, collection: dict[str, Any]) -> Any:
    path = slide.path.with_name("back.geojson")
    path.write_text(json.dumps(collection), encoding="utf-8")
    return import_geojson(store_of(slide), path, slide=slide)


def in_field(slide: Slide) -> Callable[[dict[str, Any]], bool]:
    outline = gather(store_of(slide)).plane.block_outline(FIELD)

    def is_in(feature: dict[str, Any]) -> bool:
        if feature["properties"].get("objectType") != "detection":
            return False
        return bool(outline.covers(shapely.geometry.shape(feature["geometry"]).centroid))

    return is_in


def assert_same(found: FieldState, expected: FieldState) -> None:
    assert np.array_equal(found.labels, expected.labels)
    assert found.nuclei == expected.nuclei
    assert found.revision == expected.revision


def test_an_export_that_nobody_touched_changes_nothing(slide: Slide) -> None:
    before, collection = state(slide), exported(slide)
    assert sum(map(in_field(slide), collection["features"])) == 12
    said = brought(slide, collection)
    assert said.fields == ()
    assert "no nucleus is new" in said.remarks()[0]
    assert_same(state(slide), before)


def test_a_neighbour_that_reaches_over_the_fields_edge_changes_nothing(slide: Slide) -> None:
    """As a disc does that stands in for a nucleus; it comes first in the file."""
    before, collection = state(slide), exported(slide)
    plane = gather(store_of(slide)).plane
    y, x = (part.start for part in plane.lattice.window(FIELD))
    first = min(before.nuclei)
    top, left = np.argwhere(before.labels == first)[0].tolist()
    reaching = shapely.box(x + left, y - 2 * top, x + left + 9, y + top + 6)
    neighbour = {**next(filter(in_field(slide), collection["features"])), "id": "disc"}
    neighbour["geometry"] = mapping(plane.to_level0(reaching))
    said = brought(slide, {**collection, "features": [neighbour, *collection["features"]]})
    assert said.fields == ()
    assert_same(state(slide), before)


@pytest.mark.parametrize("is_lifted", [False, True])
def test_nuclei_under_an_exclusion_are_not_lost(slide: Slide, *, is_lifted: bool) -> None:
    before, store = state(slide), store_of(slide)
    plane = gather(store).plane
    window = plane.lattice.window(FIELD)
    left, top = window[1].start, window[0].start
    outline = plane.to_level0(shapely.box(left, top, left + 480, top + 200))
    region = Region.drawn(RegionKind.EXCLUSION, outline, reason=Reason.HAEMORRHAGE)
    RegionFile.open(store).put(region)
    collection = exported(slide)
    assert sum(map(in_field(slide), collection["features"])) < 12
    if is_lifted:
        RegionFile.open(store).remove(region.id)
    assert brought(slide, collection).fields == ()
    assert_same(state(slide), before)


def test_what_was_deleted_goes_and_what_was_drawn_comes(slide: Slide) -> None:
    before, collection, is_in = state(slide), exported(slide), in_field(slide)
    of_field = [feature for feature in collection["features"] if is_in(feature)]
    collection["features"].remove(of_field[4])
    plane = gather(store_of(slide)).plane
    y, x = (part.start for part in plane.lattice.window(FIELD))
    new = plane.to_level0(shapely.box(x + 296, y + 296, x + 320, y + 312))
    collection["features"].append({**of_field[0], "id": "new", "geometry": mapping(new)})
    assert brought(slide, collection).nuclei == 12
    after = state(slide)
    kept = [number for number in before.nuclei if number not in (5, SPECK)]
    for number in kept:
        assert np.array_equal(after.labels == number, before.labels == number)
        assert after.nuclei[number] == before.nuclei[number]
    (drawn,) = set(after.nuclei) - set(kept)
    assert after.nuclei[drawn] == Nucleus(Origin.HAND, counted=True)
    assert np.array_equal(np.argwhere(after.labels == drawn)[[0, -1]], [[296, 296], [311, 319]])
    assert after.revision == before.revision + 1
    assert after.done


def test_patches_that_the_file_says_nothing_of_stay(slide: Slide) -> None:
    before, collection, is_in = state(slide), exported(slide), in_field(slide)
    elsewhere = [feature for feature in collection["features"] if not is_in(feature)]
    said = brought(slide, {**collection, "features": elsewhere})
    assert (said.fields, said.silent) == ((), 1)
    assert "1 patch of fields hold" in said.remarks()[-1]
    assert "1 patch of fields without a nucleus in the file stay" in str(said)
    assert_same(state(slide), before)


def test_another_programs_nuclei_take_the_place_of_all(slide: Slide) -> None:
    collection, is_in = exported(slide), in_field(slide)
    for feature in filter(is_in, collection["features"]):
        outline = shapely.geometry.shape(feature["geometry"]).buffer(-2)
        feature["geometry"] = mapping(outline)
    brought(slide, collection)
    after = state(slide)
    assert {nucleus.origin for nucleus in after.nuclei.values()} == {Origin.HAND}
    assert not after.labels[300:302, 300:302].any(), "the speck is gone"
