"""Train a network from annotated fields; a killed run goes on where it was."""

import contextlib
import dataclasses
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.nuclei.device import plan_device
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.segmenter import channels_first
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import save_network
from napari_glioma_density.training.checkpoint import (
    Progress,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.field_passes import Crops, FieldPasses
from napari_glioma_density.training.generalisation import GapWatch, hold_back
from napari_glioma_density.training.learner import Learner, new_learner
from napari_glioma_density.training.losses import LOSSES
from napari_glioma_density.training.pace import drop_rate, learning_rate
from napari_glioma_density.training.recipe import Recipe
from napari_glioma_density.training.training_log import write_curves, write_log
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
    data_weights: tuple[float, ...] = ()
    """Factor on how often each training set is drawn; none: 1 for all."""

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
            research_only=not all(one.ships_weights for one in self.data),
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
                "data_weights": self.data_weights,
                "validation": [one.name for one in self.validation],
            },
            sort_keys=True,
        )

    @property
    def is_adaptive(self) -> bool:
        """Whether R_drop follows the generalisation gap."""
        return self.spec().drop_rate > 0 and self.recipe.drop_schedule == "adaptive"


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
        ``learning_rate`` and ``drop_rate`` of its last step, ``seconds``, ``seconds_left`` and,
        when looked at, ``validation``; ``gap`` where R_drop follows it.

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

    Notes
    -----
    The same job gives the same weights, bit by bit, on one machine: the same processor, PyTorch
    version, precision and number of threads. A resumed run keeps the precision and the number of
    threads it began with. Nothing here is nondeterministic on a processor.
    """
    with _threads_restored():
        torch.manual_seed(job.seed)
        learner = new_learner(job.spec(), job.recipe)
        progress = _begin_or_resume(job, learner)
        job = dataclasses.replace(job, precision=progress.precision)
        torch.set_num_threads(progress.threads)
        return _train(job, learner, progress, on_epoch)


def _train(
    job: TrainingJob,
    learner: Learner,
    progress: Progress,
    on_epoch: Callable[[dict[str, Any]], None],
) -> ModelSpec:
    crops, watch = _crops_and_watch(job)
    validation = ValidationFields(job.validation)
    log = progress.log
    for epoch in range(len(log), job.recipe.epochs):
        began = time.perf_counter()
        entry = _epoch(epoch, learner, crops, job, [one["gap"] for one in log] if watch else [])
        if watch:
            entry["gap"] = watch.gap(learner.average)
        if validation and _is_looked_at(epoch, job.recipe.epochs):
            entry["validation"] = validation.scores(learner.average, job.spec())
        entry["seconds"] = time.perf_counter() - began
        log.append(entry)
        save_checkpoint(checkpoint_path(job.weights), learner, job.configuration(), progress)
        if "validation" in entry:
            write_curves(job.weights, log)
        on_epoch({**entry, "seconds_left": _seconds_left(log)})
    return _finish(job, learner, validation, log)


def _finish(
    job: TrainingJob,
    learner: Learner,
    validation: ValidationFields,
    log: list[dict[str, Any]],
) -> ModelSpec:
    spec = job.spec()
    if validation and job.recipe.calibrate:
        spec = spec.with_(threshold=validation.calibrated_threshold(learner.average, spec))
    save_network(job.weights, spec, learner.average)
    write_log(job.weights, log)
    write_curves(job.weights, log)
    checkpoint_path(job.weights).unlink(missing_ok=True)
    return spec


@contextlib.contextmanager
def _threads_restored() -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _begin_or_resume(job: TrainingJob, learner: Learner) -> Progress:
    path = checkpoint_path(job.weights)
    if path.exists():
        progress = load_checkpoint(path, learner, job.configuration())
        if progress is not None:
            logger.info("going on after epoch %d of %d", len(progress.log), job.recipe.epochs)
            return progress
        logger.warning("%s is of another training run and will be replaced", path.name)
    return Progress([], job.precision, torch.get_num_threads())


def _crops_and_watch(job: TrainingJob) -> tuple[Crops, GapWatch | None]:
    """What is learnt from and, where R_drop follows it, what measures the generalisation gap."""
    if not job.is_adaptive:
        return _crops(job, job.data), None
    learnt, held = hold_back(job.data, job.seed)
    if not any(len(one) for one in held):
        raise DataSetError(
            "no field can be held back to steer the adaptive DropBlock by; "
            "give a training set of at least two fields"
        )
    crops = _crops(job, learnt)

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        return _loss(batch, network, job)

    return crops, GapWatch(crops, _crops(job, held), job.recipe.epochs, loss)


def _crops(job: TrainingJob, data: Sequence[DataSet]) -> Crops:
    if job.recipe.draw == "each once":
        if job.data_weights:
            raise BadInput(
                f"the recipe {job.recipe.name} shows every field once an epoch, so data sets have "
                "no weights; leave them out or take another recipe"
            )
        return FieldPasses(data, job.recipe, job.seed)
    return CropSource(data, job.recipe, job.seed, job.data_weights)


def _epoch(
    number: int, learner: Learner, crops: Crops, job: TrainingJob, gaps: Sequence[float]
) -> dict[str, Any]:
    """Learn for an epoch and return its log entry."""
    recipe, drops = job.recipe, job.spec().drop_rate > 0
    learner.network.train()
    steps = crops.batches_per_epoch
    total = lr = rate = 0.0
    for step, batch in enumerate(crops.epoch(number)):
        done = (number * steps + step) / (recipe.epochs * steps)
        lr, rate = learning_rate(recipe, done), drop_rate(recipe, done, gaps) if drops else 0.0
        learner.set_pace(lr, rate)
        total += _step(batch, learner, job)
        learner.update_average(recipe.averaging, number * steps + step)
    return {
        "epoch": number + 1,
        "epochs": recipe.epochs,
        "loss": total / steps,
        "learning_rate": lr,
        "drop_rate": rate,
    }


def _step(batch: Batch, learner: Learner, job: TrainingJob) -> float:
    loss = _loss(batch, learner.network, job)
    learner.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    learner.optimiser.step()
    return float(loss.detach())


def _loss(batch: Batch, network: nn.Module, job: TrainingJob) -> Tensor:
    inputs = channels_first(batch.inputs)
    shares = torch.from_numpy(batch.shares)
    weights = None if batch.weights is None else torch.from_numpy(batch.weights)
    with torch.autocast("cpu", torch.bfloat16, enabled=job.precision == "bf16"):
        logits = network(inputs)
    return LOSSES[job.recipe.loss](logits.float(), shares, weights)


def fastest_precision(job: TrainingJob) -> str:
    """The precision for a job: fp32 for the paper's recipe, else the faster one by trial.

    A processor without bfloat16 of its own would be slower by orders of magnitude with it.
    """
    if job.recipe.optimiser == "sgd":
        return "fp32"
    return plan_device(build_network(job.spec()).eval(), "cpu").precision


def _is_looked_at(epoch: int, epochs: int) -> bool:
    return (epoch + 1) % VALIDATE_EVERY == 0 or epoch + 1 == epochs


def _seconds_left(log: list[dict[str, Any]]) -> float:
    recent = [float(entry["seconds"]) for entry in log[-VALIDATE_EVERY:]]
    return sum(recent) / len(recent) * (int(log[-1]["epochs"]) - len(log))
