"""Crops: seeded, area-true, and turned together with their masks."""

import numpy as np
import pytest

from napari_glioma_density.training.augmentation import (
    FLIPS_AND_TURNS,
    Augmentation,
    cut_crop,
)
from napari_glioma_density.training.dataset import FieldPixels


def field(side: int = 200) -> FieldPixels:
    random = np.random.default_rng(0)
    labels = (random.random((side, side)) < 0.3).astype(np.uint16)
    labels = labels.repeat(4, axis=0).repeat(4, axis=1)[:side, :side]
    rgb = np.where(labels[..., None] > 0, 60, 220).astype(np.uint8).repeat(3, axis=2)
    return FieldPixels(rgb, labels)


def test_the_same_seed_cuts_the_same_crop() -> None:
    crops = [
        cut_crop(field(), 0.25, 64, 0.5, Augmentation(), np.random.default_rng(5)) for _ in range(2)
    ]
    assert np.array_equal(crops[0][0], crops[1][0])
    assert np.array_equal(crops[0][1], crops[1][1])


@pytest.mark.parametrize("seed", range(5))
def test_picture_and_mask_are_turned_together(seed: int) -> None:
    rgb, mask = cut_crop(field(), 0.5, 64, 0.5, FLIPS_AND_TURNS, np.random.default_rng(seed))
    assert np.array_equal(rgb[..., 0] < 128, mask == 1)


def test_area_survives_scaling() -> None:
    pixels = field(400)
    true = (pixels.labels > 0).mean()
    shares = [
        cut_crop(pixels, 0.25, 96, 0.5, FLIPS_AND_TURNS, np.random.default_rng(s))[1]
        for s in range(40)
    ]
    assert np.mean(shares) == pytest.approx(true, abs=0.01)


def test_a_field_smaller_than_a_crop_is_mirrored() -> None:
    rgb, mask = cut_crop(field(40), 0.5, 128, 0.5, Augmentation(), np.random.default_rng(1))
    assert rgb.shape == (128, 128, 3)
    assert mask.any()


def test_stain_jitter_changes_colours_and_not_the_mask() -> None:
    plain = cut_crop(field(), 0.5, 64, 0.5, FLIPS_AND_TURNS, np.random.default_rng(2))
    stained = cut_crop(
        field(), 0.5, 64, 0.5, Augmentation(scale=0, blur_px=0), np.random.default_rng(2)
    )
    assert np.array_equal(plain[1], stained[1])
    assert not np.array_equal(plain[0], stained[0])
