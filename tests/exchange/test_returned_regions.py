"""Regions that come back: what a person changed in QuPath counts, and stays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely

from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.density import Block
from napari_glioma_density.exchange.geojson.writing import write_geojson
from napari_glioma_density.exchange.importing import import_geojson
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile

FOLD = Region.drawn(
    RegionKind.EXCLUSION,
    shapely.box(900, 1000, 1400, 1500),
    reason=Reason.FOLD,
    origin=Origin.AUTOMATIC,
    author="quality check",
    comment="its ground is 1.9",
)
CELL = Block(1, 1, 1, 1)
Feature = dict[str, Any]


@pytest.fixture
def store(found: Findings, tmp_path: Path) -> Path:
    return shutil.copytree(found.store, tmp_path / "slide.glioma.zarr")


def exported(store: Path) -> list[Feature]:
    path = store.with_name("out.geojson")
    write_geojson(path, gather(store))
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    return [each for each in features if each["properties"]["objectType"] == "annotation"]


def brought(store: Path, features: list[Feature], author: str = "Dr A") -> int:
    path = store.with_name("back.geojson")
    path.write_text(json.dumps(features), encoding="utf-8")
    return import_geojson(store, path, author=author).regions


def regions(store: Path) -> tuple[Region, ...]:
    return RegionFile.open(store).regions()


def enlarge(feature: Feature) -> None:
    outline = shapely.geometry.shape(feature["geometry"]).buffer(50)
    feature["geometry"] = shapely.geometry.mapping(outline)


def reclass(feature: Feature) -> None:
    feature["properties"]["classification"]["name"] = "Necrosis"


def one_of(features: list[Feature], shown: str) -> Feature:
    (one,) = (f for f in features if f["properties"]["classification"]["name"] == shown)
    return one


def test_a_drawing_of_another_program_stays_whose_it_is_when_it_comes_once_more(
    store: Path,
) -> None:
    drawn = {
        "type": "Feature",
        "geometry": shapely.geometry.mapping(shapely.box(300, 300, 700, 700)),
        "properties": {"objectType": "annotation", "classification": {"name": "Necrosis"}},
    }
    assert brought(store, [drawn]) == 1
    before = regions(store)
    assert brought(store, [drawn], author="Dr B") == 0
    assert regions(store) == before
    reclassed = {**drawn, "id": before[-1].id}
    reclassed["properties"] = {"objectType": "annotation", "classification": {"name": "Fold"}}
    assert brought(store, [reclassed], author="Dr B") == 1
    assert (regions(store)[-1].reason, regions(store)[-1].author) == (Reason.FOLD, "Dr B")


@pytest.mark.parametrize("change", [enlarge, reclass])
def test_an_outline_of_the_quality_check_that_a_person_changed_is_theirs(
    store: Path, change: Callable[[Feature], None]
) -> None:
    RegionFile.open(store).put(FOLD.with_(time="2026-01-01T00:00:00+00:00"))
    features = exported(store)
    assert brought(store, features) == 0
    assert regions(store)[0].origin is Origin.AUTOMATIC
    change(one_of(features, "Fold"))
    assert brought(store, features) == 1
    (theirs,) = regions(store)
    assert (theirs.id, theirs.origin, theirs.author) == (FOLD.id, Origin.IMPORTED, "Dr A")
    assert theirs.comment == ""
    assert theirs.time > "2026-01-01T00:00:00+00:00"
    assert brought(store, features) == 0
    assert regions(store) == (theirs,)


def test_it_is_theirs_where_the_check_has_found_others_meanwhile(store: Path) -> None:
    file = RegionFile.open(store)
    file.put(FOLD)
    features = exported(store)
    enlarge(one_of(features, "Fold"))
    file.remove(FOLD.id)
    assert brought(store, features) == 1
    assert [region.origin for region in regions(store)] == [Origin.IMPORTED]


@pytest.fixture
def reviewed(store: Path) -> Path:
    """A store of which a cell was left out in review."""
    log = ReviewLog.open(store, gather(store).plane.lattice)
    log.mark(CELL, comment="pale", excluded=Reason.NECROSIS, author="reader")
    return store


def test_a_cell_left_out_in_review_that_nobody_changed_stays_one(reviewed: Path) -> None:
    assert brought(reviewed, exported(reviewed)) == 0
    assert regions(reviewed) == ()
    assert len(gather(reviewed).left_out) == 1


def test_a_cell_left_out_in_review_that_was_changed_is_a_region_of_its_own(reviewed: Path) -> None:
    before = gather(reviewed)
    features = exported(reviewed)
    left_out = one_of(features, "Necrosis")
    quarter = shapely.box(1000, 1000, 1100, 1100)
    left_out["geometry"] = shapely.geometry.mapping(quarter)
    assert brought(reviewed, features) == 1
    (own,) = regions(reviewed)
    assert own.geometry.equals(quarter)
    assert own.reason is Reason.NECROSIS
    assert own.id != left_out["id"]
    after = gather(reviewed)
    assert after.left_out == (own,)
    assert 0 < after.excluded_mm2["necrosis"] < before.excluded_mm2["necrosis"]
    assert brought(reviewed, features) == 0
    mark = ReviewLog.open(reviewed, after.plane.lattice).latest(CELL)
    assert mark is not None
    assert (mark.excluded, mark.comment, mark.author) == (None, "pale", "Dr A")


def test_such_a_cell_is_left_out_again_when_the_import_is_taken_back(reviewed: Path) -> None:
    before, features = gather(reviewed), exported(reviewed)
    enlarge(one_of(features, "Necrosis"))
    path = reviewed.with_name("back.geojson")
    path.write_text(json.dumps(features), encoding="utf-8")
    (was,) = import_geojson(reviewed, path, author="Dr A").before.values()
    assert gather(reviewed).excluded_mm2 != before.excluded_mm2
    assert was is not None
    RegionFile.open(reviewed).put(was)
    assert gather(reviewed).excluded_mm2 == before.excluded_mm2


def test_a_cell_that_is_left_out_no_longer_counts(reviewed: Path) -> None:
    features = exported(reviewed)
    one_of(features, "Necrosis")["properties"]["classification"]["name"] = "Area"
    assert brought(reviewed, features) == 1
    after = gather(reviewed)
    assert after.left_out == ()
    assert [region.kind for region in after.regions] == [RegionKind.AREA]
    ids = [each["id"] for each in exported(reviewed)]
    assert len(ids) == len(set(ids))
    # Left out once more it is not taken for the region that it was.
    plane = after.plane
    log = ReviewLog.open(reviewed, plane.lattice)
    log.mark(CELL, excluded=Reason.PEN)
    (again,) = excluded_regions(log, plane)
    assert again.id not in {region.id for region in regions(reviewed)}
    assert brought(reviewed, exported(reviewed)) == 0
