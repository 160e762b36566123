"""Data sets on disk: what breaks the layout is named in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.dataset import open_data_set, read_field

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


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda f: (f / "manifest.json").unlink(), "manifest.json: missing"),
        (lambda f: (f / "manifest.json").write_text("{"), "not readable as JSON"),
        (lambda f: (f / "manifest.json").write_text("[]"), "one JSON object"),
        (lambda f: (f / "manifest.json").write_text("{}"), "lists no images"),
        (lambda f: (f / "labels/0.png").unlink(), "labels/0.png: label is missing"),
        (lambda f: (f / "images/0.png").unlink(), "images/0.png: image is missing"),
        (lambda f: edit_manifest(f, um_per_px=None), "um_per_px"),
        (lambda f: edit_manifest(f, um_per_px=352.8), "352.8"),
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
