"""How much better a network does on fields it learns from than on others like them."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from itertools import chain, count, islice
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from napari_glioma_density.training.crops import Batch
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.field_passes import Crops

HELD_BACK: Final = 0.05
"""Share of each training set's fields that the adaptive DropBlock never learns from."""
WATCHED: Final = 1 / 8
"""Batches that are looked at, as a share of an epoch's; of either kind."""

Loss = Callable[[nn.Module, Batch], Tensor]


def hold_back(
    data_sets: Sequence[DataSet], seed: int
) -> tuple[tuple[DataSet, ...], tuple[DataSet, ...]]:
    """Part each training set at random into fields to learn from and fields to watch.

    Validation sets are for reporting and are not touched.

    Returns
    -------
    learnt, held
        As many sets each. Of every set with at least two fields one or more is held back.
    """
    parted = [_parted(one, np.random.default_rng([seed, at])) for at, one in enumerate(data_sets)]
    return tuple(learnt for learnt, _ in parted), tuple(held for _, held in parted)


def _parted(data_set: DataSet, random: np.random.Generator) -> tuple[DataSet, DataSet]:
    number = len(data_set)
    held = set(random.permutation(number)[: min(number - 1, math.ceil(HELD_BACK * number))])
    fields = [(index in held, field) for index, field in enumerate(data_set)]
    return (
        dataclasses.replace(
            data_set, fields=tuple(field for is_held, field in fields if not is_held)
        ),
        dataclasses.replace(data_set, fields=tuple(field for is_held, field in fields if is_held)),
    )


class GapWatch:
    """Measures the generalisation gap on crops that stay the same from epoch to epoch.

    Parameters
    ----------
    learnt, held
        Crops of fields that are learnt from, and of fields that are not.
    first_epoch
        Crops of this epoch and later ones are taken; if it is the run's number of epochs, none of
        these very crops is learnt from.
    loss
        Loss of a network on a batch.
    """

    def __init__(self, learnt: Crops, held: Crops, first_epoch: int, loss: Loss) -> None:
        batches = max(1, round(WATCHED * learnt.batches_per_epoch))
        self._learnt = _taken(learnt, first_epoch, batches)
        self._held = _taken(held, first_epoch, batches)
        self._loss = loss

    def gap(self, network: nn.Module) -> float:
        """ln(L_held / L_learnt) of ``network`` in evaluation mode, that is without DropBlock."""
        network.eval()
        with torch.no_grad():
            held, learnt = (
                sum(float(self._loss(network, batch)) for batch in batches)
                for batches in (self._held, self._learnt)
            )
        return math.log(max(held, 1e-9) / max(learnt, 1e-9))


def _taken(crops: Crops, first_epoch: int, batches: int) -> list[Batch]:
    epochs = (crops.epoch(number) for number in count(first_epoch))
    return list(islice(chain.from_iterable(epochs), batches))
