"""A model and the one fine-tuned from it, compared on fields that neither learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from napari_glioma_density.training.evaluation import FieldScore, scored_images
from napari_glioma_density.training.intervals import bootstrap_intervals, difference_intervals
from napari_glioma_density.training.metrics import pooled_scores

COMPARED: Final = ("f1", "precision", "recall", "density_mae")
"""Scores of the table; the last in percentage points, where less is better."""
FORGETTING: Final = -0.01
"""From this change of F1 on a guard set, the child is said to have forgotten."""

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Change:
    """One score of both models; intervals hold 95 %, None where a set has one image alone."""

    before: float
    before_interval: Interval
    after: float
    after_interval: Interval
    difference: float
    """After less before."""
    difference_interval: Interval
    """From the paired bootstrap: an interval without 0 is no chance."""


@dataclass(frozen=True)
class BeforeAfter:
    """Both models on one set of fields."""

    name: str
    """``check`` or the guard's name"""
    images: int
    unit: str
    """What the bootstrap draws: ``image`` or ``patient``"""
    changes: dict[str, Change]
    """By the names of :data:`COMPARED`"""

    def has_forgotten(self) -> bool:
        """Whether F1 fell by a point or more."""
        return self.changes["f1"].difference <= FORGETTING


def before_after(
    name: str, before: Sequence[FieldScore], after: Sequence[FieldScore]
) -> BeforeAfter:
    """Compare two models' scores of the same fields, in the same order.

    Raises
    ------
    ValueError
        When the fields are not the same.
    """
    if [one.field for one in before] != [one.field for one in after]:
        raise ValueError("two models can be compared on the same fields only")
    first, second = scored_images(before), scored_images(after)
    was, became = pooled_scores(first.counts), pooled_scores(second.counts)
    intervals = bootstrap_intervals([first]), bootstrap_intervals([second])
    apart = difference_intervals(first, second)
    changes = {
        score: Change(
            was[score],
            intervals[0].get(score),
            became[score],
            intervals[1].get(score),
            became[score] - was[score],
            apart.get(score),
        )
        for score in COMPARED
    }
    return BeforeAfter(name, len(before), first.unit, changes)
