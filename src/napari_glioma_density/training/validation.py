"""How well a network under training segments fields it does not learn from."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.nuclei.pictures import network_prediction, picture_probability
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.dataset import (
    DataSet,
    Field,
    FieldPixels,
    read_field,
    read_slide_colours,
)
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores
from napari_glioma_density.training.separation import refuse_twice

THRESHOLDS = np.round(np.arange(0.30, 0.825, 0.025), 3)
"""Probability thresholds that are tried in calibration."""


def _told_apart(data_sets: Sequence[DataSet]) -> list[str]:
    """Their names; the second of a name is numbered 2, and so on, passing over what is taken."""
    names: list[str] = []
    for one in data_sets:
        numbered = (f"{one.name} {number}" for number in itertools.count(2))
        free = (name for name in itertools.chain([one.name], numbered) if name not in names)
        names.append(next(free))
    return names


class _Held(NamedTuple):
    """A field in memory."""

    pixels: FieldPixels
    um_per_px: float
    slide_colours: NDArray[np.uint8] | None

    @classmethod
    def of(cls, field: Field) -> Self:
        return cls(read_field(field), field.um_per_px, read_slide_colours(field))


class ValidationFields:
    """Validation sets, read once and scored at their own resolution.

    Parameters
    ----------
    data_sets
        May be none.
    weights
        How much each counts in choosing the threshold; all the same when empty.

    Raises
    ------
    DataSetError
        When a field cannot be read, or is there twice.
    """

    def __init__(self, data_sets: Sequence[DataSet], weights: Sequence[float] = ()) -> None:
        refuse_twice(data_sets)
        self._weights = tuple(weights) or (1.0,) * len(data_sets)
        self._sets: dict[str, list[_Held]] = {
            name: [_Held.of(field) for field in one]
            for name, one in zip(_told_apart(data_sets), data_sets, strict=True)
        }

    def __bool__(self) -> bool:
        return any(self._sets.values())

    def scores(self, network: nn.Module, spec: ModelSpec) -> dict[str, dict[str, float]]:
        """Pooled scores of each data set at the spec's threshold."""
        at = np.array([spec.threshold])
        return {
            name: pooled_scores(counts for (counts,) in self._counts(name, network, spec, at))
            for name in self._sets
        }

    def f1_by_threshold(
        self, network: nn.Module, spec: ModelSpec
    ) -> dict[str, NDArray[np.float64]]:
        """Pooled F1 of each data set at each of :data:`THRESHOLDS`: (thresholds,) by name."""
        return {
            name: np.array(
                [
                    pooled_scores(at)["f1"]
                    for at in zip(*self._counts(name, network, spec, THRESHOLDS), strict=True)
                ]
            )
            for name in self._sets
        }

    def calibrated_threshold(self, network: nn.Module, spec: ModelSpec) -> float:
        """The threshold with the best mean F1 of the data sets, each with its weight."""
        return self.best_threshold(self.f1_by_threshold(network, spec))

    def best_threshold(self, f1: dict[str, NDArray[np.float64]]) -> float:
        """The threshold at which what :meth:`f1_by_threshold` gave is best on the mean."""
        weighted = zip(self._weights, f1.values(), strict=True)
        total = np.sum([weight * scores for weight, scores in weighted], axis=0)
        return float(THRESHOLDS[int(np.argmax(total))])

    def density_matched_threshold(self, network: nn.Module, spec: ModelSpec) -> float:
        """The threshold at which the nuclear area of all fields together is the annotated one.

        Where nothing is annotated, the spec's own.
        """
        found, true = np.zeros(len(THRESHOLDS)), 0.0
        for name, fields in self._sets.items():
            every = self._counts(name, network, spec, THRESHOLDS)
            for counts, held in zip(every, fields, strict=True):
                px_um2 = held.um_per_px**2
                found += [px_um2 * (one.true_positive + one.false_positive) for one in counts]
                true += px_um2 * (counts[0].true_positive + counts[0].false_negative)
        if not true:
            return spec.threshold
        # The higher the threshold the smaller the area; np.interp wants rising areas.
        return round(float(np.interp(true, found[::-1], THRESHOLDS[::-1])), 3)

    def _counts(
        self, name: str, network: nn.Module, spec: ModelSpec, thresholds: NDArray[np.float64]
    ) -> Iterator[list[PixelCounts]]:
        """Counts of each field at each threshold."""
        network.eval()
        predict = network_prediction(network, spec)
        for held in self._sets[name]:
            rgb, labels = held.pixels
            probability = picture_probability(
                predict, spec, rgb, held.um_per_px, held.slide_colours
            )
            yield [PixelCounts.of(probability >= at, labels) for at in thresholds]
