"""Crops: seeded, area-true, turned together with their masks, stained as other fields are."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_glioma_density.stain import STAINS, optical_density
from napari_glioma_density.training.augmentation import (
    FLIPS_AND_TURNS,
    Augmentation,
    Crop,
    SourceField,
    cut_crop,
)
from napari_glioma_density.training.stain_exchange import exchange_stains, stain_profile

TURNED = dataclasses.replace(FLIPS_AND_TURNS, free_turns=1)
PALE = (0.60, 0.72, 0.35, 0.25, 0.85, 0.46, 1.2, 0.6)
DARK = (0.65, 0.70, 0.29, 0.07, 0.99, 0.11, 3.0, 1.5)


def field(side: int = 200, um_per_px: float = 0.5, **changes: object) -> SourceField:
    random = np.random.default_rng(0)
    nucleus = random.random((side, side)) < 0.3
    nucleus = nucleus.repeat(4, axis=0).repeat(4, axis=1)[:side, :side]
    rgb = np.where(nucleus[..., None], 60, 220).astype(np.uint8).repeat(3, axis=2)
    plain = SourceField(rgb, nucleus, um_per_px, colours=rgb.reshape(-1, 3)[::50])
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def crop(of: SourceField, augmentation: Augmentation, seed: int = 0, side: int = 64) -> Crop:
    return cut_crop(of, side, 0.5, augmentation, np.random.default_rng(seed), DARK)


def stained(profile: tuple[float, ...], amounts: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Colours of amounts (…, 2) of haematoxylin and eosin of a profile."""
    density = amounts @ np.array(profile[:6]).reshape(2, 3)
    return np.clip(255 * np.exp(-density) + 0.5, 0, 255).astype(np.uint8)


def test_the_same_seed_cuts_the_same_crop() -> None:
    source = field(um_per_px=0.25, stains=PALE, ignored=np.eye(200, dtype=bool))
    augmentation = Augmentation(free_turns=1, foreign_stain=1)
    first, second = (crop(source, augmentation, seed=5) for _ in range(2))
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_picture_and_mask_are_turned_together(seed: int) -> None:
    cut = crop(field(), FLIPS_AND_TURNS, seed)
    assert np.array_equal(cut.rgb[..., 0] < 128, cut.share == 1)


def test_flips_and_turns_move_px_and_change_none() -> None:
    whole = field(64)
    seen = {crop(whole, FLIPS_AND_TURNS, seed).rgb.tobytes() for seed in range(40)}
    turned = [np.rot90(whole.rgb, quarters) for quarters in range(4)]
    assert seen == {side.tobytes() for one in turned for side in (one, one[:, ::-1])}


