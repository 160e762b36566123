"""Metrics against scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from napari_glioma_density.training.dataset import open_data_set, read_field
from napari_glioma_density.training.metrics import PixelCounts, pixel_scores, pooled_scores

Mask = NDArray[np.bool_]


def check_against_scikit_learn(predicted: Mask, truth: Mask) -> None:
    scores = PixelCounts.of(predicted, truth).scores()
    real, claimed = truth.ravel(), predicted.ravel()
    assert scores["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(real, claimed))
    assert scores["recall"] == pytest.approx(sklearn_metrics.recall_score(real, claimed))
    assert scores["precision"] == pytest.approx(sklearn_metrics.precision_score(real, claimed))
    assert scores["f1"] == pytest.approx(sklearn_metrics.f1_score(real, claimed))
    assert scores["dice"] == scores["f1"]
    assert scores["iou"] == pytest.approx(sklearn_metrics.jaccard_score(real, claimed))


@pytest.mark.parametrize("seed", range(3))
def test_scores_of_random_masks_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((50, 60)) < 0.2
    check_against_scikit_learn(truth ^ (random.random(truth.shape) < 0.1), truth)


def test_scores_of_a_real_field_agree_with_scikit_learn(data_folder: Path) -> None:
    field = open_data_set(data_folder / "data" / "validation" / "lgg").fields[0]
    rgb, labels = read_field(field)
    dark = rgb.mean(axis=2) < np.quantile(rgb.mean(axis=2), 0.25)
    check_against_scikit_learn(dark, labels > 0)


@pytest.mark.filterwarnings("ignore:.*ill-defined")
def test_scores_without_a_prediction_or_a_nucleus_agree_with_scikit_learn() -> None:
    nothing, some = np.zeros((4, 5), bool), np.eye(4, 5, dtype=bool)
    check_against_scikit_learn(nothing, some)
    check_against_scikit_learn(some, nothing)
    assert set(PixelCounts.of(nothing, nothing).scores().values()) == {1.0}


def test_scores_of_many_counts_are_those_of_each() -> None:
    counts = np.random.default_rng(4).integers(0, 50, (4, 9))
    counts[:, 0] = 0
    at_once = pixel_scores(*counts)
    for number, column in enumerate(counts.T):
        alone = PixelCounts(*column.tolist()).scores()
        assert {name: score[number] for name, score in at_once.items()} == pytest.approx(alone)


def test_density_error_is_the_mean_over_images_of_its_absolute_value() -> None:
    truth = np.zeros((10, 10), bool)
    truth[:2] = True
    more, less = truth.copy(), truth.copy()
    more[2], less[1] = True, False
    scores = pooled_scores([PixelCounts.of(more, truth), PixelCounts.of(less, truth)])
    assert scores["density_mae"] == pytest.approx(10)
    assert scores["density_bias"] == pytest.approx(0)


def test_density_bias_keeps_the_sign_and_weighs_images_alike() -> None:
    small, large = np.zeros((10, 10), bool), np.zeros((100, 100), bool)
    claimed = large.copy()
    claimed[:30] = True
    scores = pooled_scores([PixelCounts.of(small, ~small), PixelCounts.of(claimed, large)])
    assert scores["density_bias"] == pytest.approx((-100 + 30) / 2)
    assert scores["density_mae"] == pytest.approx((100 + 30) / 2)


def test_densities_are_shares_of_all_pixels() -> None:
    counts = PixelCounts(10, 5, 20, 65)
    assert counts.true_density_percent == pytest.approx(30)
    assert counts.predicted_density_percent == pytest.approx(15)
    assert counts.density_error_points == pytest.approx(-15)


def test_instance_ids_count_as_nucleus() -> None:
    labels = np.array([[0, 7], [300, 0]])
    assert PixelCounts.of(labels > 0, labels).scores()["f1"] == 1


def test_nothing_to_find_and_nothing_claimed_is_right() -> None:
    empty = np.zeros((4, 4))
    assert PixelCounts.of(empty, empty).scores()["f1"] == 1
