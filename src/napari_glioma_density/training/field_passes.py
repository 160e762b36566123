"""Epochs in which every field is shown once."""

import dataclasses
import math
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Protocol

import numpy as np

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.recipe import Recipe


class Crops(Protocol):
    """Anything that gives a training run its batches."""

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        ...

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``, the same at every call."""
        ...


class FieldPasses:
    """Shows one crop of every field in each epoch, in random order; the last batch may be small.

    Parameters
    ----------
    data_sets
        At least one field in all.
    recipe
        Crop side, batch, resolution and augmentation.
    seed
        Order and crops are a function of the seed and the epoch.

    Raises
    ------
    DataSetError
        When there is no field, or one cannot be read.
    """

    def __init__(self, data_sets: Sequence[DataSet], recipe: Recipe, seed: int) -> None:
        fields = [(one, field) for one in data_sets for field in one]
        if not fields:
            raise DataSetError("no training images: give at least one data set with --data")
        alone = dataclasses.replace(recipe, batch=1)
        self._batch = recipe.batch
        self._seed = seed
        self._fields = [
            CropSource([dataclasses.replace(of_set, fields=(field,))], alone, _seed_of(seed, place))
            for place, (of_set, field) in enumerate(fields)
        ]

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return math.ceil(len(self._fields) / self._batch)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``."""
        order = np.random.default_rng([self._seed, number]).permutation(len(self._fields))
        for first in range(0, len(order), self._batch):
            chosen = order[first : first + self._batch]
            yield Batch.joined([crop for at in chosen for crop in self._fields[at].epoch(number)])


class LongEpochs:
    """Epochs of as many steps as are wanted, made of those of another source end to end.

    Parameters
    ----------
    crops
        Their source.
    steps
        Batches of an epoch.
    """

    def __init__(self, crops: Crops, steps: int) -> None:
        self._crops = crops
        self._steps = steps

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return self._steps

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``."""
        parts = math.ceil(self._steps / self._crops.batches_per_epoch)
        each = (self._crops.epoch(number * parts + part) for part in range(parts))
        return islice(chain.from_iterable(each), self._steps)


def _seed_of(seed: int, place: int) -> int:
    """A seed for each field, so that not all are cut at the same spot."""
    return int(np.random.default_rng([seed, place]).integers(2**31))
