"""A nucleus from one click, against drawn ellipses and people's outlines."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from napari_glioma_density.annotation.growing import grow
from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.annotation.slide_scores import picture_score_statistics
from napari_glioma_density.nuclei.pictures import resampled
from napari_glioma_density.training.dataset import open_data_set, read_field

Mask = NDArray[np.bool_]


def ellipse(y: int, x: int, axes: tuple[int, int] = (12, 7), side: int = 140) -> Mask:
    drawn = np.zeros((side, side), np.uint8)
    cv2.ellipse(drawn, (x, y), axes, 30, 0, 360, 1, -1)
    return drawn > 0


def score_of(*shapes: Mask, ground: float = 0.2, nucleus: float = 0.7) -> NDArray[np.float32]:
    score = np.full(shapes[0].shape, ground, np.float32)
    for shape in shapes:
        score[shape] = nucleus
    noise = np.random.default_rng(5).normal(0, 0.06, score.shape)
    return cv2.GaussianBlur((score + noise).astype(np.float32), (0, 0), 0.8)


def grown(
    score: NDArray[np.float32], y: int, x: int, taken: Mask | None = None,
    min_um2: float = 8, max_um2: float = 150,
) -> Mask | None:  # fmt: skip
    none_taken = np.zeros(score.shape, np.bool_)
    return grow(score, y, x, 0.5, none_taken if taken is None else taken, min_um2, max_um2)


def iou(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("click", [(70, 70), (73, 74), (66, 63)])
@pytest.mark.parametrize("nucleus", [0.35, 0.7])
def test_an_ellipse_grows_from_a_click_anywhere_in_it(
    click: tuple[int, int], nucleus: float
) -> None:
    drawn = ellipse(70, 70)
    found = grown(score_of(drawn, nucleus=nucleus), *click)
    assert found is not None
    assert iou(found, drawn) > 0.8


def test_it_is_one_piece_without_holes_that_holds_the_click() -> None:
    drawn = ellipse(70, 70)
    score = score_of(drawn)
    score[66:70, 72:76] = 0.2  # a pale nucleolus
    found = grown(score, 74, 70)
    assert found is not None
    assert found[74, 70]
    assert ndimage.label(found)[1] == 1
    assert np.array_equal(ndimage.binary_fill_holes(found), found)


def test_it_does_not_enter_its_neighbour() -> None:
    drawn, beside = ellipse(70, 60), ellipse(70, 78)
    found = grown(score_of(drawn, beside), 70, 58, taken=beside)
    assert found is not None
    assert not (found & beside).any()
    assert iou(found, drawn & ~beside) > 0.75


def test_a_neighbour_in_its_middle_stays_out_of_it() -> None:
    drawn, inner = ellipse(70, 70, (16, 12)), ellipse(70, 70, (3, 3))
    found = grown(score_of(drawn), 70, 80, taken=inner)
    assert found is not None
    assert not (found & inner).any()


def test_its_area_is_bounded() -> None:
    large = ellipse(70, 70, (20, 14))
    score = score_of(large)
    found = grown(score, 70, 70)
    assert found is None or found.sum() * 0.25 <= 150
    larger = grown(score, 70, 70, max_um2=300)
    assert larger is not None
    assert large.sum() * 0.25 > 200
    assert iou(larger, large) > 0.85
    small = np.where(ellipse(70, 70, (3, 3)), 0.7, 0.2).astype(np.float32)
    assert grown(small, 70, 70, min_um2=20) is None
    assert grown(small, 70, 70, min_um2=3) is not None


@pytest.mark.parametrize("click", [(70, 70), (0, 0), (-1, 5), (5, 140)])
def test_nothing_grows_in_what_is_taken_or_outside(click: tuple[int, int]) -> None:
    taken = ellipse(70, 70)
    taken[0, 0] = True
    assert grown(score_of(ellipse(70, 70)), *click, taken=taken) is None


def test_a_nucleus_cut_by_the_field_s_edge_grows() -> None:
    drawn = ellipse(2, 137)
    found = grown(score_of(drawn), 1, 138)
    assert found is not None
    assert iou(found, drawn) > 0.75


def test_a_plain_field_does_not_raise() -> None:
    plain = np.full((60, 60), 0.4, np.float32)
    found = grown(plain, 30, 30)
    assert found is None or found.sum() * 0.25 <= 150


@pytest.mark.parametrize("data_set", ["validation/lgg", "glioma_research/gbm"])
def test_most_of_people_s_nuclei_grow_from_a_click(data_folder: Path, data_set: str) -> None:
    ious = []
    for field in list(open_data_set(data_folder / "data" / data_set))[1:6:2]:
        pixels = read_field(field)
        rgb = resampled(pixels.rgb, field.um_per_px, 0.5)
        score = picture_score_statistics(rgb, HintSource.HAEMATOXYLIN).score(rgb, 0.5)
        truth = pixels.labels[::2, ::2]
        for nucleus in np.flatnonzero(np.bincount(truth.ravel())[1:] >= 32)[::3] + 1:
            y, x = (round(place.mean()) for place in np.nonzero(truth == nucleus))
            found = grown(score, y, x)
            ious.append(0.0 if found is None else iou(found, truth == nucleus))
    assert np.median(ious) > 0.7
