"""Fields held back, and the gap they measure."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from napari_glioma_density.training.crops import Batch
from napari_glioma_density.training.dataset import DataSet, open_data_set
from napari_glioma_density.training.field_passes import FieldPasses
from napari_glioma_density.training.generalisation import GapWatch, hold_back
from napari_glioma_density.training.recipe import PAPER

MakeDataSet = Callable[..., Path]
RECIPE = dataclasses.replace(PAPER, batch=4, crop_px=64, um_per_px=0.5)


def names(data_sets: tuple[DataSet, ...]) -> list[str]:
    return [str(field.image) for one in data_sets for field in one]


def test_no_field_is_both_learnt_and_held_back(make_data_set: MakeDataSet) -> None:
    sets = [open_data_set(make_data_set(name, number)) for name, number in (("a", 41), ("b", 2))]
    learnt, held = hold_back(sets, seed=1)
    assert [len(one) for one in held] == [3, 1]  # a twentieth, and at least one
    assert sorted(names(learnt) + names(held)) == sorted(names(tuple(sets)))
    assert hold_back(sets, seed=1) == (learnt, held)
    assert hold_back(sets, seed=2)[1] != held


def test_an_only_field_is_learnt(make_data_set: MakeDataSet) -> None:
    learnt, held = hold_back([open_data_set(make_data_set(fields=1))], seed=1)
    assert (len(learnt[0]), len(held[0])) == (1, 0)


def test_the_gap_is_the_logarithm_of_the_ratio_of_losses(make_data_set: MakeDataSet) -> None:
    learnt, held = (
        FieldPasses([open_data_set(make_data_set(name, 4))], RECIPE, seed)
        for name, seed in (("a", 1), ("b", 2))
    )
    modes: list[bool] = []

    def mean_share(network: nn.Module, batch: Batch) -> Tensor:
        modes.append(network.training)
        return torch.tensor(batch.shares.mean())

    watch = GapWatch(learnt, held, first_epoch=30, loss=mean_share)
    found = watch.gap(nn.Identity().train())
    expected = [float(next(crops.epoch(30)).shares.mean()) for crops in (held, learnt)]
    assert found == pytest.approx(math.log(expected[0] / expected[1]))
    assert found != 0
    assert not any(modes)
    assert watch.gap(nn.Identity()) == found


def test_every_field_is_shown_once_an_epoch(make_data_set: MakeDataSet) -> None:
    recipe = dataclasses.replace(RECIPE, crop_px=96)  # the whole field: turned, but not cut
    passes = FieldPasses([open_data_set(make_data_set(fields=6))], recipe, seed=1)
    shown = [
        [round(float(share.sum())) for batch in passes.epoch(number) for share in batch.shares]
        for number in (0, 1)
    ]
    assert passes.batches_per_epoch == 2
    assert [len(batch.shares) for batch in passes.epoch(0)] == [4, 2]
    assert len(set(shown[0])) == 6
    assert sorted(shown[0]) == sorted(shown[1])
    assert shown[0] != shown[1]


def test_fields_are_cut_at_different_spots(make_data_set: MakeDataSet) -> None:
    """One and the same field twice in a data set gives two crops."""
    data_set = open_data_set(make_data_set(fields=1))
    twice = dataclasses.replace(data_set, fields=data_set.fields * 2)
    (batch,) = FieldPasses([twice], RECIPE, seed=1).epoch(0)
    assert (batch.inputs[0] != batch.inputs[1]).any()
