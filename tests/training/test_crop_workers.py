"""Crops cut by several processes are those that one thread cuts, and nothing is left behind."""

import dataclasses
import multiprocessing
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.training.crop_workers import CropWorkers
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import open_data_set
from napari_glioma_density.training.recipe import DEFAULT

RECIPE = dataclasses.replace(DEFAULT, batch=2, crop_px=64)


@pytest.fixture
def source(make_data_set: Callable[..., Path]) -> CropSource:
    return CropSource([open_data_set(make_data_set(fields=5))], RECIPE, seed=3)


def same(found: Batch, expected: Batch) -> bool:
    pairs = zip(found, expected, strict=True)
    return all(np.array_equal(a, b) if a is not None else b is None for a, b in pairs)


@pytest.mark.parametrize("workers", [1, 3])
def test_they_are_the_crops_of_one_thread(source: CropSource, workers: int) -> None:
    with CropWorkers(source, workers) as crops:
        assert crops.batches_per_epoch == source.batches_per_epoch == 2
        for epoch in (0, 1, 5, 2):  # out of turn as well
            made = list(crops.epoch(epoch))
            assert len(made) == 2
            for found, expected in zip(made, source.epoch(epoch), strict=True):
                assert same(found, expected)


def test_ignore_zones_come_along(source: CropSource) -> None:
    fields = source.fields[0]
    source.fields[0] = [
        dataclasses.replace(one, ignored=np.arange(96 * 96).reshape(96, 96) % 7 == 0)
        for one in fields
    ]
    with CropWorkers(source, 2) as crops:
        found, expected = next(crops.epoch(0)), next(source.epoch(0))
    assert found.weights is not None
    assert same(found, expected)


def test_nothing_is_left_behind_though_an_epoch_was_broken_off(source: CropSource) -> None:
    before = leftovers()
    with CropWorkers(source, 2) as crops:
        list(islice(crops.epoch(0), 1))
        assert leftovers() - before
        working = {child.pid for child in multiprocessing.active_children()}
    assert leftovers() <= before
    assert not any(psutil.pid_exists(pid) for pid in working)


def test_a_process_that_was_ended_is_told_in_a_line(source: CropSource) -> None:
    with CropWorkers(source, 1) as crops:
        list(crops.epoch(0))
        for child in psutil.Process().children(recursive=True):
            if "forkserver" in " ".join(child.cmdline()) and child.parent() != psutil.Process():
                child.kill()
        with pytest.raises(BadInput, match="process that cuts crops was ended"):
            _ = [list(crops.epoch(epoch)) for epoch in range(1, 9)]


def leftovers() -> set[Path]:
    """Temporary folders of crops and, where it can be seen, shared memory."""
    folders = Path(tempfile.gettempdir()).glob("glioma-density-crops-*")
    return {*folders, *Path("/dev/shm").glob("psm_*")}
