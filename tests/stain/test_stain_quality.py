"""Measures of pixels: what is sharp, inked, black, and lies on itself."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.stain import STAINS, optical_density
from napari_glioma_density.stain.quality import (
    detail_of,
    ground_of,
    haematoxylin_and_eosin,
    is_black,
    is_ink,
)


def flat(rgb: tuple[int, int, int]) -> NDArray[np.float32]:
    return optical_density(np.full((40, 40, 3), rgb, np.uint8))


def test_sharpness_does_not_depend_on_how_strong_the_stain_is() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (200, 200)).astype(np.float32)
    ratios = []
    for strength in (0.2, 1.0):
        fine, form = detail_of(strength * noise, (0.7, 1.0, 2.0))
        ratios.append(fine.mean() / form.mean())
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)


def test_the_energies_of_a_wave_are_those_of_gaussian_filters() -> None:
    """A Gaussian of σ px leaves exp(-σ²ω²/2) of a wave's amplitude."""
    omega = 2 * np.pi / 8
    wave = np.tile(np.sin(omega * np.arange(400, dtype=np.float32)), (60, 1))
    fine, form = detail_of(wave, (0.7, 1.0, 2.0))

    def left(sigma: float) -> float:
        return float(np.exp(-((sigma * omega) ** 2) / 2))

    inner = np.s_[20:40, 40:360]
    assert fine[inner].mean() == pytest.approx((1 - left(0.7)) ** 2 / 2, rel=0.05)
    assert form[inner].mean() == pytest.approx((left(1.0) - left(2.0)) ** 2 / 2, rel=0.05)


@pytest.mark.parametrize("rgb", [(30, 60, 180), (20, 130, 70)], ids=["blue", "green"])
def test_pens_are_ink(rgb: tuple[int, int, int]) -> None:
    assert is_ink(flat(rgb)).all()
    assert not is_black(flat(rgb)).any()


@pytest.mark.parametrize(
    "rgb",
    [(90, 60, 140), (225, 150, 200), (190, 60, 80), (40, 25, 80), (240, 240, 243)],
    ids=["nucleus", "eosin", "blood", "dark nucleus", "glass"],
)
def test_stains_and_glass_are_neither_ink_nor_black(rgb: tuple[int, int, int]) -> None:
    assert not is_ink(flat(rgb)).any()
    assert not is_black(flat(rgb)).any()


def test_black_pen_is_black() -> None:
    assert is_black(flat((25, 22, 24))).all()


def test_the_ground_is_what_lies_between_nuclei() -> None:
    tissue = np.full((200, 200), 0.4, np.float32)
    for y in range(10, 200, 20):
        for x in range(10, 200, 20):
            cv2.circle(tissue, (x, y), 4, 1.5, -1)
    assert np.median(ground_of(tissue, 1.0)) < 0.6
    assert np.median(ground_of(2 * tissue, 1.0)) == pytest.approx(
        2 * np.median(ground_of(tissue, 1.0)), rel=1e-3
    )


def test_stains_mixed_by_beer_s_law_come_apart_again() -> None:
    amounts = np.array([[[0.9, 0.3, 0.0]], [[0.1, 0.7, 0.0]]], np.float32)
    haematoxylin, eosin = haematoxylin_and_eosin(amounts @ STAINS)
    np.testing.assert_allclose(haematoxylin, amounts[..., 0], atol=1e-5)
    np.testing.assert_allclose(eosin, amounts[..., 1], atol=1e-5)
