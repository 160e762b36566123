"""How well a network under training segments fields it does not learn from."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.nuclei.segmenter import nucleus_probability, picture_probability
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.dataset import DataSet, FieldPixels, read_field
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores

THRESHOLDS = np.round(np.arange(0.30, 0.725, 0.025), 3)
"""Probability thresholds tried by :meth:`ValidationFields.calibrated_threshold`."""


class ValidationFields:
    """Validation sets, read once and scored at their own resolution.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """

    def __init__(self, data_sets: Sequence[DataSet]) -> None:
        self._sets: dict[str, list[tuple[FieldPixels, float]]] = {
            one.name: [(read_field(field), field.um_per_px) for field in one] for one in data_sets
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

    def calibrated_threshold(self, network: nn.Module, spec: ModelSpec) -> float:
        """The threshold with the best F1, averaged over the data sets so that none dominates."""
        f1 = np.zeros(len(THRESHOLDS))
        for name in self._sets:
            fields = list(self._counts(name, network, spec, THRESHOLDS))
            f1 += [pooled_scores(at)["f1"] for at in zip(*fields, strict=True)]
        return float(THRESHOLDS[int(np.argmax(f1))])

    def _counts(
        self, name: str, network: nn.Module, spec: ModelSpec, thresholds: NDArray[np.float64]
    ) -> Iterator[list[PixelCounts]]:
        """Counts of each field at each threshold."""
        network.eval()
        predict = partial(nucleus_probability, network, input_name=spec.input)
        for pixels, um_per_px in self._sets[name]:
            probability = picture_probability(predict, spec, pixels.rgb, um_per_px)
            yield [PixelCounts.of(probability >= at, pixels.labels) for at in thresholds]
