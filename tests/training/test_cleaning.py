"""Cleaning: what would teach nonsense goes, with its reason; what is merely hard stays."""

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.training.cleaning import (
    FieldQuality,
    Limits,
    clean,
    measure_quality,
    summarise_dropped,
    write_dropped,
)
from napari_glioma_density.training.dataset import open_data_set, read_rgb

MakeDataSet = Callable[..., Path]
Picture = NDArray[np.uint8]
LIMITS = Limits()


@pytest.fixture(scope="module")
def tissue() -> Picture:
    """Tissue of 480×480 px at 0.5 µm/px: purple nuclei of soft edge on textured pink."""
    random = np.random.default_rng(3)
    texture = cv2.GaussianBlur(random.normal(0, 1, (480, 480)).astype(np.float32), (0, 0), 1.2)
    rgb = np.empty((480, 480, 3), np.float32)
    rgb[:] = (225, 170, 205)
    for _ in range(350):
        at = (int(random.integers(480)), int(random.integers(480)))
        cv2.ellipse(rgb, at, (8, 5), int(random.integers(180)), 0, 360, (95, 60, 140), -1)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 0.6) * (1 + 0.25 * texture[..., None])
    return np.clip(rgb, 0, 255).astype(np.uint8)


def faults(rgb: Picture, folder: Path) -> list[str]:
    """Reasons for which a data set of this picture alone is cleaned."""
    for part in ("images", "labels"):
        (folder / part).mkdir(exist_ok=True)
    cv2.imwrite(str(folder / "images/a.png"), rgb[..., ::-1])
    cv2.imwrite(str(folder / "labels/a.png"), np.zeros(rgb.shape[:2], np.uint16))
    entry = '{"image": "images/a.png", "label": "labels/a.png", "um_per_px": 0.5}'
    (folder / "manifest.json").write_text(f'{{"images": [{entry}]}}')
    kept, dropped = clean(open_data_set(folder))
    assert len(kept) + len(dropped) == 1
    return [one.reason for one in dropped]


def inked(rgb: Picture, colour: tuple[int, int, int]) -> Picture:
    drawn = rgb.copy()
    cv2.line(drawn, (40, 0), (140, 479), colour, 30)
    return drawn


def folded(rgb: Picture) -> Picture:
    """A band 60 µm wide where the section lies on itself, so that densities add up."""
    twice = rgb.astype(np.float32)
    twice[:, 180:300] *= cv2.GaussianBlur(rgb, (0, 0), 1.5)[:, 300:180:-1] / 255.0
    return twice.astype(np.uint8)


def test_sound_tissue_without_a_single_label_is_kept(tissue: Picture, tmp_path: Path) -> None:
    assert faults(tissue, tmp_path) == []


@pytest.mark.parametrize("faded", [0.4, 1.8])
def test_pale_and_dark_stain_are_kept(tissue: Picture, tmp_path: Path, faded: float) -> None:
    assert faults((255 * (tissue / 255.0) ** faded).astype(np.uint8), tmp_path) == []


def test_tissue_beside_glass_is_kept(tissue: Picture, tmp_path: Path) -> None:
    edge = tissue.copy()
    edge[:, 60:] = 243
    assert faults(edge, tmp_path) == []


@pytest.mark.parametrize("sigma", [2, 3, 5])
@pytest.mark.parametrize("faded", [0.5, 1.0])
def test_blur_is_found_however_strong_the_stain(
    tissue: Picture, tmp_path: Path, sigma: float, faded: float
) -> None:
    blurred = cv2.GaussianBlur((255 * (tissue / 255.0) ** faded), (0, 0), sigma)
    assert faults(blurred.astype(np.uint8), tmp_path) == ["blurred"]


@pytest.mark.parametrize("grey", [(250, 250, 250), (150, 160, 150)])
def test_bare_glass_is_empty(tmp_path: Path, grey: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(0).normal(0, 3, (300, 300, 3))
    glass = np.clip(np.array(grey) + noise, 0, 255).astype(np.uint8)
    assert faults(glass, tmp_path) == ["empty"]


@pytest.mark.parametrize(
    ("colour", "reason"),
    [
        ((20, 60, 190), "inked"),
        ((10, 130, 60), "inked"),
        ((15, 15, 18), "folded or dirty"),
        ((45, 35, 25), "folded or dirty"),
    ],
    ids=["blue", "green", "black", "dirt"],
)
def test_pen_and_dirt_are_found(
    tissue: Picture, tmp_path: Path, colour: tuple[int, int, int], reason: str
) -> None:
    assert faults(inked(tissue, colour), tmp_path) == [reason]


def test_a_fold_is_found(tissue: Picture, tmp_path: Path) -> None:
    assert faults(folded(tissue), tmp_path) == ["folded or dirty"]


def test_what_is_measured_hardly_depends_on_the_scan_s_resolution(tissue: Picture) -> None:
    finer = cv2.resize(tissue, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    coarse, fine = measure_quality(tissue, 0.5), measure_quality(np.asarray(finer), 0.25)
    assert fine.tissue == pytest.approx(coarse.tissue, abs=0.02)
    assert fine.sharpness == pytest.approx(coarse.sharpness, rel=0.2)


def test_limits_can_be_chosen(make_data_set: MakeDataSet) -> None:
    data = open_data_set(make_data_set(fields=3))
    kept, dropped = clean(data, Limits(least_sharpness=1e9))
    assert (len(kept), len(dropped)) == (0, 3)
    assert dropped[0].limit == 1e9 > dropped[0].measured > LIMITS.least_sharpness
    assert (kept.name, kept.licence) == (data.name, data.licence)


def test_the_report_names_each_field_and_why(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(fields=3)
    cv2.imwrite(str(folder / "images/1.png"), np.full((96, 96, 3), 245, np.uint8))
    kept, dropped = clean(open_data_set(folder))
    assert [field.image.name for field in kept] == ["0.png", "2.png"]
    assert summarise_dropped(dropped, 3) == "left out 1 of 3 fields: 1 empty"
    write_dropped(tmp_path / "d.csv", dropped)
    (row,) = csv.DictReader((tmp_path / "d.csv").open())
    assert row["image"].endswith("1.png")
    assert (row["data_set"], row["reason"]) == ("discs", "empty")
    assert float(row["measured"]) < float(row["limit"])


def quality(folder: Path, image: str, um_per_px: float) -> FieldQuality:
    return measure_quality(read_rgb(folder / "data/train" / image), um_per_px)


def test_real_ink_and_dirt_are_found(data_folder: Path) -> None:
    for inked_by_surgeons in ("consep/images/train_12.jpg", "consep/images/train_15.jpg"):
        assert quality(data_folder, inked_by_surgeons, 0.275).ink > LIMITS.most_ink
    assert quality(data_folder, "consep/images/train_2.jpg", 0.275).dark > LIMITS.most_dark


@pytest.mark.parametrize(
    "image",
    ["human_tongue_28.jpg", "human_bladder_04.jpg", "mouse_subscapula_21.jpg"],
    ids=["dark", "dense", "fat"],
)
def test_real_tissue_that_is_merely_hard_is_kept(data_folder: Path, image: str) -> None:
    found = quality(data_folder, f"nuinsseg/images/{image}", 0.25)
    assert found.tissue > LIMITS.least_tissue
    assert found.sharpness > LIMITS.least_sharpness
    assert found.ink < LIMITS.most_ink
    assert found.dark < LIMITS.most_dark
