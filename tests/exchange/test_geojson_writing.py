"""GeoJSON read back with json and shapely alone, beside the findings it was written from."""

import errno
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import made_up_findings
import numpy as np
import pytest
import shapely
from geojson_regions import AREA, EXCLUDED, HAND_DRAWN, LINE, REFERENCE
from made_up_findings import estimate
from numpy.typing import NDArray

from napari_glioma_density.errors import StoreError
from napari_glioma_density.exchange.geojson import writing
from napari_glioma_density.exchange.geojson.writing import write_geojson
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei.table import measure_nuclei, separate_nuclei
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import sums_of

Collection = dict[str, Any]


def load(path: Path) -> Collection:
    with path.open(encoding="utf-8") as file:
        read: Collection = json.load(file)
    return read


def of_type(read: Collection, kind: str) -> list[dict[str, Any]]:
    return [each for each in read["features"] if each["properties"]["objectType"] == kind]


def outlines_of(features: list[dict[str, Any]]) -> NDArray[np.object_]:
    return np.array([shapely.geometry.shape(each["geometry"]) for each in features])


def named(read: Collection, name: str) -> dict[str, Any]:
    (feature,) = [
        each for each in of_type(read, "annotation") if each["properties"]["name"] == name
    ]
    return feature


@pytest.fixture(scope="module")
def read(amended: Findings, tmp_path_factory: pytest.TempPathFactory) -> Collection:
    path = tmp_path_factory.mktemp("geojson") / "out.geojson"
    report = write_geojson(path, amended)
    collection = load(path)
    assert report.nuclei == len(of_type(collection, "detection"))
    assert report.annotations == len(of_type(collection, "annotation"))
    assert report.discs == 0
    assert report.size_bytes == path.stat().st_size
    return collection


def test_every_nucleus_that_counts_is_one_detection(read: Collection, amended: Findings) -> None:
    detections = of_type(read, "detection")
    patches = amended.snapshot.patches
    assert len(detections) == len(amended.nuclei) == patches.count[patches.is_read].sum()
    areas = shapely.area(outlines_of(detections)) * amended.spec.um_per_px**2
    stated = [each["properties"]["measurements"]["Nucleus: Area µm^2"] for each in detections]
    np.testing.assert_allclose(areas, stated, rtol=0.01)
    expected = amended.nuclei["area_px"] * amended.spec.working_um_per_px**2
    np.testing.assert_allclose(np.sort(stated), np.sort(expected), atol=1e-3)


def test_every_outline_is_valid_and_every_id_its_own(read: Collection) -> None:
    assert shapely.is_valid(outlines_of(read["features"])).all()
    ids = [each["id"] for each in read["features"]]
    assert len(set(ids)) == len(ids)
    assert all(str(uuid.UUID(each)) == each for each in ids)


def test_detections_cover_the_masks_pixels(read: Collection, amended: Findings) -> None:
    mask = amended.mask[slice(0, None), slice(0, None)] > 0
    left_out = left_out_geometry(amended.left_out)
    y, x = np.nonzero(mask)
    centres = shapely.points(2 * x + 1.0, 2 * y + 1.0)
    tree = shapely.STRtree(outlines_of(of_type(read, "detection")))
    held, _ = tree.query(centres, predicate="intersects")
    covered = np.isin(np.arange(len(centres)), held)
    # Nuclei on the edge of what is left out go with their centre, and specks are none.
    far = shapely.distance(left_out, centres) > 40
    assert covered[far].mean() > 0.995
    total = shapely.area(outlines_of(of_type(read, "detection"))).sum()
    assert total == pytest.approx(4 * amended.nuclei["area_px"].sum(), rel=1e-3)


def test_nuclei_drawn_by_hand_go_out_as_they_were_drawn(read: Collection) -> None:
    corrected = [
        each
        for each in of_type(read, "detection")
        if each["properties"]["measurements"]["Nucleus: Corrected by a person"] == 1
    ]
    areas = np.sort(shapely.area(outlines_of(corrected))) / 4
    np.testing.assert_allclose(areas, sorted(HAND_DRAWN), rtol=1e-3)


