"""Batches of training crops, the same for the same seed whenever they are asked for."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.augmentation import cut_crop
from napari_glioma_density.training.dataset import DataSet, FieldPixels, read_field
from napari_glioma_density.training.recipe import Recipe


class Batch(NamedTuple):
    """Crops and their truth at the recipe's resolution."""

    images: NDArray[np.uint8]
    """(n, side, side, 3)"""
    shares: NDArray[np.float32]
    """(n, side, side): how much of each pixel is nucleus, 0–1"""


class CropSource:
    """Draws crops from data sets held in memory.

    A data set is drawn in proportion to the square root of the tissue it shows: a large set does
    not drown a small one, and a small one is not learnt by heart. An epoch draws as many crops
    as there are fields.

    Parameters
    ----------
    data_sets
        At least one data set with at least one field.
    recipe
        Crop side, batch, resolution and augmentation.
    seed
        Every crop is a function of the seed, its epoch and its place in the epoch.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """

    def __init__(self, data_sets: Sequence[DataSet], recipe: Recipe, seed: int) -> None:
        if not any(len(one) for one in data_sets):
            raise DataSetError("no training images: give at least one data set with --data")
        self._recipe = recipe
        self._seed = seed
        self._sets = [
            [(read_field(field), field.um_per_px) for field in one] for one in data_sets if len(one)
        ]
        area_um2 = [sum(_area_um2(*field) for field in one) for one in self._sets]
        self._share = np.sqrt(area_um2) / np.sqrt(area_um2).sum()

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return max(1, sum(map(len, self._sets)) // self._recipe.batch)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``, each made while the one before is in use."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="crops") as pool:
            waiting = iter(range(self.batches_per_epoch))
            ahead = [pool.submit(self._batch, number, step) for step in islice(waiting, 3)]
            while ahead:
                ready = ahead.pop(0).result()
                ahead += [pool.submit(self._batch, number, step) for step in islice(waiting, 1)]
                yield ready

    def _batch(self, epoch: int, step: int) -> Batch:
        crops = [self._crop(epoch, step, place) for place in range(self._recipe.batch)]
        images, shares = zip(*crops, strict=True)
        return Batch(np.stack(images), np.stack(shares))

    def _crop(
        self, epoch: int, step: int, place: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        random = np.random.default_rng([self._seed, epoch, step, place])
        fields = self._sets[random.choice(len(self._sets), p=self._share)]
        pixels, um_per_px = fields[random.integers(len(fields))]
        recipe = self._recipe
        return cut_crop(
            pixels, um_per_px, recipe.crop_px, recipe.um_per_px, recipe.augmentation, random
        )


def _area_um2(pixels: FieldPixels, um_per_px: float) -> float:
    return float(pixels.labels.size * um_per_px**2)
