"""Train a network from annotated fields; a killed run goes on where it was."""

import copy
import dataclasses
import json
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from napari_glioma_density.nuclei.device import plan_device
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.dropblock import DropBlock
from napari_glioma_density.nuclei.segmenter import as_input
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import save_network
from napari_glioma_density.training.checkpoint import (
    Learner,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.losses import LOSSES
from napari_glioma_density.training.recipe import Recipe
from napari_glioma_density.training.validation import ValidationFields

logger = logging.getLogger(__name__)

VALIDATE_EVERY = 5
"""Epochs between two looks at the validation sets; the last epoch always is one."""


@dataclass(frozen=True)
class TrainingJob:
    """What to train, on what, how, and where the weights go."""

    architecture: str
    base_width: int
    recipe: Recipe
    seed: int
    data: tuple[DataSet, ...]
    validation: tuple[DataSet, ...]
    weights: Path
    precision: str = "fp32"
    """fp32, or bf16 for mixed precision; see :func:`fastest_precision`."""

    def spec(self) -> ModelSpec:
        """The spec of the model to be."""
        recipe = self.recipe
        drops = self.architecture.endswith("-dropblock")
        return ModelSpec(
            name=self.weights.stem,
            title=f"{self.architecture}, base width {self.base_width}, {recipe.um_per_px} µm/px",
            architecture=self.architecture,
            base_width=self.base_width,
            batch_norm=recipe.batch_norm,
            drop_rate=recipe.drop_rate if drops else 0.0,
            drop_side=recipe.drop_side,
            um_per_px=recipe.um_per_px,
            input=recipe.input,
            licence="; ".join(sorted({f"{one.name}: {one.licence}" for one in self.data})),
            trained_on=tuple(one.name for one in self.data),
            recipe=recipe.name,
            seed=self.seed,
        )

    def configuration(self) -> str:
        """Everything a resumed run must share with the one that was killed."""
        fields = [str(field.image.name) for one in self.data for field in one]
        return json.dumps(
            {
                "spec": dataclasses.asdict(self.spec()),
                "recipe": dataclasses.asdict(self.recipe),
                "fields": fields,
                "validation": [one.name for one in self.validation],
            },
            sort_keys=True,
        )


def train(
    job: TrainingJob, on_epoch: Callable[[dict[str, Any]], None] = lambda _: None
) -> ModelSpec:
    """Train, keeping the state after every epoch, and write the weights at the end.

    Parameters
    ----------
    job
        What to do. A checkpoint of the same job beside the weights is resumed.
    on_epoch
        Called after each epoch with its log entry: ``epoch`` (from 1), ``epochs``, ``loss``,
        ``seconds``, ``seconds_left`` and, when looked at, ``validation``.

    Returns
    -------
    ModelSpec
        The spec that the weights carry.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    ModelError
        When the network is unknown or the disk refuses the weights.
    """
    torch.manual_seed(job.seed)
    spec = job.spec()
    crops = CropSource(job.data, job.recipe, job.seed)
    validation = ValidationFields(job.validation)
    learner = _learner(spec, job.recipe)
    log = _resume(job, learner)
    for epoch in range(len(log), job.recipe.epochs):
        began = time.perf_counter()
        loss = _epoch(epoch, learner, crops, job)
        entry: dict[str, Any] = {"epoch": epoch + 1, "epochs": job.recipe.epochs, "loss": loss}
        if validation and _is_looked_at(epoch, job.recipe.epochs):
            entry["validation"] = validation.scores(learner.average, spec)
        entry["seconds"] = time.perf_counter() - began
        log.append(entry)
        save_checkpoint(checkpoint_path(job.weights), learner, job.configuration(), log)
        on_epoch({**entry, "seconds_left": _seconds_left(log)})
    return _finish(job, spec, learner, validation, log)


def _finish(
    job: TrainingJob,
    spec: ModelSpec,
    learner: Learner,
    validation: ValidationFields,
    log: list[dict[str, Any]],
) -> ModelSpec:
    if validation and job.recipe.calibrate:
        spec = spec.with_(threshold=validation.calibrated_threshold(learner.average, spec))
    save_network(job.weights, spec, learner.average)
    log_path = job.weights.with_suffix(".log.json")
    log_path.write_text(json.dumps(log, indent=1), encoding="utf-8")
    checkpoint_path(job.weights).unlink(missing_ok=True)
    return spec


def _learner(spec: ModelSpec, recipe: Recipe) -> Learner:
    network = build_network(spec).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    return Learner(network, average, _optimiser(network, recipe))


def _optimiser(network: nn.Module, recipe: Recipe) -> Optimizer:
    if recipe.optimiser == "sgd":
        return SGD(network.parameters(), lr=recipe.learning_rate)
    return AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _resume(job: TrainingJob, learner: Learner) -> list[dict[str, Any]]:
    path = checkpoint_path(job.weights)
    if not path.exists():
        return []
    log = load_checkpoint(path, learner, job.configuration())
    if log is None:
        logger.warning("%s is of another training run and will be replaced", path.name)
        return []
    logger.info("going on after epoch %d of %d", len(log), job.recipe.epochs)
    return log


def _epoch(number: int, learner: Learner, crops: CropSource, job: TrainingJob) -> float:
    recipe = job.recipe
    learner.network.train()
    steps = crops.batches_per_epoch
    total = 0.0
    for step, batch in enumerate(crops.epoch(number)):
        done = (number * steps + step) / (recipe.epochs * steps)
        _set_pace(learner, recipe, done)
        total += _step(batch, learner, job)
        _update_average(learner, recipe.averaging, number * steps + step)
    return total / steps


def _step(batch: Batch, learner: Learner, job: TrainingJob) -> float:
    images = as_input(batch.images, job.recipe.input)
    shares = torch.from_numpy(batch.shares)
    with torch.autocast("cpu", torch.bfloat16, enabled=job.precision == "bf16"):
        logits = learner.network(images)
    loss: Tensor = LOSSES[job.recipe.loss](logits.float(), shares)
    learner.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    learner.optimiser.step()
    return float(loss.detach())


def fastest_precision(job: TrainingJob) -> str:
    """The precision for a job: fp32 for the paper's recipe, else the faster one by trial.

    A processor without bfloat16 of its own would be slower by orders of magnitude with it.
    """
    if job.recipe.optimiser == "sgd":
        return "fp32"
    return plan_device(build_network(job.spec()).eval(), "cpu").precision


def _set_pace(learner: Learner, recipe: Recipe, done: float) -> None:
    """Set learning rate and DropBlock's rate for the share ``done`` of the run, 0–1."""
    if recipe.optimiser != "sgd":
        for group in learner.optimiser.param_groups:
            group["lr"] = recipe.learning_rate * one_cycle(done)
    rate = recipe.drop_rate * (min(1.0, done / 0.75) if recipe.drop_ramp else 1.0)
    for module in learner.network.modules():
        if isinstance(module, DropBlock):
            module.rate = rate


def one_cycle(done: float, warm_up: float = 0.2) -> float:
    """Factor on the top learning rate at the share ``done`` of the run: cosine up, cosine down."""
    if done < warm_up:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * done / warm_up)) / 2
    return 1e-3 + (1 - 1e-3) * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2


def _update_average(learner: Learner, decay: float, step: int) -> None:
    """Move the averaged weights; early on faster, so that it forgets the random start."""
    keep = min(decay, (1 + step) / (10 + step)) if decay else 0.0
    current = learner.network.state_dict()
    with torch.no_grad():
        for name, averaged in learner.average.state_dict().items():
            if averaged.is_floating_point():
                averaged.lerp_(current[name], 1 - keep)
            else:
                averaged.copy_(current[name])


def _is_looked_at(epoch: int, epochs: int) -> bool:
    return (epoch + 1) % VALIDATE_EVERY == 0 or epoch + 1 == epochs


def _seconds_left(log: list[dict[str, Any]]) -> float:
    recent = [float(entry["seconds"]) for entry in log[-VALIDATE_EVERY:]]
    return sum(recent) / len(recent) * (int(log[-1]["epochs"]) - len(log))