def test_annotations_carry_the_numbers_of_the_findings(read: Collection, amended: Findings) -> None:
    for cell in amended.snapshot.cells:
        feature = named(read, cell.address)
        measured = feature["properties"]["measurements"]
        assert measured["Nuclear area % of read area"] == cell.density_percent
        assert measured.get("Nuclei per mm^2 of tissue") == cell.nuclei_per_mm2
        outline = shapely.geometry.shape(feature["geometry"])
        um2 = cell.width_um * cell.height_um
        assert outline.area * amended.spec.um_per_px**2 == pytest.approx(um2, rel=1e-3)
    kept = amended.exclusions, left_out_geometry(amended.left_out)
    sums = sums_of(REFERENCE.geometry, amended.measured, *kept)
    measured = named(read, "grey matter")["properties"]["measurements"]
    assert measured["Nuclear area % of tissue"] == sums.tissue_density_percent
    assert measured["Tissue mm^2"] == sums.tissue_mm2
    excluded = named(read, "necrosis")["properties"]
    assert excluded["classification"]["name"] == "Necrosis"
    (excluded_mm2,) = amended.excluded_mm2.values()
    assert excluded["measurements"]["Read mm^2"] == pytest.approx(excluded_mm2)
    length = named(read, LINE.title)["properties"]["measurements"]["Length µm"]
    assert length == LINE.geometry.length * amended.spec.um_per_px
    assert named(read, AREA.title)["id"] == AREA.id
    assert named(read, EXCLUDED.title)["id"] == EXCLUDED.id


def test_objects_are_of_the_form_that_qupath_reads(read: Collection) -> None:
    assert read["type"] == "FeatureCollection"
    for each in read["features"]:
        shown = each["properties"]["classification"]
        assert isinstance(shown["name"], str)
        assert len(shown["color"]) == 3
        measured = each["properties"]["measurements"]
        assert all(isinstance(value, int | float) for value in measured.values())
        texts = each["properties"].get("metadata", {})
        assert all(isinstance(value, str) for value in texts.values())


def test_no_name_of_a_file_or_folder_goes_out(found: Findings, tmp_path: Path) -> None:
    write_geojson(tmp_path / "out.geojson", found)
    assert "smith" not in (tmp_path / "out.geojson").read_text().casefold()


def test_the_offset_of_cropped_slides_is_taken_off(found: Findings, tmp_path: Path) -> None:
    whole, cropped = tmp_path / "whole.geojson", tmp_path / "cropped.geojson"
    write_geojson(whole, found)
    write_geojson(cropped, found, offset_px=(200, -30))
    shifts = [
        shapely.bounds(a) - shapely.bounds(b)
        for a, b in zip(
            outlines_of(load(whole)["features"]),
            outlines_of(load(cropped)["features"]),
            strict=True,
        )
    ]
    np.testing.assert_allclose(shifts, np.tile([200, -30, 200, -30], (len(shifts), 1)), atol=0.011)


def test_clumps_are_parted_as_they_were_counted(
    monkeypatch: pytest.MonkeyPatch, named_slide: Path, tmp_path: Path
) -> None:
    def clumped() -> NDArray[np.uint8]:
        random = np.random.default_rng(5)
        mask = np.zeros((made_up_findings.HEIGHT, made_up_findings.WIDTH), np.uint8)
        for y, x in random.integers(0, (made_up_findings.HEIGHT, 1500), (2500, 2)).tolist():
            cv2.circle(mask, (x, y), int(random.integers(5, 12)), 1, -1)
        return mask

    monkeypatch.setattr(made_up_findings, "draw_nuclei", clumped)
    findings = estimate(named_slide, tmp_path / "clumps.glioma.zarr")
    report = write_geojson(tmp_path / "out.geojson", findings)
    assert (report.nuclei, report.discs) == (len(findings.nuclei), 0)
    detections = outlines_of(of_type(load(tmp_path / "out.geojson"), "detection"))
    assert shapely.is_valid(detections).all()
    whole = measure_nuclei(separate_nuclei(clumped(), 0.5))
    assert len(detections) == pytest.approx(len(whole.area_px), rel=0.002)


def test_a_nucleus_that_the_mask_does_not_show_goes_out_as_a_disc(
    found: Findings, tmp_path: Path
) -> None:
    nuclei = found.nuclei[:1].copy()
    nuclei["x_px"] += 20
    report = write_geojson(tmp_path / "out.geojson", replace(found, nuclei=nuclei))
    assert (report.nuclei, report.discs) == (1, 1)
    (disc,) = of_type(load(tmp_path / "out.geojson"), "detection")
    outline = shapely.geometry.shape(disc["geometry"])
    assert outline.area / 4 == pytest.approx(int(nuclei["area_px"][0]), rel=1e-3)
    assert "disc" in disc["properties"]["metadata"]["outline"]


def test_a_full_disk_keeps_what_was_there(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "out.geojson"
    path.write_text("before")
    monkeypatch.setattr(writing, "nucleus_lines", full)
    with pytest.raises(StoreError, match="disk is full"):
        write_geojson(path, found)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
