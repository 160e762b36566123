"""Two models on the same fields: differences with paired intervals."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import bootstrap

from napari_glioma_density.training.before_after import before_after
from napari_glioma_density.training.dataset import DataSet, Field
from napari_glioma_density.training.evaluation import FieldScore
from napari_glioma_density.training.intervals import ScoredImages, difference_intervals
from napari_glioma_density.training.metrics import PixelCounts

FIELDS = tuple(Field(Path(f"{at}.png"), Path("label.png"), 0.5) for at in range(24))
SET = DataSet(Path("folder"), "set", "CC0", True, FIELDS)


def scores(seed: int, missed_less: int = 0) -> list[FieldScore]:
    """Fields that differ much in difficulty; the same ones for one seed."""
    random = np.random.default_rng(seed)
    missed, false = random.integers(20, 200, (2, len(FIELDS)))
    noise = random.integers(0, 5, len(FIELDS))
    return [
        FieldScore(SET, field, PixelCounts(300 - int(m - missed_less * n), int(f),
                                           int(m - missed_less * n), 500), 9, 9)
        for field, m, f, n in zip(FIELDS, missed, false, noise, strict=True)
    ]  # fmt: skip


def test_a_model_compared_with_itself_does_not_differ() -> None:
    change = before_after("check", scores(1), scores(1)).changes["f1"]
    assert change.difference == 0
    assert change.difference_interval == (0, 0)
    assert change.before_interval == change.after_interval is not None


def test_the_paired_interval_is_that_of_scipy_and_narrow() -> None:
    before, after = scores(1), scores(1, missed_less=3)

    def f1(drawn: np.ndarray, of: list[FieldScore], axis: int) -> np.ndarray:
        h, f, m = (
            np.array([getattr(one.counts, name) for one in of])[drawn].sum(axis)
            for name in ("true_positive", "false_positive", "false_negative")
        )
        return np.asarray(2 * h / (2 * h + f + m))

    def difference(drawn: np.ndarray, axis: int) -> np.ndarray:
        return f1(drawn, after, axis) - f1(drawn, before, axis)

    theirs = bootstrap(
        (np.arange(len(FIELDS)),), difference, method="percentile", n_resamples=5000,
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    change = before_after("check", before, after).changes["f1"]
    width = theirs.high - theirs.low
    assert change.difference_interval == pytest.approx((theirs.low, theirs.high), abs=0.1 * width)
    assert change.difference_interval is not None
    assert change.before_interval is not None
    assert width < 0.3 * (change.before_interval[1] - change.before_interval[0])
    assert change.difference_interval[0] < change.difference < change.difference_interval[1]


def test_one_image_has_no_intervals() -> None:
    change = before_after("check", scores(1)[:1], scores(1, 2)[:1]).changes["recall"]
    assert (change.before_interval, change.difference_interval) == (None, None)
    assert change.difference > 0


def test_forgetting_is_a_fall_of_f1_by_a_point() -> None:
    better, worse = scores(1, missed_less=5), scores(1)
    assert before_after("guard", better, worse).has_forgotten()
    assert not before_after("guard", worse, better).has_forgotten()


def test_other_fields_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="same fields"):
        before_after("check", scores(1), scores(1)[::-1])
    one, other = (ScoredImages((PixelCounts(),), (name,)) for name in "ab")
    with pytest.raises(ValueError, match="same images"):
        difference_intervals(one, other)
