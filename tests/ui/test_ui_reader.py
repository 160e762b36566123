"""What napari gets from the reader."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from npe2 import PluginManifest
from painted_slide import write_slide

import napari_glioma_density
from napari_glioma_density.exchange.ome_tiff import write_ome_tiff
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.results import find_store
from napari_glioma_density.ui import reader
from napari_glioma_density.ui.reader import NOTHING, get_reader, read_slide
from napari_glioma_density.ui.slide_layer import SLIDE

MANIFEST = Path(napari_glioma_density.__file__).with_name("napari.yaml")


def test_slide_becomes_a_multiscale_rgb_layer_in_micrometres(slide_path: Path) -> None:
    read = get_reader(str(slide_path))
    assert read is not None
    ((levels, options, kind),) = read(str(slide_path))
    assert kind == "image"
    assert options["rgb"]
    assert options["multiscale"]
    assert levels[0].shape == (1500, 2000, 3)
    assert options["scale"] == pytest.approx((0.5, 0.5))
    assert options["translate"] == pytest.approx((0.25, 0.25))
    assert options["units"] == ("um", "um")


def test_layer_is_named_by_pseudonym_and_never_by_file_name(slide_path: Path) -> None:
    ((_, options, _),) = read_slide(str(slide_path))
    assert options["name"] == options["metadata"][SLIDE].pseudonym
    assert "00123" not in options["name"]


def test_file_name_is_not_shown_though_no_dock_is_open(
    slide_path: Path, make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    (layer,) = viewer.open(str(slide_path), plugin="napari-glioma-density")
    qtbot.waitUntil(lambda: slide_path.name not in layer.get_source_str())
    assert slide_path.name not in str(viewer.status)
    assert slide_path.name not in str(layer.get_status((100.0, 100.0)))


def test_slide_without_resolution_opens_in_pixels(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "bare.tiff", resolution=None, resolutionunit=None)
    ((_, options, _),) = read_slide(str(path))
    assert options["units"] == ("pixel", "pixel")
    assert options["scale"] == (1.0, 1.0)


def test_unreadable_slide_is_told_in_one_line_and_adds_no_layer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(reader, "show_error", told.append)
    text = tmp_path / "notes.svs"
    text.write_text("no slide")
    read = get_reader(str(text))
    assert read is not None
    assert read(str(text)) == NOTHING
    assert len(told) == 1
    assert "notes.svs" in told[0]
    assert "\n" not in told[0]


def test_a_picture_that_nobody_can_decode_is_told_in_one_line(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(reader, "show_error", told.append)
    path = str(data_folder / "slides/bad/unopenable.tiff")
    read = get_reader(path)
    assert read is not None
    assert read(path) == NOTHING
    assert len(told) == 1
    assert "cannot be decoded" in told[0]


def test_folder_without_a_slide_is_left_to_other_plugins(tmp_path: Path) -> None:
    assert get_reader(str(tmp_path)) is None
    assert get_reader([str(tmp_path)]) is None


@pytest.mark.parametrize(
    ("inside", "dropped", "told"),
    [
        ("slides/H24-00123.svs", "slides", "slides: is a folder without a DICOM slide"),
        ("scans/series/1.dcm", "scans", "scans: is a folder without a DICOM slide"),
        ("a.svs.glioma.zarr/zarr.json", "a.svs.glioma.zarr", "open the slide itself"),
        ("drawn.geojson", "drawn.geojson", "Press Import from QuPath"),
    ],
)
def test_what_is_dropped_in_place_of_a_slide_is_told_with_the_way_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: str, dropped: str, told: str
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(reader, "show_error", lines.append)
    (tmp_path / inside).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / inside).write_text("{}")
    read = get_reader(str(tmp_path / dropped))
    assert read is not None
    assert read(str(tmp_path / dropped)) == NOTHING
    (line,) = lines
    assert told in line
    assert "\n" not in line


def test_an_export_that_is_dropped_names_its_slide(
    estimated_slide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(reader, "show_error", lines.append)
    findings = gather(find_store(estimated_slide))
    exported = tmp_path / "masks.ome.tiff"
    write_ome_tiff(exported, findings)
    read = get_reader(str(exported))
    assert read is not None
    assert read(str(exported)) == NOTHING
    assert lines == [
        f"masks.ome.tiff: is the nucleus mask and density map of {findings.pseudonym}, "
        "exported for other programs; open the slide itself, and they are back."
    ]
    assert get_reader(str(estimated_slide)) is read_slide


def test_manifest_claims_every_slide_suffix_and_is_valid() -> None:
    manifest = PluginManifest.from_file(MANIFEST)
    patterns = yaml.safe_load(MANIFEST.read_text())["contributions"]["readers"][0]
    assert manifest.name == "napari-glioma-density"
    claimed = {f"*{suffix}" for suffix in (*reader.SLIDE_SUFFIXES, reader.DRAWINGS)}
    assert claimed <= set(patterns["filename_patterns"])


def test_real_slide_opens_with_its_resolution(data_folder: Path) -> None:
    ((levels, options, _),) = read_slide(str(data_folder / "slides" / "CMU-1-Small-Region.svs"))
    assert options["scale"] == pytest.approx((0.499, 0.499))
    assert np.asarray(levels[-1]).std() > 0
