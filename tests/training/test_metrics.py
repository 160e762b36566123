"""Metrics against scikit-learn."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from napari_glioma_density.training.dataset import DataSet, Field
from napari_glioma_density.training.evaluation import FieldScore, summarise
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores


@pytest.mark.parametrize("seed", range(3))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = random.random((50, 60)) < 0.2
    predicted = truth ^ (random.random(truth.shape) < 0.1)
    scores = PixelCounts.of(predicted, truth).scores()
    real, claimed = truth.ravel(), predicted.ravel()
    assert scores["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(real, claimed))
    assert scores["recall"] == pytest.approx(sklearn_metrics.recall_score(real, claimed))
    assert scores["precision"] == pytest.approx(sklearn_metrics.precision_score(real, claimed))
    assert scores["f1"] == pytest.approx(sklearn_metrics.f1_score(real, claimed))
    assert scores["dice"] == scores["f1"]
    assert scores["iou"] == pytest.approx(sklearn_metrics.jaccard_score(real, claimed))


def test_density_error_is_the_mean_over_images_of_its_absolute_value() -> None:
    truth = np.zeros((10, 10), bool)
    truth[:2] = True
    more, less = truth.copy(), truth.copy()
    more[2], less[1] = True, False
    scores = pooled_scores([PixelCounts.of(more, truth), PixelCounts.of(less, truth)])
    assert scores["density_mae"] == pytest.approx(10)


def test_instance_ids_count_as_nucleus() -> None:
    labels = np.array([[0, 7], [300, 0]])
    assert PixelCounts.of(labels > 0, labels).scores()["f1"] == 1


def test_nothing_to_find_and_nothing_claimed_is_right() -> None:
    empty = np.zeros((4, 4))
    assert PixelCounts.of(empty, empty).scores()["f1"] == 1


def test_data_sets_of_one_name_are_kept_apart() -> None:
    truth, nothing = np.ones((4, 4)), np.zeros((4, 4))
    field = Field(Path("a.png"), Path("b.png"), 0.5)
    sets = [DataSet(Path(folder), "mine", "", False, (field,)) for folder in ("one", "two")]
    scores = [
        FieldScore(sets[0], field, PixelCounts.of(truth, truth)),
        FieldScore(sets[1], field, PixelCounts.of(nothing, truth)),
    ]
    rows, pooled = summarise(scores)
    assert [(row["folder"], row["f1"]) for row in rows] == [("one", 1.0), ("two", 0.0)]
    assert pooled["recall"] == 0.5
