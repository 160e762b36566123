"""Train a network from annotated fields; a killed run goes on where it was."""

import contextlib
import dataclasses
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.nuclei.memory import room_on
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.networks.watching import observed
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.trial import plan_device
from napari_glioma_density.nuclei.weights import save_network
from napari_glioma_density.stain import colour_input
from napari_glioma_density.training.checkpoint import (
    RunState,
    checkpoint_path,
    load_checkpoint,
    save_checkpoint,
)
from napari_glioma_density.training.crop_workers import CropWorkers
from napari_glioma_density.training.crops import Batch, CropSource
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.field_passes import Crops, FieldPasses, LongEpochs
from napari_glioma_density.training.generalisation import GapWatch, hold_back
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.learner import Learner, new_learner
from napari_glioma_density.training.losses import LOSSES
from napari_glioma_density.training.pace import drop_rate, learning_rate
from napari_glioma_density.training.time_left import is_time_for_another, seconds_left
from napari_glioma_density.training.training_log import write_curves, write_log
from napari_glioma_density.training.validation import ValidationFields

logger = logging.getLogger(__name__)

TIMED_STEPS: Final = 3
WATCHED_BATCHES: Final = 8
"""What the layers of the finished network give is watched over so many batches."""


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
        ``learning_rate`` and ``drop_rate`` of its last step, ``seconds``, ``seconds_left`` (0
        once it is the last) and, when looked at, ``validation``; ``gap`` where R_drop follows it.
        It may raise to stop the run, which goes on from there when it is called again.

    Returns
    -------
    ModelSpec
        The spec that the weights carry.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    ModelError
        When the network is unknown, the disk refuses the weights, or the device has not enough
        memory: then it goes on after the last epoch when called again.

    Notes
    -----
    The same job gives the same weights, bit by bit, on one machine: the same processor or GPU,
    PyTorch version, precision and number of threads. A resumed run keeps the precision and the
    number of threads it began with. Nothing here is nondeterministic on a processor; of a GPU
    the libraries are asked for what gives the same every time.
    """
    with _settings_restored(), room_on(job.device, f"{job.weights.name}: its training"):
        torch.manual_seed(job.seed)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        torch.backends.cudnn.allow_tf32 = False  # else fp32 is not fp32
        learner = new_learner(job.spec(), job.recipe, job.start, job.device)
        configuration, learnt = job.configuration(), job.learnt()  # fields may be edited later
        state = _begin_or_resume(job, learner, configuration)
        job = dataclasses.replace(job, precision=state.precision)
        torch.set_num_threads(state.threads)
        with contextlib.ExitStack() as until_the_end:
            spec, kept = _train(job, configuration, learner, state, on_epoch, until_the_end)
        save_network(job.weights, spec, kept, learnt)
        write_log(job.weights, state.log)
        write_curves(job.weights, state.log)
        checkpoint_path(job.weights).unlink(missing_ok=True)
        return spec


def _train(
    job: TrainingJob,
    configuration: str,
    learner: Learner,
    state: RunState,
    on_epoch: Callable[[dict[str, Any]], None],
    until_the_end: contextlib.ExitStack,
) -> tuple[ModelSpec, nn.Module]:
    crops, watch = _crops_and_watch(job, until_the_end)
    validation = ValidationFields(job.validation)
    log = state.log
    for epoch in range(len(log), job.recipe.epochs):
        if not is_time_for_another(log, job):
            logger.warning("out of time after epoch %d of %d", len(log), job.recipe.epochs)
            break
        began = time.perf_counter()
        entry = _epoch(epoch, learner, crops, job, [one["gap"] for one in log] if watch else [])
        if watch:
            entry["gap"] = watch.gap(learner.average)
        if validation and _is_looked_at(epoch, job):
            entry["validation"] = validation.scores(learner.kept(), job.spec())
        entry["seconds"] = time.perf_counter() - began
        log.append(entry)
        entry["seconds_left"] = seconds_left(log, job)
        save_checkpoint(checkpoint_path(job.weights), learner, configuration, state)
        if job.is_followed:
            write_log(job.weights, log)
        if "validation" in entry:
            write_curves(job.weights, log)
        on_epoch(dict(entry))
    return _finished(job, learner, crops, validation)


def _finished(
    job: TrainingJob, learner: Learner, crops: Crops, validation: ValidationFields
) -> tuple[ModelSpec, nn.Module]:
    """What is kept, its thresholds chosen and its activations watched."""
    spec = job.spec()
    if validation and job.recipe.calibrate:
        spec = validation.calibrated(spec, validation.by_threshold(learner.kept(), spec))
    if job.matched:
        spec = ValidationFields(job.matched).density_matched(learner.kept(), spec)
    kept = learner.kept()
    if isinstance(kept, UNet):
        kept.activations = observed(kept, _images(crops, job.device))
    return spec, kept


def _images(crops: Crops, device: str) -> Iterator[Tensor]:
    """Some of what was learnt from, as the network takes it."""
    for batch in itertools.islice(crops.epoch(0), WATCHED_BATCHES):
        yield _there(batch.inputs, device).permute(0, 3, 1, 2)


@contextlib.contextmanager
def _settings_restored() -> Iterator[None]:
    """PyTorch's, that hold for the whole program."""
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    deterministic, benchmark, tf32 = cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = deterministic, benchmark, tf32


