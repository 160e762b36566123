"""How sharp pictures are: what scanners do to it counts, stain and compression hardly do."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.stain.sharpness import sharpness
from napari_glioma_density.training.dataset import open_data_set, read_field

Picture = NDArray[np.uint8]
UM = 0.5


def wave(length_um: float) -> Picture:
    """A grey wave in optical density."""
    density = 0.5 + 0.3 * np.sin(2 * np.pi * np.arange(960) * UM / length_um)
    row = np.round(255 * 10**-density).astype(np.uint8)
    return np.repeat(np.repeat(row[None, :, None], 3, axis=2)[None], 200, axis=1)


def left(sigma_um: float, length_um: float) -> float:
    """What a Gaussian leaves of a wave's amplitude."""
    return float(np.exp(-((2 * np.pi * sigma_um / length_um) ** 2) / 2))


@pytest.mark.parametrize("length_um", [3.0, 5.0, 8.0])
def test_it_is_the_ratio_of_what_gaussians_leave_of_a_wave(length_um: float) -> None:
    fine = left(0.3, length_um) - left(0.6, length_um)
    form = left(0.6, length_um) - left(2.0, length_um)
    assert sharpness(wave(length_um), UM) == pytest.approx(fine / form, rel=0.05)


def test_pictures_count_together_by_how_much_there_is_to_see() -> None:
    blank = np.full_like(wave(4.0), 240)
    alone = sharpness(wave(4.0), UM)
    assert sharpness(np.concatenate([wave(4.0), blank]), UM) == pytest.approx(alone)
    assert sharpness(blank, UM) is None


def test_what_was_not_read_and_its_edge_do_not_count() -> None:
    picture, read = wave(4.0), np.ones((1, 200, 960), bool)
    whole = sharpness(picture, UM)
    read[:, :, 500:] = False
    picture[:, :, 500:] = 255
    assert sharpness(picture, UM, read) == pytest.approx(whole, rel=0.02)
    assert sharpness(picture, UM, np.zeros_like(read)) is None


@pytest.fixture(scope="module")
def tissue(request: pytest.FixtureRequest) -> Picture:
    """A field of lower-grade glioma at 0.5 µm/px."""
    folder: Path = request.getfixturevalue("data_folder")
    field = open_data_set(folder / "data/validation/lgg").fields[0]
    rgb, _ = read_field(field)
    factor = field.um_per_px / UM
    small = cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def softened(rgb: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1), np.uint8)


def sharpened(rgb: Picture) -> Picture:
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1)
    return np.asarray(cv2.addWeighted(rgb, 2, smooth, -1, 0), np.uint8)


def compressed(rgb: Picture) -> Picture:
    _, written = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 50])
    return np.asarray(cv2.imdecode(written, cv2.IMREAD_COLOR), np.uint8)


def noisy(rgb: Picture) -> Picture:
    noise = np.random.default_rng(0).normal(0, 4, rgb.shape)
    return np.clip(rgb + noise, 0, 255).round().astype(np.uint8)


def paler(rgb: Picture) -> Picture:
    return np.round(255 * (rgb / 255) ** 0.5).astype(np.uint8)


@pytest.mark.parametrize(
    ("scanner", "least", "most"),
    [
        (softened, 0.4, 0.75),
        (sharpened, 1.25, 2.0),
        (compressed, 0.95, 1.1),
        (noisy, 0.95, 1.1),
        (paler, 0.97, 1.03),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_scanners_sharpness_tells_and_little_else(
    tissue: Picture, scanner: Callable[[Picture], Picture], least: float, most: float
) -> None:
    before, after = sharpness(tissue[None], UM), sharpness(scanner(tissue)[None], UM)
    assert before is not None
    assert after is not None
    assert least < after / before < most
