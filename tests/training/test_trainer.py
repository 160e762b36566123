"""Training: reproducible, resumable, and it learns."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_glioma_density.nuclei.weights import load_network, load_tensors
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import open_data_set
from napari_glioma_density.training.recipe import DEFAULT, PAPER, Recipe, recipe_named
from napari_glioma_density.training.trainer import (
    TrainingJob,
    fastest_precision,
    one_cycle,
    train,
)

MakeDataSet = Callable[..., Path]
SMALL = dataclasses.replace(DEFAULT, epochs=4, batch=2, crop_px=64)


class Killed(Exception):
    """Stands for the kill of a training process."""


def job(folder: Path, weights: Path, recipe: Recipe = SMALL, **changes: Any) -> TrainingJob:
    data = open_data_set(folder)
    fields: dict[str, Any] = {
        "architecture": "unet-dropblock",
        "base_width": 4,
        "recipe": recipe,
        "seed": 3,
        "data": (data,),
        "validation": (data,),
        "weights": weights,
    }
    return TrainingJob(**{**fields, **changes})


def test_one_seed_gives_one_set_of_weights(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set()
    paths = [tmp_path / name / "w.safetensors" for name in "ab"]
    for path in paths:
        train(job(folder, path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("killed_after", [1, 3])
def test_a_killed_run_ends_in_the_weights_of_an_undisturbed_one(
    make_data_set: MakeDataSet, tmp_path: Path, killed_after: int
) -> None:
    folder = make_data_set()
    undisturbed, killed = tmp_path / "a" / "w.safetensors", tmp_path / "b" / "w.safetensors"
    train(job(folder, undisturbed))

    def kill(entry: dict[str, Any]) -> None:
        if entry["epoch"] == killed_after:
            raise Killed

    with pytest.raises(Killed):
        train(job(folder, killed), kill)
    torch.rand(100)  # another process would not share the random state either
    seen: list[int] = []
    train(job(folder, killed), lambda entry: seen.append(entry["epoch"]))
    assert seen == list(range(killed_after + 1, 5))
    assert killed.read_bytes() == undisturbed.read_bytes()
    assert not checkpoint_path(killed).exists()


def test_a_checkpoint_of_another_run_is_not_continued(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder, weights = make_data_set(), tmp_path / "w.safetensors"

    def kill(entry: dict[str, Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(job(folder, weights), kill)
    epochs: list[int] = []
    train(job(folder, weights, seed=4), lambda entry: epochs.append(entry["epoch"]))
    assert epochs == [1, 2, 3, 4]


def test_it_learns_what_a_dark_disc_is(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, epochs=30, averaging=0.9)
    log: list[dict[str, Any]] = []
    spec = train(job(make_data_set(fields=12), tmp_path / "w.safetensors", recipe), log.append)
    assert log[-1]["validation"]["discs"]["f1"] > 0.85
    assert spec.trained_on == ("discs",)
    assert 0.3 <= spec.threshold <= 0.7


def test_the_spec_of_the_weights_is_that_of_the_recipe(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    recipe = dataclasses.replace(PAPER, epochs=1, batch=2, crop_px=64)
    train(job(make_data_set(), tmp_path / "w.safetensors", recipe))
    spec, _ = load_network(tmp_path / "w.safetensors")
    assert (spec.input, spec.um_per_px, spec.batch_norm) == ("rgb ratio", 0.25, False)
    assert (spec.drop_rate, spec.drop_side) == (0.1, 3)


def test_the_paper_recipe_stays_in_full_precision(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    assert fastest_precision(job(make_data_set(), tmp_path / "w.safetensors", PAPER)) == "fp32"


def test_mixed_precision_learns_too(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    log: list[dict[str, Any]] = []
    train(job(make_data_set(), tmp_path / "w.safetensors", precision="bf16"), log.append)
    assert log[-1]["loss"] < log[0]["loss"]


def test_plain_u_net_has_no_dropblock(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    spec = job(make_data_set(), tmp_path / "w.safetensors", architecture="unet").spec()
    assert spec.drop_rate == 0


def test_weights_hold_no_optimiser(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    train(job(make_data_set(), tmp_path / "w.safetensors"))
    tensors, _ = load_tensors(tmp_path / "w.safetensors")
    assert not [name for name in tensors if "optimiser" in name]


def test_the_paper_recipe_is_table_2() -> None:
    paper = recipe_named("paper")
    assert (paper.optimiser, paper.learning_rate, paper.batch, paper.epochs) == ("sgd", 1e-2, 4, 30)
    assert (paper.loss, paper.crop_px, paper.drop_rate, paper.drop_side) == (
        "cross-entropy", 480, 0.1, 3,
    )  # fmt: skip


def test_the_learning_rate_rises_and_falls_once() -> None:
    pace = [one_cycle(step / 100) for step in range(101)]
    top = pace.index(max(pace))
    assert pace[:top] == sorted(pace[:top])
    assert pace[top:] == sorted(pace[top:], reverse=True)
    assert max(pace) == pytest.approx(1)
