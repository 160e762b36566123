"""Pixel metrics of P1 and the density error, from pooled counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class PixelCounts:
    """Pixels by truth and prediction, nucleus being positive; adding pools them."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    @classmethod
    def of(cls, predicted: NDArray[np.generic], truth: NDArray[np.generic]) -> Self:
        """Count the pixels of two masks of one shape; non-zero is nucleus."""
        positive, real = predicted != 0, truth != 0
        both = int(np.count_nonzero(positive & real))
        claimed, there = int(np.count_nonzero(positive)), int(np.count_nonzero(real))
        return cls(both, claimed - both, there - both, positive.size - claimed - there + both)

    def __add__(self, other: "PixelCounts") -> "PixelCounts":
        return PixelCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
            self.true_negative + other.true_negative,
        )

    @property
    def pixels(self) -> int:
        """All pixels counted."""
        return self.true_positive + self.false_positive + self.false_negative + self.true_negative

    @property
    def true_density_percent(self) -> float:
        """Density of the annotation (P1 eq. 6)."""
        return 100 * (self.true_positive + self.false_negative) / max(1, self.pixels)

    @property
    def predicted_density_percent(self) -> float:
        """Density of the prediction (P1 eq. 6)."""
        return 100 * (self.true_positive + self.false_positive) / max(1, self.pixels)

    @property
    def density_error_points(self) -> float:
        """Predicted minus true density (P1 eq. 6), percentage points."""
        return 100 * (self.false_positive - self.false_negative) / max(1, self.pixels)

    def scores(self) -> dict[str, float]:
        """Accuracy, Dice, recall, precision, F1 and IoU, 0–1 (P1, Table 3)."""
        scores = pixel_scores(
            self.true_positive, self.false_positive, self.false_negative, self.true_negative
        )
        return {name: float(score) for name, score in scores.items()}


def pixel_scores(
    true_positive: ArrayLike,
    false_positive: ArrayLike,
    false_negative: ArrayLike,
    true_negative: ArrayLike,
) -> dict[str, NDArray[np.float64]]:
    """Scores of many pixel counts at once (P1, Table 3).

    Parameters
    ----------
    true_positive, false_positive, false_negative, true_negative
        Pixels; numbers, or arrays of one shape.

    Returns
    -------
    dict
        accuracy, dice, recall, precision, f1 and iou, 0–1, each of the shape given. Where a score
        would be 0 / 0, it is 1 if there was nothing to find and nothing was claimed, and else 0.
    """
    hit, false, missed, right = (
        np.asarray(count, np.float64)
        for count in (true_positive, false_positive, false_negative, true_negative)
    )
    is_faultless = (false + missed == 0).astype(np.float64)
    overlap = _share(2 * hit, 2 * hit + missed + false, is_faultless)
    return {
        "accuracy": _share(hit + right, hit + false + missed + right, is_faultless),
        "dice": overlap,
        "recall": _share(hit, hit + missed, is_faultless),
        "precision": _share(hit, hit + false, is_faultless),
        "f1": overlap,
        "iou": _share(hit, hit + missed + false, is_faultless),
    }


def _share(
    part: NDArray[np.float64], whole: NDArray[np.float64], of_nothing: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``part / whole``; where the whole is nothing, what is given for that."""
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), of_nothing)


def pooled_scores(counts: Iterable[PixelCounts]) -> dict[str, float]:
    """Scores of all pixels together, and the density errors of the images.

    Returns
    -------
    dict
        The names of :meth:`PixelCounts.scores`; ``density_mae``, the mean over images of the
        absolute error, and ``density_bias``, that of the signed error, both in percentage points:
        a negative bias finds too little nucleus.
    """
    every = tuple(counts)
    errors = np.array([one.density_error_points for one in every] or [0.0])
    pooled = sum(every, PixelCounts())
    return {
        **pooled.scores(),
        "density_mae": float(np.mean(np.abs(errors))),
        "density_bias": float(np.mean(errors)),
    }
