"""Data sets on disk: what breaks the layout is named in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_glioma_density.annotation.colours import write_colours
from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.dataset import (
    open_data_set,
    read_field,
    read_rgb,
    read_slide_colours,
)
from napari_glioma_density.training.ignore_zones import read_ignored

MakeDataSet = Callable[..., Path]


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["images"][0].update(changes)
    path.write_text(json.dumps(manifest))


def test_fields_come_back_as_written(make_data_set: MakeDataSet) -> None:
    data = open_data_set(make_data_set(fields=3))
    pixels = read_field(data.fields[0])
    assert len(data) == 3
    assert data.ships_weights
    assert pixels.rgb.shape == (96, 96, 3)
    assert pixels.rgb[pixels.labels > 0].mean(axis=0) == pytest.approx([90, 60, 130], abs=2)


def test_a_picture_is_read_as_its_labels_lie_and_on_white(tmp_path: Path) -> None:
    """Whatever way a camera says that it is up."""
    rgb = np.zeros((60, 90, 3), np.uint8)
    rgb[:30] = 200
    camera, transparent = tmp_path / "camera.jpg", tmp_path / "transparent.png"
    turned = Image.Exif()
    turned[0x0112] = 6  # a quarter turn
    Image.fromarray(rgb).save(camera, exif=turned, quality=95)
    read = read_rgb(camera)
    assert read.shape == rgb.shape
    assert np.abs(read.astype(int) - rgb).max() < 8
    cv2.imwrite(str(transparent), np.dstack([rgb, np.zeros((60, 90), np.uint8)]))
    assert (read_rgb(transparent) == 255).all()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda f: (f / "manifest.json").write_text("{"), "not readable as JSON"),
        (lambda f: (f / "manifest.json").write_text("[]"), "no JSON object"),
        (lambda f: (f / "manifest.json").write_text("{}"), "lists no images"),
        (lambda f: (f / "labels/0.png").unlink(), "labels/0.png: label is missing"),
        (lambda f: (f / "images/0.png").unlink(), "images/0.png: image is missing"),
        (lambda f: edit_manifest(f, um_per_px=None), "um_per_px"),
        (lambda f: edit_manifest(f, um_per_px=352.8), "352.8"),
        (lambda f: edit_manifest(f, um_per_px=True), "um_per_px in manifest.json is True"),
    ],
)
def test_a_broken_layout_is_named(
    make_data_set: MakeDataSet, damage: Callable[[Path], object], said: str
) -> None:
    folder = make_data_set()
    damage(folder)
    with pytest.raises(DataSetError, match=said) as caught:
        open_data_set(folder)
    assert "\n" not in str(caught.value)


def test_the_colours_of_a_fields_slide_are_read_where_they_are_named(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set("a")
    colours = np.random.default_rng(0).integers(0, 256, (300, 3), np.uint8)
    write_colours(folder / "colours" / "0-16.png", colours)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["images"][0]["slide_colours"] = "colours/0-16.png"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    named, *others = open_data_set(folder)
    read = read_slide_colours(named)
    assert read is not None
    assert np.array_equal(read, colours)
    assert [read_slide_colours(each) for each in others] == [None] * len(others)
    (folder / "colours" / "0-16.png").unlink()
    with pytest.raises(DataSetError, match=r"0-16\.png: picture of the slide's colours is missing"):
        open_data_set(folder)


def edit_set(folder: Path, **changes: object) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def test_what_a_manifest_says_can_be_written_anywhere(make_data_set: MakeDataSet) -> None:
    folder = edit_set(make_data_set(), name="a\udcff", licence="\ud800")
    edit_manifest(folder, organ="\udc80", patient="\udc80")
    data = open_data_set(folder)
    field = data.fields[0]
    assert (data.name, data.licence, field.organ, field.patient) == ("a?", "?", "?", "?")


def test_a_manifest_that_says_nothing_says_no_null(make_data_set: MakeDataSet) -> None:
    folder = edit_set(make_data_set(), name=None, licence=None)
    edit_manifest(folder, organ=None, patient=0)
    data = open_data_set(folder)
    assert (data.name, data.licence) == ("discs", "not stated")
    assert (data.fields[0].organ, data.fields[0].patient) == ("", "0")


def test_an_absent_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="no such folder"):
        open_data_set(tmp_path / "nowhere")


def test_a_label_of_another_size_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    cv2.imwrite(str(folder / "labels/0.png"), np.zeros((10, 12), np.uint16))
    with pytest.raises(DataSetError, match=r"12×10 but its image is 96×96"):
        read_field(open_data_set(folder).fields[0])


def test_a_picture_that_is_none_is_named(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    (folder / "images/0.png").write_text("not a picture")
    with pytest.raises(DataSetError, match="no readable picture"):
        read_field(open_data_set(folder).fields[0])


def test_a_jpeg_that_ends_early_is_no_picture(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    path = tmp_path / "cut.jpg"
    Image.fromarray(noise).save(path)
    assert read_rgb(path).shape == noise.shape
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DataSetError, match="no readable picture"):
        read_rgb(path)


def write_clicks(folder: Path, clicks: object) -> None:
    (folder / "points").mkdir(exist_ok=True)
    (folder / "points/0.json").write_text(json.dumps(clicks))


def ignored(folder: Path, labels: NDArray[np.uint16]) -> NDArray[np.bool_] | None:
    return read_ignored(open_data_set(folder).fields[0], labels)


def test_a_click_without_an_outline_is_ignored_around(make_data_set: MakeDataSet) -> None:
    folder, labels = make_data_set(), np.zeros((96, 96), np.uint16)
    labels[:, 50:] = 3
    write_clicks(folder, {"xy": [[47, 20], [70, 60]]})
    zone = ignored(folder, labels)
    y, x = np.mgrid[:96, :96]
    disk = np.hypot(x - 47, y - 20) <= 4 / 0.5  # 4 µm at 0.5 µm/px
    assert zone is not None
    assert np.count_nonzero(zone ^ (disk & (labels == 0))) <= 12
    assert not zone[labels > 0].any()


def test_clicks_say_themselves_whether_they_have_an_outline(make_data_set: MakeDataSet) -> None:
    folder, labels = make_data_set(), np.zeros((96, 96), np.uint16)
    write_clicks(folder, {"xy": [[20, 20], [70, 60]], "inside_a_contour": [True, False]})
    zone = ignored(folder, labels)
    assert zone is not None
    assert zone[60, 70]
    assert not zone[20, 20]


def test_without_clicks_nothing_is_ignored(make_data_set: MakeDataSet) -> None:
    folder, labels = make_data_set(), np.ones((96, 96), np.uint16)
    assert ignored(folder, labels) is None
    write_clicks(folder, {"xy": [[20, 20]]})
    assert ignored(folder, labels) is None


@pytest.mark.parametrize(
    "clicks",
    [[], {}, {"xy": [[1]]}, {"xy": [["a", 2]]}, {"xy": [[500, 2]]}, {"xy": [[float("nan"), 2]]},
     {"xy": [[1, 2]], "inside_a_contour": []}],
)  # fmt: skip
def test_clicks_that_are_none_are_named(make_data_set: MakeDataSet, clicks: object) -> None:
    folder = make_data_set()
    write_clicks(folder, clicks)
    with pytest.raises(DataSetError, match=r"0.json: holds no clicks"):
        ignored(folder, np.zeros((96, 96), np.uint16))


def test_real_clicks_without_outline_are_ignored(data_folder: Path) -> None:
    data = open_data_set(data_folder / "data/glioma_research/gbm")
    field = data.fields[0]
    assert field.points is not None
    labels = read_field(field).labels
    zone = read_ignored(field, labels)
    missing = json.loads(field.points.read_text())["inside_a_contour"].count(False)
    disk_px = np.pi * (4 / field.um_per_px) ** 2
    assert zone is not None
    assert 0.3 * missing * disk_px < zone.sum() <= 1.05 * missing * disk_px


IDS = np.arange(96 * 96, dtype=np.int64).reshape(96, 96) % 300


def give_label(folder: Path, name: str, write: Callable[[Path], object]) -> Path:
    write(folder / "labels" / name)
    edit_manifest(folder, label=f"labels/{name}")
    return folder


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.int16, np.int32, np.uint32, np.int64])
def test_labels_of_any_whole_numbers_are_their_ids(
    make_data_set: MakeDataSet, kind: type[np.generic]
) -> None:
    ids = (IDS % 200).astype(kind)
    folder = give_label(make_data_set(), "a.tif", lambda path: tifffile.imwrite(path, ids))
    read = read_field(open_data_set(folder).fields[0]).labels
    assert read.dtype == np.uint16
    assert np.array_equal(read, ids)


def test_a_mask_is_a_label(make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    give_label(folder, "a.png", lambda path: Image.fromarray(IDS > 200).save(path))
    read = read_field(open_data_set(folder).fields[0]).labels
    assert np.array_equal(read > 0, IDS > 200)


@pytest.mark.parametrize(
    ("name", "write", "said"),
    [
        ("a.tif", lambda p: tifffile.imwrite(p, (IDS + 65400).astype(np.uint32)), "id 65699"),
        ("a.tif", lambda p: tifffile.imwrite(p, (IDS - 3).astype(np.int32)), "id -3"),
        ("a.tif", lambda p: tifffile.imwrite(p, IDS.astype(np.float32)), "holds float32"),
        ("a.tif", lambda p: tifffile.imwrite(p, IDS > 9, photometric="miniswhite"), "white is"),
        ("a.tif", lambda p: tifffile.imwrite(p, IDS.astype(np.uint8), compression="jpeg"), "JPEG"),
        ("a.jpg", lambda p: cv2.imwrite(str(p), IDS.astype(np.uint8)), "is a JPEG"),
        ("a.png", lambda p: cv2.imwrite(str(p), np.zeros((96, 96, 3), np.uint8)), "has 3 channels"),
        (
            "a.png",
            lambda p: Image.fromarray(IDS.astype(np.uint8)).convert("P").save(p),
            "has 3 channels",
        ),
    ],
    ids=["too large", "negative", "float", "white", "JPEG in TIFF", "JPEG", "colours", "palette"],
)
def test_labels_that_are_no_ids_are_refused(
    make_data_set: MakeDataSet, name: str, write: Callable[[Path], object], said: str
) -> None:
    folder = give_label(make_data_set(), name, write)
    with pytest.raises(DataSetError, match=rf"{name}: .*{said}.*; save it as a grey PNG") as caught:
        read_field(open_data_set(folder).fields[0])
    assert "\n" not in str(caught.value)


def test_a_fourth_sample_is_alpha_where_it_is_declared(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    rgb = np.random.default_rng(3).integers(0, 256, (40, 50, 3), dtype=np.uint8)

    def read(fourth: int, kind: str, colours: NDArray[np.uint8] = rgb) -> NDArray[np.uint8]:
        samples = np.dstack([colours, np.full((40, 50), fourth, np.uint8)])
        tifffile.imwrite(path, samples, photometric="rgb", extrasamples=[kind])
        return read_rgb(path)

    for fourth in (0, 128, 255):
        assert np.array_equal(read(fourth, "unspecified"), rgb)
    assert np.array_equal(read(255, "unassalpha"), rgb)
    assert (read(0, "unassalpha") == 255).all()
    half = np.abs(read(128, "unassalpha").astype(int) - (rgb.astype(int) // 2 + 127))
    assert half.max() <= 2
    assert (read(128, "assocalpha", np.full_like(rgb, 60)) == 60 + 127).all()
