"""Training: reproducible, resumable, and it learns."""

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.nuclei.weights import load_network, load_tensors, save_tensors, sha256_of
from napari_glioma_density.training import trainer
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import open_data_set
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.pace import adaptive_factor
from napari_glioma_density.training.recipe import DEFAULT, PAPER, Recipe, recipe_named
from napari_glioma_density.training.trainer import fastest_precision, train

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
        "validation": (),
        "weights": weights,
    }
    return TrainingJob(**{**fields, **changes})


def changed(**changes: Any) -> Recipe:
    return dataclasses.replace(SMALL, epochs=3, **changes)


KINDS: dict[str, dict[str, Any]] = {
    "DropBlock": {"recipe": changed()},
    "plain": {"recipe": changed(averaging=0.0), "architecture": "unet"},
    "adaptive DropBlock": {"recipe": changed(drop_schedule="adaptive")},
    "mixed precision": {"recipe": changed(), "precision": "bf16"},
    "paper": {"recipe": dataclasses.replace(PAPER, epochs=3, batch=2, crop_px=64)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_ends_in_the_weights_of_an_undisturbed_one(
    make_data_set: MakeDataSet, tmp_path: Path, kind: str
) -> None:
    folder = make_data_set(fields=6)
    undisturbed, killed = tmp_path / "a" / "w.safetensors", tmp_path / "b" / "w.safetensors"
    train(job(folder, undisturbed, **KINDS[kind]))

    def kill(entry: dict[str, Any]) -> None:
        if entry["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        train(job(folder, killed, **KINDS[kind]), kill)
    torch.rand(100)  # another process would not share the random state either
    seen: list[int] = []
    train(job(folder, killed, **KINDS[kind]), lambda e: seen.append(e["epoch"]))
    assert seen == [3]
    assert sha256_of(killed) == sha256_of(undisturbed)
    assert not checkpoint_path(killed).exists()


def test_looking_at_validation_sets_changes_no_weight(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set()
    tensors = []
    for name, validation in (("a", ()), ("b", (open_data_set(folder),))):
        path = tmp_path / name / "w.safetensors"
        recipe = changed(drop_schedule="adaptive")
        train(job(folder, path, recipe, validation=validation))
        tensors.append(load_tensors(path)[0])
    assert all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])


def test_pictures_that_are_edited_or_removed_meanwhile_change_nothing(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    undisturbed, disturbed = tmp_path / "a" / "w.safetensors", tmp_path / "b" / "w.safetensors"
    folder = make_data_set()
    train(job(folder, undisturbed))

    def tidy_up(entry: dict[str, Any]) -> None:
        if entry["epoch"] == 1:
            shutil.copy(folder / "images/1.png", folder / "images/0.png")
            (folder / "images/2.png").unlink()

    train(job(folder, disturbed), tidy_up)
    assert sha256_of(disturbed) == sha256_of(undisturbed)


def test_another_seed_gives_other_weights(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    folder = make_data_set()
    paths = [tmp_path / name / "w.safetensors" for name in "ab"]
    for seed, path in enumerate(paths):
        train(job(folder, path, changed(), seed=seed))
    assert sha256_of(paths[0]) != sha256_of(paths[1])


def test_a_resumed_run_keeps_its_precision_and_threads(
    make_data_set: MakeDataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both decide the last bits; a trial of precisions may end otherwise the next time."""
    folder, weights = make_data_set(), tmp_path / "w.safetensors"
    before = torch.get_num_threads()

    def kill(entry: dict[str, Any]) -> None:
        raise Killed

    try:
        torch.set_num_threads(1)
        with pytest.raises(Killed):
            train(job(folder, weights, precision="bf16"), kill)
        torch.set_num_threads(2)
        threads: list[int] = []
        precisions: list[str] = []
        step = trainer._step

        def note(batch: Any, learner: Any, job: TrainingJob) -> float:
            precisions.append(job.precision)
            threads.append(torch.get_num_threads())
            return step(batch, learner, job)

        monkeypatch.setattr(trainer, "_step", note)
        train(job(folder, weights, precision="fp32"))
        assert set(threads) == {1}
        assert set(precisions) == {"bf16"}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_adaptive_rate_begins_at_nothing_and_is_logged(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    log: list[dict[str, Any]] = []
    recipe = changed(drop_schedule="adaptive")
    train(job(make_data_set(), tmp_path / "w.safetensors", recipe), log.append)
    gaps = [entry["gap"] for entry in log]
    rates = [entry["drop_rate"] for entry in log]
    assert rates == [0, 0, pytest.approx(recipe.drop_rate * adaptive_factor(gaps[:2]))]


def test_one_field_cannot_steer_the_adaptive_rate(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    recipe = changed(drop_schedule="adaptive")
    with pytest.raises(DataSetError, match="at least two fields"):
        train(job(make_data_set(fields=1), tmp_path / "w.safetensors", recipe))


def test_a_recipe_that_shows_every_field_once_takes_no_weights_of_data_sets(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    weighted = job(make_data_set(), tmp_path / "w.safetensors", PAPER, data_weights=(2.0,))
    with pytest.raises(BadInput, match="every field once"):
        train(weighted)


def test_a_run_leaves_its_log_and_a_picture_of_it(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set()
    validation = (open_data_set(folder),)
    train(job(folder, tmp_path / "w.safetensors", changed(), validation=validation))
    rows = (tmp_path / "w.log.csv").read_text().splitlines()
    assert rows[0].startswith("epoch,loss,learning_rate,drop_rate")
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3"]
    assert len(json.loads((tmp_path / "w.log.json").read_text())) == 3
    assert cv2.imread(str(tmp_path / "w.curves.png")) is not None
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "w.curves.png", "w.log.csv", "w.log.json", "w.safetensors",
    ]  # fmt: skip


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


def begin(begun: TrainingJob) -> None:
    def kill(entry: dict[str, Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        train(begun, kill)


def epochs_of(again: TrainingJob) -> list[int]:
    epochs: list[int] = []
    train(again, lambda entry: epochs.append(entry["epoch"]))
    return epochs


@pytest.mark.parametrize("part", ["images", "labels"])
def test_a_checkpoint_of_other_data_of_the_same_names_is_not_continued(
    make_data_set: MakeDataSet, tmp_path: Path, part: str
) -> None:
    folder, weights = make_data_set(), tmp_path / "w.safetensors"
    begin(job(folder, weights))
    path = folder / part / "1.png"
    cv2.imwrite(str(path), cv2.flip(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), 0))
    assert epochs_of(job(folder, weights)) == [1, 2, 3, 4]


def test_a_checkpoint_from_before_data_had_digests_is_continued(
    make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder, weights = make_data_set(), tmp_path / "w.safetensors"
    begin(job(folder, weights))
    tensors, header = load_tensors(checkpoint_path(weights))
    known = json.loads(header["configuration"])
    del known["labels"], known["images"]
    save_tensors(checkpoint_path(weights), tensors, {**header, "configuration": json.dumps(known)})
    assert epochs_of(job(folder, weights)) == [2, 3, 4]


def test_it_learns_what_a_dark_disc_is(make_data_set: MakeDataSet, tmp_path: Path) -> None:
    recipe = dataclasses.replace(SMALL, epochs=30, averaging=0.9)
    log: list[dict[str, Any]] = []
    folder = make_data_set(fields=12)
    checked = job(folder, tmp_path / "w.safetensors", recipe, validation=(open_data_set(folder),))
    spec = train(checked, log.append)
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
