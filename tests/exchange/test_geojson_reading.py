"""What comes back: our own export whole, and files as QuPath's versions write them."""

import gzip
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from geojson_regions import EXCLUDED, FIELD, REFERENCE, REGIONS

from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson import feature_stream, nuclei_as_labels, read_geojson
from napari_glioma_density.exchange.geojson.reading import Imported
from napari_glioma_density.exchange.geojson.writing import write_geojson
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.region import Origin, Reason, RegionKind

WIDTH, HEIGHT = 4202, 3000
SQUARE = {"type": "Polygon", "coordinates": [[[10, 10], [90, 10], [90, 90], [10, 90], [10, 10]]]}
STROKE = {"type": "LineString", "coordinates": [[10, 10], [400, 300]]}
ID = "9f0c5a0e-2f55-4d1c-9d5b-0a5d3f1f8a11"


def feature(geometry: Any = SQUARE, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": ID,
        "geometry": geometry,
        "properties": {"objectType": "annotation", **properties},
    }


def read(path: Path, content: Any, **options: Any) -> Imported:
    path = path / "in.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_geojson(path, WIDTH, HEIGHT, **options)


@pytest.fixture(scope="module")
def exported(amended: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "out.geojson"
    write_geojson(path, amended, offset_px=(300, 20))
    return path


@pytest.fixture(scope="module")
def returned(exported: Path) -> Imported:
    return read_geojson(exported, WIDTH, HEIGHT, offset_px=(300, 20))


def test_our_own_regions_come_back_as_they_were(returned: Imported) -> None:
    assert len(returned.regions) == len(REGIONS)
    for ours, theirs in zip(REGIONS, returned.regions, strict=True):
        assert ours.with_(geometry=None) == theirs.with_(geometry=None)
        if ours.kind.is_line:
            assert theirs.geometry.equals_exact(ours.geometry, 0.011)
        else:
            shared = ours.geometry.intersection(theirs.geometry).area
            assert shared / ours.geometry.union(theirs.geometry).area > 0.999


def test_our_own_nuclei_come_back_pixel_by_pixel(returned: Imported, amended: Findings) -> None:
    assert len(returned.nuclei) == len(amended.nuclei)
    plane = amended.plane
    for block in (Block(0, 0, 1, 3), FIELD):
        # A neighbour's nuclei reach into a corrected patch; its own are all that it shows.
        outline = plane.block_outline(block)
        own = [each for each in returned.nuclei if outline.contains(each.geometry.centroid)]
        drawn = nuclei_as_labels(own if block == FIELD else returned.nuclei, plane, block) > 0
        mask = amended.mask[plane.lattice.window(block)] > 0
        assert (drawn & mask).sum() / (drawn | mask).sum() > 0.99


def test_results_that_no_one_drew_are_passed_over(returned: Imported, amended: Findings) -> None:
    assert returned.passed_over == {
        "grid cell": len(amended.snapshot.cells),
        "hotspot": len(amended.snapshot.hotspots),
    }


def test_only_nuclei_that_are_wanted_are_kept(exported: Path, returned: Imported) -> None:
    box = shapely.box(500, 500, 900, 900)
    some = read_geojson(exported, WIDTH, HEIGHT, offset_px=(300, 20), nuclei_in=box)
    expected = [each.id for each in returned.nuclei if each.geometry.intersects(box)]
    assert [each.id for each in some.nuclei] == expected
    assert 0 < len(expected) < len(returned.nuclei)
    assert len(some.regions) == len(returned.regions)


def test_a_class_or_name_changed_in_qupath_counts(exported: Path, tmp_path: Path) -> None:
    collection = json.loads(exported.read_text())
    for each in collection["features"]:
        if each["id"] == EXCLUDED.id:
            each["properties"]["classification"] = {"name": "Tumor", "color": [200, 0, 0]}
        if each["id"] == REFERENCE.id:
            each["properties"]["name"] = "cortex, left"
    regions = {each.id: each for each in read(tmp_path, collection, offset_px=(300, 20)).regions}
    changed, renamed = regions[EXCLUDED.id], regions[REFERENCE.id]
    assert (changed.kind, changed.reason, changed.comment) == (
        RegionKind.AREA,
        None,
        EXCLUDED.comment,
    )
    assert (renamed.kind, renamed.name) == (RegionKind.REFERENCE, "cortex, left")


@pytest.mark.parametrize(
    ("properties", "geometry", "kind", "reason", "name"),
    [
        ({"classification": "Necrosis"}, SQUARE, "exclusion", "necrosis", ""),
        ({"classification": {"name": "Ignore*", "colorRGB": -1}}, SQUARE, "exclusion", "other", ""),
        ({"name": "Hemorrhage"}, SQUARE, "exclusion", "haemorrhage", "Hemorrhage"),
        (
            {"classification": {"names": ["Region", "Immune cells"], "color": [1, 2, 3]}},
            SQUARE,
            "exclusion",
            "lymphocytes",
            "",
        ),
        ({"classification": {"name": "White matter"}}, SQUARE, "reference", None, "White matter"),
        ({"classification": {"name": "Tumor"}}, SQUARE, "area", None, "Tumor"),
        ({"classification": {"name": "Other"}, "name": "A"}, SQUARE, "area", None, "A"),
        (
            {"classification": {"parentClass": {"name": "Tumor"}, "name": "Core"}},
            SQUARE,
            "area",
            None,
            "Tumor: Core",
        ),
        ({}, STROKE, "line", None, ""),
        ({"name": "border"}, STROKE, "border", None, "border"),
    ],
)
def test_annotations_mean_what_their_class_and_name_say(
    tmp_path: Path,
    properties: dict[str, Any],
    geometry: dict[str, Any],
    kind: str,
    reason: str | None,
    name: str,
) -> None:
    (region,) = read(tmp_path, feature(geometry, **properties), author="E").regions
    assert region.kind is RegionKind(kind)
    assert region.reason is (None if reason is None else Reason(reason))
    assert (region.id, region.origin, region.author) == (ID, Origin.IMPORTED, "E")
    assert (region.name or region.title) == (name or region.title)


def _packed(path: Path, kind: str, text: str) -> Path:
    if kind == "gzip":
        path.write_bytes(gzip.compress(text.encode()))
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("slide.geojson", text)
    else:
        path.write_text(("\ufeff" if kind == "bom" else "") + text, encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["plain", "bom", "gzip", "zip"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("form", ["collection", "array", "single"])
def test_every_form_of_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, indent: int | None, form: str
) -> None:
    monkeypatch.setattr(feature_stream, "_CHUNK", 7)
    features = [feature(name="ä")] * (1 if form == "single" else 3)
    content: Any = features[0] if form == "single" else features
    if form == "collection":
        crs = {"type": "name", "properties": {"name": "px"}}
        content = {"type": "FeatureCollection", "crs": crs, "features": features, "more": 12}
    text = json.dumps(content, indent=indent, ensure_ascii=False)
    regions = read_geojson(_packed(tmp_path / "in", kind, text), WIDTH, HEIGHT).regions
    assert [region.name for region in regions] == ["ä"] * len(features)
    assert len({region.id for region in regions}) == len(features)


def test_notes_that_macos_puts_into_a_zip_are_passed_over(tmp_path: Path) -> None:
    path = _packed(tmp_path / "in.zip", "zip", json.dumps(feature()))
    with zipfile.ZipFile(path, "a") as archive:
        for note in ("__MACOSX/._slide.geojson", "__MACOSX/slide.geojson", "a/._b.json"):
            archive.writestr(note, b"\0\5\x16\7")
    assert len(read_geojson(path, WIDTH, HEIGHT).regions) == 1


def test_cells_detections_and_children(tmp_path: Path) -> None:
    inner = {"type": "Polygon", "coordinates": [[[20, 20], [40, 20], [40, 40], [20, 20]]]}
    cell = {**feature(objectType="cell", classification="Tumor"), "nucleusGeometry": inner}
    crossed = {"type": "Polygon", "coordinates": [[[0, 0], [9, 9], [9, 0], [0, 9], [0, 0]]]}
    old = feature(inner)
    del old["properties"]["objectType"]
    old["id"] = "PathDetectionObject"
    parent = feature(childObjects=[cell, feature(crossed, objectType="detection"), old])
    others = [
        feature(objectType="cell"),
        feature({"type": "Point", "coordinates": [5, 5]}),
        feature(objectType="tile"),
        feature(None),
        feature({"type": "Polygon", "coordinates": [[[5, 5], [9, 9], [5, 5], [5, 5]]]}),
    ]
    found = read(tmp_path, [parent, *others])
    assert [each.geometry.area for each in found.nuclei] == [200, 40.5, 200]
    assert all(each.geometry.is_valid for each in found.nuclei)
    assert found.nuclei[0].classification == "Tumor"
    assert len(found.regions) == 1
    assert found.passed_over == {
        "cell without nucleus": 1,
        "point": 1,
        "tile": 1,
        "without outline": 1,
        "without area": 1,
    }


def test_outlines_that_had_to_be_mended_are_counted(tmp_path: Path) -> None:
    crossed = [[0, 0], [90, 90], [90, 0], [0, 90], [0, 0]]
    beside = [[200, 200], [250, 200], [250, 250], [200, 200]]
    outlines = [SQUARE["coordinates"], [crossed], [SQUARE["coordinates"][0], beside]]
    drawn = [{**feature({"type": "Polygon", "coordinates": each}), "id": ""} for each in outlines]
    found = read(tmp_path, drawn)
    assert len(found.regions) == 3
    assert found.mended == 2


def test_labels_are_true_to_the_outlines_area(tmp_path: Path, found: Findings) -> None:
    discs = [shapely.Point(1000 + 70 * n, 700).buffer(20 + n) for n in range(5)]
    over_the_edge = shapely.Point(960, 800).buffer(30)
    drawn = [
        feature(shapely.geometry.mapping(each), objectType="detection")
        for each in (*discs, over_the_edge, discs[0])
    ]
    outlines = read(tmp_path, drawn).nuclei
    labels = nuclei_as_labels(outlines, found.plane, Block(0, 1, 1, 1))
    assert labels.dtype == np.uint16
    assert labels.shape == (480, 480)
    y, x = np.indices(labels.shape) + 0.5
    for number, disc in enumerate((*discs, over_the_edge), start=1):
        held = shapely.contains_xy(disc, 2 * (x + 480), 2 * y)
        np.testing.assert_array_equal(labels == number, held)
    assert 0 < (labels == 6).sum() < 0.6 * over_the_edge.area / 4
    assert not (labels == 7).any()  # below the first


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is no JSON"),
        ("slide,x,y\n1,2,3", "is no JSON"),
        ('{"type": "FeatureCollection", "features": [', "is no JSON"),
        ('{"type": "FeatureCollection", "features": []} {}', "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"type": "Polygon", "coordinates": []}', "no GeoJSON FeatureCollection"),
        ("[1, 2]", "object 1 is no GeoJSON feature"),
        (feature({"type": "Polygon", "coordinates": [[["a", "b"]]]}), "no valid GeoJSON geometry"),
        (feature({"type": "Curve"}), "no valid GeoJSON geometry"),
        (
            feature({"type": "Polygon", "coordinates": [[[-74, -40], [-73, -40], [-73, -39]]]}),
            "beyond the slide of 4202×3000 px",
        ),
        (feature({"type": "LineString", "coordinates": [[9e4, 9e4], [9e4, 8e4]]}), "beyond"),
        (feature({"type": "LineString", "coordinates": [[10, 10], [1e308, 10]]}), "beyond"),
        (feature({"type": "LineString", "coordinates": [[10, 10], [10, -30_001]]}), "beyond"),
        (
            feature(
                {"type": "Polygon", "coordinates": [[[1, 1], [1e17, 1e17], [1e17, 0], [0, 1e17]]]},
                objectType="detection",
            ),
            "beyond",
        ),
        (feature({"type": "LineString", "coordinates": [[1, float("nan")], [2, 2]]}), "valid"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path: Path, content: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says) as caught:
        read(tmp_path, content)
    assert "in.geojson: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_drawing_may_reach_beyond_the_slide(tmp_path: Path) -> None:
    stroke = {"type": "LineString", "coordinates": [[-10 * WIDTH, 10], [11 * WIDTH, 10]]}
    (region,) = read(tmp_path, feature(stroke)).regions
    assert region.geometry.length == 21 * WIDTH


def test_files_that_cannot_be_unpacked_are_told_in_one_line(tmp_path: Path) -> None:
    cut, binary, many = tmp_path / "cut.gz", tmp_path / "x.png", tmp_path / "x.zip"
    cut.write_bytes(gzip.compress(b'[{"type": "Feature"' * 999)[:40])
    binary.write_bytes(b"\x89PNG\xff\xfe")
    with zipfile.ZipFile(many, "w") as archive:
        archive.writestr("a.json", "[]")
        archive.writestr("b.json", "[]")
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("a.json", "[]")
    packed = bytearray(locked.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        packed[packed.index(magic) + flags] |= 1  # says that it is encrypted
    locked.write_bytes(packed)
    for path in (cut, binary, many, locked, tmp_path, tmp_path / "absent.geojson"):
        with pytest.raises(BadInput, match=path.name) as caught:
            read_geojson(path, WIDTH, HEIGHT)
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.geojson"
    os.mkfifo(pipe)
    with pytest.raises(BadInput, match=r"pipe\.geojson: is no file: name the GeoJSON file"):
        read_geojson(pipe, WIDTH, HEIGHT)


def test_an_object_beyond_all_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_stream, "LARGEST_VALUE", 2**20)
    monkeypatch.setattr(feature_stream, "_CHUNK", 2**20)
    endless = f'[{{"type": "Feature", "name": "{"x" * 2**22}"}}]'
    with pytest.raises(BadInput, match="over 1 million characters"):
        read(tmp_path, endless)
