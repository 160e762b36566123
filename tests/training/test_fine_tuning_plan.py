"""How fine-tuning is planned: time, base data, mixture, threshold, configuration."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.weights import load_network, read_spec, save_tensors
from napari_glioma_density.training import fine_tuning, fine_tuning_plan
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.evaluation import evaluate
from napari_glioma_density.training.field_passes import LongEpochs
from napari_glioma_density.training.fine_tuning import FineTuneJob, fine_tune
from napari_glioma_density.training.fine_tuning_plan import Time, planned_training
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import DEFAULT
from napari_glioma_density.training.starting_point import StartingPoint, mixed
from napari_glioma_density.training.time_left import is_time_for_another, seconds_left
from napari_glioma_density.training.trainer import train
from napari_glioma_density.training.validation import THRESHOLDS, ValidationFields

pytestmark = pytest.mark.usefixtures("one_thread", "small_fine_tuning")


def within(seconds: float, per_look: float) -> Time:
    return Time(time.perf_counter() + seconds, per_look)


def job(parent: Model, weights: Path, *data: DataSet, **changes: Any) -> FineTuneJob:
    return FineTuneJob(parent, weights, data, **{"epochs": 2, **changes})


def test_nuclear_area_on_the_fields_learnt_from_is_as_annotated(
    parent: Model, dark: DataSet, tmp_path: Path
) -> None:
    tuned = fine_tune(job(parent, tmp_path / "w.safetensors", dark, epochs=3))
    segmenter = fine_tuning.load_segmenter(tmp_path / "w.safetensors")
    counts = [score.counts for score in evaluate(tuned.split.learn, segmenter)]
    found, true = (
        sum(getattr(one, name) for one in counts)
        for name in ("predicted_density_percent", "true_density_percent")
    )
    assert found == pytest.approx(true, rel=0.05)
    fields = ValidationFields(tuned.split.learn)
    spec, network = load_network(tmp_path / "w.safetensors")
    assert fields.density_matched_threshold(network, spec) == spec.threshold
    assert THRESHOLDS[0] < spec.threshold < THRESHOLDS[-1]


def test_fields_without_a_nucleus_leave_the_threshold(parent: Model, pale: DataSet) -> None:
    for field in pale:
        cv2.imwrite(str(field.label), np.zeros((96, 96), np.uint16))
    fields, (spec, network) = ValidationFields((pale,)), load_network(parent.path)
    assert fields.density_matched_threshold(network, spec) == spec.threshold


def test_base_data_is_drawn_as_often_as_the_new_fields(
    parent: Model, pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    own, base = [dataclasses.replace(pale, fields=pale.fields[:2])], [dark]
    training = planned_training(
        parent, tmp_path / "w.safetensors", (own, base), (pale,), within(60, 0.1), 3, 0
    )
    areas = [sum(96 * 96 * 0.25 for _ in one) for one in training.data]
    chances = np.sqrt(areas) * training.data_weights
    assert chances[0] == pytest.approx(chances[1])


def test_epochs_are_what_time_allows(
    parent: Model, pale: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning_plan, "seconds_per_step", lambda training: 0.4)

    def epochs(seconds: float, asked: int | None = None) -> int:
        learnt, left = ((pale,), ()), within(seconds, 0.5)
        return planned_training(
            parent, tmp_path / "w.safetensors", learnt, (pale,), left, asked, 0
        ).recipe.epochs

    # An epoch: 4 steps of 0.4 s, a quarter more for crops, half a look at 6 fields of 0.5 s.
    # After the last 6 fields to match the threshold on, and 8 batches of 0.4 s that are watched.
    assert epochs(3.5 * 7 + 3 + 3.2 + 1) == 7
    assert epochs(1e5) == 20
    assert epochs(0) == 2
    assert epochs(0, asked=40) == 40


def test_what_planning_and_the_threshold_take_is_taken_off_the_time(
    parent: Model, pale: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(training: TrainingJob) -> str:
        time.sleep(0.3)
        return "fp32"

    monkeypatch.setattr(fine_tuning_plan, "fastest_precision", slowly)
    learnt = ((pale,), ())
    training = planned_training(
        parent, tmp_path / "w.safetensors", learnt, (pale,), within(60, 0.5), None, 0
    )
    assert 0 < training.most_seconds < 60 - 0.3 - 6 * 0.5


def test_an_epoch_that_would_end_too_late_is_not_begun(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    training = planned_training(
        parent, tmp_path / "w.safetensors", ((pale,), ()), (pale,), within(60, 0.1), 20, 0
    )
    training = dataclasses.replace(training, most_seconds=45.0)
    log = [{"seconds": 8.0 + 4 * (epoch % 2)} for epoch in range(4)]
    assert is_time_for_another(log[:3], training)
    assert seconds_left(log[:3], training) == 45 - 28
    assert not is_time_for_another(log, training), "it would take 10 s, and 5 are left"
    assert seconds_left(log, training) == 0
    assert is_time_for_another(log[:1], dataclasses.replace(training, most_seconds=0.0))


def test_minutes_that_do_not_hold_the_scoring_are_told(
    parent: Model, pale: DataSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tuned = fine_tune(job(parent, tmp_path / "w.safetensors", pale, minutes=1e-5, epochs=None))
    assert tuned.epochs == 2
    assert "longer than the 1e-05 minutes that were given; 2 epochs are learnt" in caplog.text


def test_a_run_out_of_time_learns_two_epochs_and_keeps_them(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    training = planned_training(
        parent, tmp_path / "w.safetensors", ((pale,), ()), (pale,), within(60, 0.1), 5, 0
    )
    seen: list[tuple[int, bool]] = []

    def hear(entry: dict[str, Any]) -> None:
        seen.append((entry["epoch"], entry["seconds_left"] > 0))

    train(dataclasses.replace(training, most_seconds=1e-9), hear)
    assert seen == [(1, True), (2, False)]
    load_network(training.weights)


def test_a_mixture_lies_between_parent_and_child(parent: Model) -> None:
    _, known = load_network(parent.path)
    torch.manual_seed(3)
    child = build_network(parent.spec)
    ends = [mixed(known, child, share).state_dict() for share in (0.0, 0.25, 1.0)]
    for name, tensor in known.state_dict().items():
        if not tensor.is_floating_point():
            continue
        other = child.state_dict()[name]
        assert torch.equal(ends[0][name], tensor)
        assert torch.allclose(ends[1][name], 0.75 * tensor + 0.25 * other, atol=1e-6)
        assert torch.allclose(ends[2][name], other, atol=1e-6)


def test_what_is_kept_is_a_mixture(
    parent: Model, pale: DataSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = []
    for share in (0.0, 0.5, 1.0):
        monkeypatch.setattr(fine_tuning_plan, "MIXTURE", share)
        weights = tmp_path / f"{share}.safetensors"
        fine_tune(job(parent, weights, pale, epochs=1))
        children.append(load_network(weights)[1].state_dict())
    known, half, learnt = children
    for name, tensor in load_network(parent.path)[1].state_dict().items():
        if tensor.is_floating_point():  # batches are counted in whole numbers
            assert torch.equal(known[name], tensor)
            assert torch.allclose(half[name], (tensor + learnt[name]) / 2, atol=1e-6)
    assert not torch.equal(learnt["classify.weight"], known["classify.weight"])


def test_the_child_keeps_batch_normalisation(parent: Model, pale: DataSet, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, pale, epochs=1))
    _, child = load_network(weights)
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in child.modules())
    assert read_spec(weights).batch_norm


def test_a_start_is_part_of_the_configuration_and_nothing_changes_without(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    plain = TrainingJob("unet", 4, DEFAULT, 1, (pale,), (), tmp_path / "w.safetensors")
    assert set(json.loads(plain.configuration())) == {
        "spec", "recipe", "fields", "um_per_px", "data_weights", "validation", "labels", "images",
    }  # fmt: skip
    assert "parent" not in json.loads(plain.configuration())["spec"]
    started = dataclasses.replace(plain, start=StartingPoint.of(parent))
    assert started.configuration() != plain.configuration()


def test_a_checkpoint_of_other_origin_is_no_run_that_was_begun(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    for header in ({}, {"configuration": "{"}, {"configuration": '{"recipe": 3}'}):
        save_tensors(checkpoint_path(weights), {"a": torch.zeros(1)}, header)
        weights.unlink(missing_ok=True)
        weights.with_suffix(".metrics.json").unlink(missing_ok=True)
        tuned = fine_tune(job(parent, weights, pale, epochs=None, minutes=1e-3))
        assert tuned.epochs >= 1


def test_long_epochs_run_on_where_short_ones_end() -> None:
    class Numbers:
        batches_per_epoch = 3

        def epoch(self, number: int) -> Any:
            return iter(range(3 * number, 3 * number + 3))

    crops = LongEpochs(Numbers(), 4)
    assert crops.batches_per_epoch == 4
    assert [list(crops.epoch(number)) for number in (0, 1)] == [[0, 1, 2, 3], [6, 7, 8, 9]]