def _begin_or_resume(job: TrainingJob, learner: Learner, configuration: str) -> RunState:
    path = checkpoint_path(job.weights)
    if path.exists():
        state = load_checkpoint(path, learner, configuration)
        if state is not None:
            logger.info("going on after epoch %d of %d", len(state.log), job.recipe.epochs)
            return state
        logger.warning("%s is of another training run and will be replaced", path.name)
    return RunState([], job.precision, torch.get_num_threads(), job.device)


def _crops_and_watch(
    job: TrainingJob, until_the_end: contextlib.ExitStack
) -> tuple[Crops, GapWatch | None]:
    """What is learnt from and, where R_drop follows it, what measures the generalisation gap."""
    if not job.is_adaptive:
        return _crops(job, job.data, until_the_end), None
    learnt, held = hold_back(job.data, job.seed)
    if not any(len(one) for one in held):
        raise DataSetError(
            "no field can be held back to steer the adaptive DropBlock by; "
            "give a training set of at least two fields"
        )
    crops = _crops(job, learnt, until_the_end)

    def loss(network: nn.Module, batch: Batch) -> Tensor:
        return _loss(batch, network, job)

    watched = _crops(dataclasses.replace(job, workers=0), held, until_the_end)
    return crops, GapWatch(crops, watched, job.recipe.epochs, loss)


def _crops(job: TrainingJob, data: Sequence[DataSet], until_the_end: contextlib.ExitStack) -> Crops:
    if job.recipe.draw == "each once":
        if job.data_weights:
            raise BadInput(
                f"the recipe {job.recipe.name} shows every field once an epoch, so data sets have "
                "no weights; leave them out or take another recipe"
            )
        return FieldPasses(data, job.recipe, job.seed)
    source = CropSource(data, job.recipe, job.seed, job.data_weights)
    crops: Crops = source
    if job.workers:
        crops = until_the_end.enter_context(CropWorkers(source, job.workers))
    return crops if job.epoch_steps is None else LongEpochs(crops, job.epoch_steps)


def _epoch(
    number: int, learner: Learner, crops: Crops, job: TrainingJob, gaps: Sequence[float]
) -> dict[str, Any]:
    """Learn for an epoch and return its log entry."""
    recipe, drops = job.recipe, job.spec().drop_rate > 0
    learner.network.train()
    steps = crops.batches_per_epoch
    lr = rate = 0.0
    losses: list[Tensor] = []  # read at the end: to read one is to wait for the GPU
    for step, batch in enumerate(crops.epoch(number)):
        done = (number * steps + step) / (recipe.epochs * steps)
        lr, rate = learning_rate(recipe, done), drop_rate(recipe, done, gaps) if drops else 0.0
        learner.set_pace(lr, rate)
        losses.append(_step(batch, learner, job))
        learner.update_average(recipe.averaging, number * steps + step)
    return {
        "epoch": number + 1,
        "epochs": recipe.epochs,
        "loss": sum(map(float, losses)) / steps,
        "learning_rate": lr,
        "drop_rate": rate,
    }


def _step(batch: Batch, learner: Learner, job: TrainingJob) -> Tensor:
    loss = _loss(batch, learner.network, job)
    learner.optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    learner.optimiser.step()
    return loss.detach()


def _loss(batch: Batch, network: nn.Module, job: TrainingJob) -> Tensor:
    inputs, shares = (_there(part, job.device) for part in (batch.inputs, batch.shares))
    weights = None if batch.weights is None else _there(batch.weights, job.device)
    with torch.autocast(job.device, torch.bfloat16, enabled=job.precision == "bf16"):
        logits = network(inputs.permute(0, 3, 1, 2))  # the view of it *is* channels last
    return LOSSES[job.recipe.loss](logits.float(), shares, weights)


def _there(values: NDArray[np.float32], device: str) -> Tensor:
    """Values on a device; on a GPU they are on their way when this returns."""
    here = torch.from_numpy(values)
    return here if device == "cpu" else here.pin_memory().to(device, non_blocking=True)


def fastest_precision(job: TrainingJob) -> str:
    """The precision for a job: fp32 for the paper's recipe, else the faster one by trial.

    A processor without bfloat16 of its own would be slower by orders of magnitude with it.
    """
    if job.recipe.optimiser == "sgd":
        return "fp32"
    return plan_device(build_network(job.spec()).eval(), job.device, to_train=True).precision


def seconds_per_step(job: TrainingJob) -> float:
    """How long an optimiser step takes here and now, without the making of its crops."""
    learner = new_learner(job.spec(), job.recipe, job.start, job.device)
    side = job.recipe.crop_px
    learner.network.train()
    channels = colour_input(job.recipe.input).channels
    shape = (job.recipe.batch, side, side)
    batch = Batch(np.zeros((*shape, channels), np.float32), np.zeros(shape, np.float32))
    float(_step(batch, learner, job))  # the first one sets up memory
    began = time.perf_counter()
    for _ in range(TIMED_STEPS):
        float(_step(batch, learner, job))
    return (time.perf_counter() - began) / TIMED_STEPS


def _is_looked_at(epoch: int, job: TrainingJob) -> bool:
    return (epoch + 1) % job.look_every == 0 or epoch + 1 == job.recipe.epochs
