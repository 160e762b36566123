"""Batches: a function of seed, epoch and step; sets drawn as often as asked."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_glioma_density.training.augmentation import FLIPS_AND_TURNS
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import DataSet, open_data_set
from napari_glioma_density.training.recipe import DEFAULT

MakeDataSet = Callable[..., Path]
SMALL = dataclasses.replace(DEFAULT, batch=4, crop_px=64)
MANY = dataclasses.replace(SMALL, batch=200, crop_px=16, augmentation=FLIPS_AND_TURNS)


def blackened(folder: Path) -> DataSet:
    """The data set with every px labelled, so that its crops are known."""
    for path in (folder / "labels").iterdir():
        cv2.imwrite(str(path), np.ones((96, 96), np.uint16))
    return open_data_set(folder)


def share_of_first(sets: list[DataSet], weights: tuple[float, ...]) -> float:
    crops = CropSource(sets, MANY, 5, weights)
    (batch,) = list(crops.epoch(0))
    return float((batch.shares.mean(axis=(1, 2)) == 1).mean())


def test_batches_are_the_same_whenever_asked_for(make_data_set: MakeDataSet) -> None:
    data = [open_data_set(make_data_set(fields=8))]
    first, again = (list(CropSource(data, SMALL, 3).epoch(2)) for _ in range(2))
    other = list(CropSource(data, SMALL, 4).epoch(2))
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0].inputs, other[0].inputs)
    assert not np.array_equal(first[0].inputs, first[1].inputs)
    assert first[0].weights is None


@pytest.mark.parametrize(
    ("weights", "expected"), [((), 0.5), ((3, 1), 0.75), ((1, 4), 0.2)], ids=str
)
def test_a_data_set_is_drawn_as_often_as_asked(
    make_data_set: MakeDataSet, weights: tuple[float, ...], expected: float
) -> None:
    sets = [blackened(make_data_set("a")), open_data_set(make_data_set("b"))]
    assert share_of_first(sets, weights) == pytest.approx(expected, abs=0.08)


def test_a_larger_set_is_drawn_by_the_root_of_its_area(make_data_set: MakeDataSet) -> None:
    sets = [blackened(make_data_set("a", fields=9)), open_data_set(make_data_set("b", fields=1))]
    assert share_of_first(sets, ()) == pytest.approx(0.75, abs=0.08)


def test_a_set_left_empty_keeps_the_others_weights(make_data_set: MakeDataSet) -> None:
    full, other = blackened(make_data_set("a")), open_data_set(make_data_set("b"))
    empty = dataclasses.replace(other, fields=())
    assert share_of_first([empty, full, other], (9, 3, 1)) == pytest.approx(0.75, abs=0.08)


def test_ignore_zones_reach_the_batch(make_data_set: MakeDataSet) -> None:
    folder = make_data_set(fields=2)
    (folder / "points").mkdir()
    clicks = {"xy": [[x, y] for x in range(5, 95, 15) for y in range(5, 95, 15)]}
    (folder / "points/0.json").write_text(json.dumps(clicks))
    (batch,) = list(CropSource([open_data_set(folder)], MANY, 1).epoch(0))
    assert batch.weights is not None
    assert batch.weights.shape == batch.shares.shape
    assert (batch.weights == 0).any()
    with_all = batch.weights.mean(axis=(1, 2)) == 1
    assert 0.4 < with_all.mean() < 0.7  # crops of the field that has no clicks
    assert batch.shares[batch.weights == 0].max() == 0


def test_joined_batches_count_what_has_no_weights() -> None:
    inputs, shares = np.zeros((1, 4, 4, 3), np.float32), np.zeros((1, 4, 4), np.float32)
    joined = Batch.joined([Batch(inputs, shares), Batch(inputs, shares, shares)])
    assert joined.weights is not None
    assert joined.weights.mean(axis=(1, 2)).tolist() == [1, 0]
