"""Pixel metrics of P1 and the density error, from pooled counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


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
    def density_error_points(self) -> float:
        """Predicted minus true density (P1 eq. 6), percentage points."""
        return 100 * (self.false_positive - self.false_negative) / max(1, self.pixels)

    def scores(self) -> dict[str, float]:
        """Accuracy, Dice, recall, precision, F1 and IoU, 0–1 (P1, Table 3)."""
        hit, missed, false = self.true_positive, self.false_negative, self.false_positive
        overlap = _share(2 * hit, 2 * hit + missed + false)
        return {
            "accuracy": _share(hit + self.true_negative, self.pixels),
            "dice": overlap,
            "recall": _share(hit, hit + missed),
            "precision": _share(hit, hit + false),
            "f1": overlap,
            "iou": _share(hit, hit + missed + false),
        }


def _share(part: int, whole: int) -> float:
    """``part / whole``; 1 when there was nothing to find and nothing was claimed."""
    return part / whole if whole else 1.0


def pooled_scores(counts: Iterable[PixelCounts]) -> dict[str, float]:
    """Scores of all pixels together, and the mean absolute density error of the images.

    Returns
    -------
    dict
        The names of :meth:`PixelCounts.scores` and ``density_mae`` (percentage points).
    """
    every = tuple(counts)
    errors = [abs(one.density_error_points) for one in every]
    pooled = sum(every, PixelCounts())
    return {**pooled.scores(), "density_mae": float(np.mean(errors)) if errors else 0.0}
