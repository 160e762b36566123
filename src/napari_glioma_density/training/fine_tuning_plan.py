"""How a model is fine-tuned: the training run for a few fields and a few minutes.

The choices were made with ten fields of one glioma set to learn from, its other fields to check
by, and other sets as guard; ``benchmarks/fine_tuning.py`` repeats the outcome.

- A small learning rate, few steps, augmentation as in training from scratch, and a mixture of the
  parent's weights and the new ones raise F1 where they are meant to and keep it elsewhere.
- Freezing batch statistics forgot more than letting them move; distillation to the parent brought
  nothing that the mixture does not; three times the learning rate gained little and forgot more.
- Readers differ in how tightly they outline, and a child that has learnt one reader's habit finds
too much or too little elsewhere. So the threshold is set such that the nuclear area on the fields
learnt from equals the annotated one. Without this, ten fields of lower-grade glioma cost 1.4 points
of F1 on glioblastoma.
"""

import dataclasses
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from PIL import Image

from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.training.checkpoint import begun_configuration, is_same_run
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import FINE_TUNING
from napari_glioma_density.training.starting_point import StartingPoint
from napari_glioma_density.training.trainer import (
    WATCHED_BATCHES,
    fastest_precision,
    seconds_per_step,
)

MIXTURE: Final = 0.7
"""Share of the new weights in the child; the rest is the parent's."""
EPOCH_STEPS: Final = 10
"""Optimiser steps between two entries of the log."""
LOOK_EVERY: Final = 2
LOOKED_AT: Final = 8
"""Fields of a set that are looked at while learning; the table is of all."""
FEWEST_EPOCHS: Final = 2
_CROPS: Final = 1.25
"""What making crops adds to the time of a step."""


class Time(NamedTuple):
    """What there is to spend."""

    until: float
    """When all but scoring is to be done, by ``time.perf_counter``; :data:`FEWEST_EPOCHS` are
    learnt all the same."""
    per_look: float
    """Seconds to score one field."""

    def left(self, after: float = 0.0) -> float:
        """Seconds from now on, without those for what is to come after."""
        return max(0.0, self.until - time.perf_counter() - after)


def planned_training(
    parent: Model,
    weights: Path,
    learnt: tuple[Sequence[DataSet], Sequence[DataSet]],
    judged: Sequence[DataSet],
    there_is: Time,
    epochs: int | None,
    seed: int,
) -> TrainingJob:
    """The training run for a job.

    Parameters
    ----------
    parent, weights, seed
        Of the job.
    learnt
        Sets of the new fields, and base sets, which may be none.
    judged
        Sets to look at while learning, thinned to :data:`LOOKED_AT` fields each.
    there_is
        So much time.
    epochs
        As many; None: those of the recipe, or what time allows. A run that was begun keeps what
        it began with, however fast the machine is now.
    """
    own, base = learnt
    spec = parent.spec
    training = TrainingJob(
        architecture=spec.architecture,
        base_width=spec.base_width,
        recipe=FINE_TUNING.going_on_from(spec),
        seed=seed,
        data=(*own, *base),
        validation=tuple(_thinned(one) for one in judged),
        weights=weights,
        data_weights=_equal_halves(own, base),
        start=StartingPoint.of(parent, MIXTURE),
        matched=tuple(own),
        epoch_steps=EPOCH_STEPS,
        look_every=LOOK_EVERY,
        fewest_epochs=FEWEST_EPOCHS,
        is_followed=True,
    )
    training = dataclasses.replace(training, precision=fastest_precision(training))
    training = _of_epochs(
        training, epochs or _begun_epochs(training) or _affordable(training, there_is)
    )
    most_seconds = math.inf if epochs else there_is.left(_matching(training, there_is))
    return dataclasses.replace(training, most_seconds=most_seconds)


def is_begun(training: TrainingJob) -> bool:
    """Whether the checkpoint beside the weights is of this very run."""
    return _begun_epochs(training) == training.recipe.epochs


def _begun_epochs(training: TrainingJob) -> int | None:
    """How many epochs the unfinished run has that differs from this in their number at most."""
    begun = begun_configuration(training.weights) or {}
    recipe = begun.get("recipe")
    epochs = recipe.get("epochs") if isinstance(recipe, dict) else None
    if not isinstance(epochs, int):
        return None
    asked = json.loads(_of_epochs(training, epochs).configuration())
    return epochs if is_same_run(begun, asked) else None


def _affordable(training: TrainingJob, there_is: Time) -> int:
    look = there_is.per_look * sum(map(len, training.validation)) / training.look_every
    step = seconds_per_step(training)
    epoch = EPOCH_STEPS * _CROPS * step + look
    after = _matching(training, there_is) + WATCHED_BATCHES * step
    epochs = math.floor(there_is.left(after) / epoch)
    return min(training.recipe.epochs, max(FEWEST_EPOCHS, epochs))


def _matching(training: TrainingJob, there_is: Time) -> float:
    """Seconds for the threshold at the end: a look at every field that it is matched on."""
    return there_is.per_look * sum(map(len, training.matched))


def _of_epochs(training: TrainingJob, epochs: int) -> TrainingJob:
    recipe = dataclasses.replace(training.recipe, epochs=epochs)
    return dataclasses.replace(training, recipe=recipe)


def _thinned(data_set: DataSet) -> DataSet:
    """Some fields from all over a set."""
    at = np.linspace(0, len(data_set) - 1, min(LOOKED_AT, len(data_set))).round().astype(int)
    return dataclasses.replace(data_set, fields=tuple(data_set.fields[index] for index in at))


def _equal_halves(own: Sequence[DataSet], base: Sequence[DataSet]) -> tuple[float, ...]:
    """Factors by which the base sets, all together, are drawn as often as the new fields."""
    if not base:
        return ()
    chances = [[math.sqrt(_area_um2(one)) for one in sets] for sets in (own, base)]
    factor = sum(chances[0]) / sum(chances[1])
    return (*[1.0] * len(own), *[factor] * len(base))


def _area_um2(data_set: DataSet) -> float:
    """Tissue and glass that a set shows; pictures are not decoded for it."""
    area = 0.0
    for field in data_set:
        with Image.open(field.image) as picture:
            area += picture.width * picture.height * field.um_per_px**2
    return area
