"""Batches of training crops, the same for the same seed whenever they are asked for."""

import copy
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.nuclei.pictures import resampled
from napari_glioma_density.stain import colour_input
from napari_glioma_density.training.augmentation import SourceField, cut_crop
from napari_glioma_density.training.dataset import DataSet, Field, read_field, read_slide_colours
from napari_glioma_density.training.ignore_zones import read_ignored
from napari_glioma_density.training.recipe import Recipe
from napari_glioma_density.training.stain_exchange import stain_profile

COLOURS: Final = 4096
"""Pixels of a field that its colours are judged by."""


class Batch(NamedTuple):
    """Crops and their truth at the recipe's resolution."""

    inputs: NDArray[np.float32]
    """(n, side, side, channels) of the recipe's colour input"""
    shares: NDArray[np.float32]
    """(n, side, side): how much of each pixel is nucleus, 0–1"""
    weights: NDArray[np.float32] | None = None
    """(n, side, side): how much each pixel counts, 0 in ignore zones; None when all count"""

    @classmethod
    def joined(cls, batches: Sequence[Self]) -> Self:
        """One batch of all the crops of several."""
        inputs, shares, weights = zip(*batches, strict=True)
        if all(weight is None for weight in weights):
            return cls(np.concatenate(inputs), np.concatenate(shares))
        counted = [
            np.ones_like(share) if weight is None else weight
            for share, weight in zip(shares, weights, strict=True)
        ]
        return cls(np.concatenate(inputs), np.concatenate(shares), np.concatenate(counted))


class CropSource:
    """Draws crops from data sets held in memory.

    A data set is drawn in proportion to the square root of the tissue it shows, so that a large set
    does not drown a small one and a small one is not learnt by heart. An epoch draws as many crops
    as there are fields. Fields lend each other their stains across all sets.

    Parameters
    ----------
    data_sets
        At least one data set with at least one field.
    recipe
        Crop side, batch, resolution and augmentation.
    seed
        Every crop is a function of the seed, its epoch and its place in the epoch.
    weights
        Factor on how often each data set is drawn; none: 1 for all.

    Attributes
    ----------
    fields
        In memory, by data set.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """

    def __init__(
        self,
        data_sets: Sequence[DataSet],
        recipe: Recipe,
        seed: int,
        weights: Sequence[float] = (),
    ) -> None:
        if not any(len(one) for one in data_sets):
            raise DataSetError("no training images: give at least one data set with --data")
        self._recipe = recipe
        self._seed = seed
        self._input = colour_input(recipe.input)
        weighted = zip(data_sets, weights or [1.0] * len(data_sets), strict=True)
        drawn = [(one, weight) for one, weight in weighted if len(one)]
        self.fields = [
            [self._field(field, place) for place, field in enumerate(one)] for one, _ in drawn
        ]
        area_um2 = [sum(field.area_um2 for field in one) for one in self.fields]
        chances = np.sqrt(area_um2) * [weight for _, weight in drawn]
        self._chances = chances / chances.sum()

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return max(1, sum(map(len, self.fields)) // self._recipe.batch)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``, each made while the one before is in use."""
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="crops") as pool:
            waiting = iter(range(self.batches_per_epoch))
            ahead = [pool.submit(self.batch, number, step) for step in islice(waiting, 3)]
            while ahead:
                ready = ahead.pop(0).result()
                ahead += [pool.submit(self.batch, number, step) for step in islice(waiting, 1)]
                yield ready

    def with_fields(self, fields: list[list[SourceField]]) -> Self:
        """The same source, its fields held elsewhere."""
        other = copy.copy(self)
        other.fields = fields
        return other

    def batch(self, epoch: int, step: int) -> Batch:
        """One batch; the same whoever asks."""
        return Batch.joined([self._crop(epoch, step, place) for place in range(self._recipe.batch)])

    def _crop(self, epoch: int, step: int, place: int) -> Batch:
        random = np.random.default_rng([self._seed, epoch, step, place])
        field, donor = self._drawn(random), self._drawn(random)
        recipe = self._recipe
        crop = cut_crop(
            field, recipe.crop_px, recipe.um_per_px, recipe.augmentation, random, donor.stains
        )
        statistics = self._input.fit(crop.slide_colours)
        inputs = self._input.apply(crop.rgb, statistics or self._input.typical)
        weights = None if crop.weight is None else crop.weight[None]
        return Batch(inputs[None], crop.share[None], weights)

    def _drawn(self, random: np.random.Generator) -> SourceField:
        fields = self.fields[random.choice(len(self.fields), p=self._chances)]
        return fields[random.integers(len(fields))]

    def _field(self, field: Field, place: int) -> SourceField:
        pixels = read_field(field)
        lends = self._recipe.augmentation.foreign_stain > 0
        colours = np.empty((0, 3), np.uint8)
        if self._input.is_fitted or lends:
            known = read_slide_colours(field)
            if known is None:
                scaled = resampled(pixels.rgb, field.um_per_px, self._recipe.um_per_px)
                known = scaled.reshape(-1, 3)
            drawn = np.random.default_rng([self._seed, place]).integers(len(known), size=COLOURS)
            colours = known[drawn]
        return SourceField(
            rgb=pixels.rgb,
            nucleus=pixels.labels > 0,
            um_per_px=field.um_per_px,
            colours=colours if self._input.is_fitted else colours[:0],
            stains=stain_profile(colours) if lends else (),
            ignored=read_ignored(field, pixels.labels),
        )