@pytest.mark.parametrize("augmentation", [FLIPS_AND_TURNS, TURNED])
def test_area_survives_scaling_and_turning(augmentation: Augmentation) -> None:
    source = field(400, um_per_px=0.25)
    shares = [crop(source, augmentation, seed, side=96).share for seed in range(40)]
    assert np.mean(shares) == pytest.approx(source.nucleus.mean(), abs=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_a_disc_turned_by_any_angle_keeps_its_area_and_its_colours(seed: int) -> None:
    y, x = np.mgrid[:200, :200]
    disc = np.hypot(y - 99.5, x - 99.5) < 30
    rgb = np.where(disc[..., None], 60, 220).astype(np.uint8).repeat(3, axis=2)
    cut = crop(field(rgb=rgb, nucleus=disc, um_per_px=0.25), TURNED, seed, side=100)
    assert cut.share.sum() == pytest.approx(disc.sum() / 4, rel=0.01)
    expected = 220 - 160 * cut.share
    assert np.abs(cut.rgb[..., 0] - expected).max() <= 2


def test_free_turns_are_of_any_angle() -> None:
    line = np.zeros((300, 300), bool)
    line[145:155] = True
    angles = []
    for seed in range(12):
        share = crop(field(300, nucleus=line), TURNED, seed, side=64).share
        y, x = np.nonzero(share > 0.5)
        if len(y) > 50:
            vectors = np.linalg.eigh(np.cov(y, x))[1]
            angles.append(np.degrees(np.arctan2(*vectors[:, 1])) % 90)
    off = [min(angle, 90 - angle) for angle in angles]
    assert sum(angle > 5 for angle in off) > len(off) / 2


def test_a_field_smaller_than_a_crop_is_mirrored() -> None:
    cut = crop(field(40), Augmentation(free_turns=1), seed=1, side=128)
    assert cut.rgb.shape == (128, 128, 3)
    assert cut.share.mean() == pytest.approx(0.3, abs=0.1)


def test_stain_jitter_changes_colours_and_not_the_mask() -> None:
    jitter = Augmentation(scale=0, blur_px=0, free_turns=0, foreign_stain=0)
    plain, jittered = crop(field(), FLIPS_AND_TURNS, 2), crop(field(), jitter, 2)
    assert np.array_equal(plain.share, jittered.share)
    assert not np.array_equal(plain.rgb, jittered.rgb)


def test_what_is_ignored_moves_with_the_picture() -> None:
    ignored = ndimage.binary_erosion(~field().nucleus)
    rgb = np.where(ignored[..., None], 0, 255).astype(np.uint8).repeat(3, axis=2)
    cut = crop(field(rgb=rgb, ignored=ignored), TURNED, 3)
    assert cut.weight is not None
    assert cut.weight.min() == 0
    assert np.abs(cut.rgb[..., 0] / 255 - cut.weight).max() < 0.01
    assert crop(field(), TURNED, 3).weight is None


def test_a_crop_takes_on_the_stain_of_another_field() -> None:
    amounts = np.random.default_rng(1).uniform(0, (1.2, 0.6), (100, 100, 2))
    own, wanted = stained(PALE, amounts), stained(DARK, amounts * 2.5)
    foreign = dataclasses.replace(FLIPS_AND_TURNS, foreign_stain=1)
    source = field(100, rgb=own, nucleus=np.zeros((100, 100), bool), stains=PALE)
    cut = cut_crop(source, 100, 0.5, foreign, np.random.default_rng(0), DARK)
    turned = [np.rot90(wanted, k)[:, ::flip] for k in range(4) for flip in (1, -1)]
    gap = min(np.abs(cut.rgb.astype(int) - one).mean() for one in turned)
    assert gap < 2
    assert np.abs(cut.rgb.astype(int) - own).mean() > 20


def test_a_field_lends_itself_its_own_stain_unchanged() -> None:
    assert np.allclose(exchange_stains(PALE, PALE), np.eye(3), atol=1e-5)


def test_there_and_back_is_where_it_was() -> None:
    back = exchange_stains(PALE, DARK) @ exchange_stains(DARK, PALE)
    assert np.allclose(back, np.eye(3), atol=1e-4)


def test_stains_that_cannot_be_told_apart_are_left_alone() -> None:
    alike = (0.60, 0.72, 0.35, 0.60, 0.74, 0.35, 1.2, 0.6)
    assert np.array_equal(exchange_stains(alike, DARK), np.eye(3))


def test_a_stain_profile_is_found_in_colours() -> None:
    random = np.random.default_rng(2)
    amounts = random.exponential((0.5, 0.4), (4000, 2))
    strong = stain_profile(stained(DARK, amounts * 1.5))
    weak = stain_profile(stained(DARK, amounts * 0.75))
    stains = np.array(strong[:6]).reshape(2, 3)
    assert np.allclose(np.linalg.norm(stains, axis=1), 1)
    assert (stains @ STAINS[:2].T).argmax(axis=1).tolist() == [0, 1]
    assert strong[6] / weak[6] == pytest.approx(2, rel=0.15)


def test_glass_has_the_typical_stain_profile() -> None:
    glass = np.full((1000, 3), 250, np.uint8)
    assert optical_density(glass).max() < 0.1
    assert stain_profile(glass) == stain_profile(np.full((500, 3), 255, np.uint8))
