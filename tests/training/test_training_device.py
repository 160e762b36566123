"""Training on a GPU: the same weights every time, as on a processor."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei.weights import load_network, load_tensors, sha256_of
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import open_data_set
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import DEFAULT
from napari_glioma_density.training.trainer import train

MakeDataSet = Callable[..., Path]
RECIPE = dataclasses.replace(DEFAULT, epochs=3, batch=4, crop_px=64)

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")


class Killed(Exception):
    """Stands for the kill of a training process."""


def job(folder: Path, weights: Path, **changes: Any) -> TrainingJob:
    data = (open_data_set(folder),)
    fields: dict[str, Any] = {
        "architecture": "unet-dropblock",
        "base_width": 8,
        "recipe": RECIPE,
        "seed": 3,
        "data": data,
        "validation": data,
        "weights": weights,
    }
    return TrainingJob(**{**fields, **changes})


def killed_after(epochs: int) -> Callable[[dict[str, Any]], None]:
    def on_epoch(entry: dict[str, Any]) -> None:
        if entry["epoch"] == epochs:
            raise Killed

    return on_epoch


def test_workers_change_no_bit_of_the_weights(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set(fields=9)
    for name, workers in (("none", 0), ("two", 2)):
        (tmp_path / name).mkdir()
        train(job(folder, tmp_path / name / "m.safetensors", workers=workers, validation=()))
    shas = {sha256_of(tmp_path / name / "m.safetensors") for name in ("none", "two")}
    assert len(shas) == 1


def test_a_run_goes_on_where_it_was_begun(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = job(make_data_set(), tmp_path / "m.safetensors")
    with pytest.raises(Killed):
        train(begun, killed_after(1))
    path = checkpoint_path(begun.weights)
    before = path.read_bytes()
    monkeypatch.setattr("napari_glioma_density.training.learner.Learner.device", "cuda")
    with pytest.raises(BadInput, match=r"begun on cpu; go on with --device cpu"):
        train(begun)
    assert path.read_bytes() == before


def test_a_device_that_has_no_memory_left_is_said_and_the_run_goes_on_later(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, weights = make_data_set(fields=9), tmp_path / "m.safetensors"
    train(job(folder, weights))
    undisturbed = sha256_of(weights)
    weights.unlink()

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. …")

    def on_epoch(entry: dict[str, Any]) -> None:
        if entry["epoch"] == 2:
            monkeypatch.setattr("napari_glioma_density.training.trainer._step", full)

    with pytest.raises(ModelError, match=r"^m\.safetensors: its training does not fit into"):
        train(job(folder, weights), on_epoch)
    monkeypatch.undo()
    train(job(folder, weights))
    assert sha256_of(weights) == undisturbed


@needs_cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_training_gives_the_same_weights_every_time(
    make_data_set: MakeDataSet, tmp_path: Path, precision: str
) -> None:
    folder, shas, losses = make_data_set(fields=12), set(), []
    for name, workers in (("one", 0), ("other", 2), ("killed", 2)):
        (tmp_path / name).mkdir()
        one = job(
            folder,
            tmp_path / name / "m.safetensors",
            device="cuda",
            precision=precision,
            workers=workers,
        )
        if name == "killed":
            with pytest.raises(Killed):
                train(one, killed_after(2))
        train(one, lambda entry: losses.append(entry["loss"]))
        shas.add(sha256_of(one.weights))
    assert losses[2] < losses[0]
    assert len(shas) == 1
    tensors, _ = load_tensors(one.weights)
    assert all(tensor.device.type == "cpu" for tensor in tensors.values())
    assert next(load_network(one.weights)[1].parameters()).device.type == "cpu"
