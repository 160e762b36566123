"""How well a network under training segments fields it does not learn from."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.nuclei.pictures import network_prediction, picture_probability
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.slides.organ import ORGANS, OTHER, Organ, organ_named
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


class AtThresholds(NamedTuple):
    """Pooled scores of a data set at each of :data:`THRESHOLDS`."""

    f1: NDArray[np.float64]
    """0–1"""
    density_error: NDArray[np.float64]
    """Mean absolute error of a field's density, percentage points."""

    @classmethod
    def of(cls, fields: Iterable[Sequence[PixelCounts]]) -> Self:
        """Pool fields, each counted at every threshold."""
        pooled = [pooled_scores(at) for at in zip(*fields, strict=True)]
        return cls(
            np.array([scores["f1"] for scores in pooled]),
            np.array([scores["density_mae"] for scores in pooled]),
        )

    @property
    def worth(self) -> NDArray[np.float64]:
        """F1 less the density error, both in points: what a threshold is chosen by."""
        return 100 * self.f1 - self.density_error


class _Held(NamedTuple):
    """A field in memory."""

    pixels: FieldPixels
    um_per_px: float
    slide_colours: NDArray[np.uint8] | None
    organ: Organ

    @classmethod
    def of(cls, field: Field) -> Self:
        pixels, colours = read_field(field), read_slide_colours(field)
        return cls(pixels, field.um_per_px, colours, organ_named(field.organ))


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
        named = dict(zip(_told_apart(data_sets), data_sets, strict=True))
        self._weights = dict(zip(named, weights or (1.0,) * len(named), strict=True))
        self._sets = {name: [_Held.of(field) for field in one] for name, one in named.items()}
        self._of_other_organs = [
            name for name, held in self._sets.items() if all(one.organ == OTHER for one in held)
        ]

    def __bool__(self) -> bool:
        return any(self._sets.values())

    def scores(self, network: nn.Module, spec: ModelSpec) -> dict[str, dict[str, float]]:
        """Pooled scores of each data set, each field at the spec's threshold for its organ."""
        return {
            name: pooled_scores(self._counts_of_organ(fields, network, spec))
            for name, fields in self._sets.items()
        }

    def by_threshold(self, network: nn.Module, spec: ModelSpec) -> dict[str, AtThresholds]:
        """Pooled scores of each data set at each of :data:`THRESHOLDS`."""
        return {
            name: AtThresholds.of(self._counts(fields, network, spec, THRESHOLDS))
            for name, fields in self._sets.items()
        }

    def calibrated(self, spec: ModelSpec, scores: Mapping[str, AtThresholds]) -> ModelSpec:
        """The spec with the best thresholds.

        The best one has the highest mean :attr:`AtThresholds.worth` of the data sets, each with its
        weight. Sets of the brain are few: all take part in choosing its threshold. Where some
        are of other organs and some are not, the former alone choose that of other organs.

        Parameters
        ----------
        spec
            A model.
        scores
            What :meth:`by_threshold` gave for it.
        """
        apart = [name for name in scores if name in self._of_other_organs]
        is_split = 0 < len(apart) < len(scores)
        return spec.with_(
            threshold=self._best(scores, scores),
            other_organs_threshold=self._best(scores, apart) if is_split else 0.0,
        )

    def _best(self, scores: Mapping[str, AtThresholds], names: Iterable[str]) -> float:
        worth = np.sum([self._weights[name] * scores[name].worth for name in names], axis=0)
        return float(THRESHOLDS[int(np.argmax(worth))])

    def density_matched(self, network: nn.Module, spec: ModelSpec) -> ModelSpec:
        """The spec with thresholds at which the nuclear area is the annotated one.

        Of a spec with two, each is found on the fields it is for, and stays where there are none.
        """
        if not spec.other_organs_threshold:
            return spec.with_(threshold=self.density_matched_threshold(network, spec))
        brain, other = (
            self.density_matched_threshold(network, spec.for_organ(organ), organ)
            for organ in ORGANS
        )
        return spec.with_(threshold=brain, other_organs_threshold=other)

    def density_matched_threshold(
        self, network: nn.Module, spec: ModelSpec, organ: Organ | None = None
    ) -> float:
        """The threshold at which the nuclear area of fields together is the annotated one.

        Of all fields, or those of an organ. Where nothing is annotated, the spec's own.
        """
        every = [held for fields in self._sets.values() for held in fields]
        fields = [held for held in every if organ in (None, held.organ)]
        found, true = np.zeros(len(THRESHOLDS)), 0.0
        of_each = self._counts(fields, network, spec, THRESHOLDS)
        for counts, held in zip(of_each, fields, strict=True):
            px_um2 = held.um_per_px**2
            found += [px_um2 * (one.true_positive + one.false_positive) for one in counts]
            true += px_um2 * (counts[0].true_positive + counts[0].false_negative)
        if not true:
            return spec.threshold
        # The higher the threshold the smaller the area; np.interp wants rising areas.
        return round(float(np.interp(true, found[::-1], THRESHOLDS[::-1])), 3)

    def _counts_of_organ(
        self, fields: Sequence[_Held], network: nn.Module, spec: ModelSpec
    ) -> Iterator[PixelCounts]:
        """Counts of each field at the threshold for its organ."""
        thresholds = np.array([spec.for_organ(organ).threshold for organ in ORGANS])
        every = self._counts(fields, network, spec, thresholds)
        for counts, held in zip(every, fields, strict=True):
            yield counts[ORGANS.index(held.organ)]

    def _counts(
        self,
        fields: Iterable[_Held],
        network: nn.Module,
        spec: ModelSpec,
        thresholds: NDArray[np.float64],
    ) -> Iterator[list[PixelCounts]]:
        """Counts of each field at each threshold."""
        network.eval()
        predict = network_prediction(network, spec)
        for held in fields:
            rgb, labels = held.pixels
            probability = picture_probability(
                predict, spec, rgb, held.um_per_px, held.slide_colours
            )
            yield [PixelCounts.of(probability >= at, labels) for at in thresholds]
