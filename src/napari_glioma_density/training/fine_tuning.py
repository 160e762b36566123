"""A new model from a trained one and a few annotated fields, and whether it became better."""

import dataclasses
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei.kept_metrics import slides_learnt
from napari_glioma_density.nuclei.registry import Model, find_model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.weights import read_spec
from napari_glioma_density.training.before_after import BeforeAfter, before_after
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import DataSet, Field
from napari_glioma_density.training.evaluation import FieldScore, evaluate, summarise
from napari_glioma_density.training.field_split import FieldSplit, given_split, split_fields
from napari_glioma_density.training.fine_tuning_plan import (
    FEWEST_EPOCHS,
    Time,
    is_begun,
    planned_training,
)
from napari_glioma_density.training.held_fields import held
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import FINE_TUNING
from napari_glioma_density.training.separation import refuse_learnt, refuse_repeats
from napari_glioma_density.training.trainer import train

OnEpoch = Callable[[dict[str, Any]], None]
TOO_SHORT: Final = (
    "to score %d fields takes %.1f minutes, before and after: longer than the %g minutes that were "
    "given; %d epochs are learnt"
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FineTuneJob:
    """What a model is to learn.

    Attributes
    ----------
    parent
        The model to go on from; it stays as it is.
    weights
        ``NAME.safetensors`` to write; see :func:`check_new`.
    data
        Sets parted into fields to learn from and fields to check by, unless ``check`` is given.
    base
        Sets to learn from besides, drawn as often as ``data`` all together.
    guard
        Sets of other tissue, on which it shows whether the model has forgotten something.
    check
        Sets to check by instead of a part of ``data``.
    minutes
        The longest that it may take, on this machine as busy as it is. However short that is, all
        check and guard fields are scored before and after, and ``fine_tuning_plan.FEWEST_EPOCHS``
        are learnt.
    epochs
        Of ``fine_tuning_plan.EPOCH_STEPS`` steps; none: those of the recipe, or fewer when time
        is short.
    seed
        The same seed and epochs give the same weights on one machine.
    """

    parent: Model
    weights: Path
    data: tuple[DataSet, ...]
    base: tuple[DataSet, ...] = ()
    guard: tuple[DataSet, ...] = ()
    check: tuple[DataSet, ...] = ()
    minutes: float = 8.0
    epochs: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class FineTuned:
    """A new model and what became of the parent's scores."""

    model: Model
    parent: str
    """Name of the parent and the beginning of its SHA-256."""
    split: FieldSplit
    table: tuple[BeforeAfter, ...]
    """The check fields first, then each guard set."""
    epochs: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """What ``fine-tune --json`` prints."""
        return {
            "name": self.model.name,
            "weights": str(self.model.path),
            "sha256": self.model.sha256,
            "parent": self.parent,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "split": self.split.as_dict(),
            "before_after": [dataclasses.asdict(one) for one in self.table],
            "forgotten": [one.name for one in self.table[1:] if one.has_forgotten()],
        }


def fine_tune(job: FineTuneJob, on_epoch: OnEpoch = lambda _: None) -> FineTuned:
    """Make the new model and compare it with its parent.

    Killed or stopped and called again with the same job, it goes on where it was. Beside the
    weights lie ``.log.json``, replaced whole after every epoch: a list of the entries that
    ``on_epoch`` gets, see :func:`trainer.train`, whose ``validation`` holds ``check`` and
    ``guard <name>`` for each guard set, at the parent's thresholds; ``.log.csv`` and
    ``.curves.png``; and at the end ``.metrics.json``, the child's scores and under
    ``fine_tuning`` what :meth:`FineTuned.as_dict` gives, with all that it and its forebears have
    ``learnt``, and of which ``slides``.

    Raises
    ------
    DataSetError
        When a field cannot be read, or shows tissue that another one shows.
    BadInput
        When a model of that name is there, when no field can be spared to check by, or when the
        parent has learnt from what is to check.
    ModelError
        When the disk refuses, or the parent's file is damaged.
    """
    began = time.perf_counter()
    check_new(job.weights)
    # Not those that guard: forgetting shows on what the parent knows by heart, too.
    refuse_learnt(job.check, job.parent.learnt, job.parent.name)
    digests = refuse_repeats([*job.data, *job.base, *job.check, *job.guard])
    split = _split(job, digests)
    with held(split) as steady:
        tuned, scores, precision = _learn_and_compare(job, steady, on_epoch, began)
    tuned = dataclasses.replace(tuned, split=split)
    learnt = {"learnt": _learnt(job, split, digests), "slides": _slides(job, split)}
    _write_metrics(tuned, scores, precision, learnt)
    return dataclasses.replace(tuned, model=find_model(job.weights))  # with its metrics


def _learn_and_compare(
    job: FineTuneJob, split: FieldSplit, on_epoch: OnEpoch, began: float
) -> tuple[FineTuned, list[FieldScore], str]:
    """The child, its scores of every judged field, and the precision it was judged in."""
    sets = _judged_sets(job, split)
    segmenter = load_segmenter(job.parent.path)
    before = list(evaluate(sets, segmenter))
    looking = time.perf_counter() - began
    there_is = Time(began + 60 * job.minutes - looking, looking / len(before))
    if job.epochs is None and not there_is.left():
        logger.warning(TOO_SHORT, len(before), looking / 60, job.minutes, FEWEST_EPOCHS)
    training = planned_training(
        job.parent, job.weights, (split.learn, job.base), sets, there_is, job.epochs, job.seed
    )
    if not _is_made(training, job.epochs):
        _train(training, on_epoch)
    child = segmenter_like(segmenter, training.weights)
    after = list(evaluate(sets, child))
    tuned = FineTuned(
        find_model(training.weights),
        training.spec().parent,
        split,
        tuple(before_after(one.name, _of(one, before), _of(one, after)) for one in sets),
        len(_log(training.weights)),
        time.perf_counter() - began,
    )
    return tuned, after, child.precision


def check_new(weights: Path) -> None:
    """Refuse a place where a model is; one that was stopped before its comparison is none yet.

    Raises
    ------
    BadInput
        When there is one.
    """
    if not weights.exists():
        return
    judged = weights.with_suffix(".metrics.json").exists()
    if judged or read_spec(weights).recipe != FINE_TUNING.name:
        raise BadInput(
            f"{weights.stem}: there is a model of that name; choose another name, or remove it"
        )


def segmenter_like(other: NetworkSegmenter, weights: Path) -> NetworkSegmenter:
    """Weights on the device and in the precision of another model, so that they compare."""
    return load_segmenter(weights, other.device, other.precision)


def _is_made(training: TrainingJob, epochs: int | None) -> bool:
    """Whether the weights are there already, of as many epochs where a number is asked for."""
    weights = training.weights
    if not weights.exists() or checkpoint_path(weights).exists():  # the log is the latter's
        return False
    made, log = read_spec(weights), _log(weights)
    is_same = made == training.spec().with_(  # but for what the training found
        threshold=made.threshold, other_organs_threshold=made.other_organs_threshold
    )
    return is_same and bool(log) and epochs in (None, log[-1].get("epochs"))


def _log(weights: Path) -> list[dict[str, Any]]:
    """One entry an epoch learnt; empty where none can be read."""
    try:
        log = json.loads(weights.with_suffix(".log.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    is_log = isinstance(log, list) and all(isinstance(entry, dict) for entry in log)
    return log if is_log else []


def _train(training: TrainingJob, on_epoch: OnEpoch) -> None:
    weights = training.weights
    if not is_begun(training):  # what another run has left would be taken for this one's
        checkpoint_path(weights).unlink(missing_ok=True)
        weights.with_suffix(".log.json").unlink(missing_ok=True)
    train(training, on_epoch)


def _split(job: FineTuneJob, digests: dict[Path, str]) -> FieldSplit:
    if job.check:
        return given_split(job.data, job.check)
    return split_fields(job.data, job.seed, digests, job.parent.learnt.pictures)


def _learnt(job: FineTuneJob, split: FieldSplit, digests: dict[Path, str]) -> list[str]:
    """Digests of all fields that the child and its forebears learnt from, as far as known."""
    own = {digests[field.image] for field in _taught(job, split)}
    return sorted(own | job.parent.learnt.pictures)


def _slides(job: FineTuneJob, split: FieldSplit) -> list[str]:
    """Pseudonyms of the slides that the child and its forebears were fine-tuned on."""
    own = {field.place.pseudonym for field in _taught(job, split) if field.place}
    return sorted(own | (slides_learnt(job.parent.metrics) or frozenset()))


def _taught(job: FineTuneJob, split: FieldSplit) -> Iterator[Field]:
    return (field for one in (*split.learn, *job.base) for field in one)


def _judged_sets(job: FineTuneJob, split: FieldSplit) -> tuple[DataSet, ...]:
    """The check fields, and every guard set under a name of its own."""
    names: list[str] = []
    for one in job.guard:
        name = f"guard {one.name}"
        names.append(f"{name} {one.folder}" if name in names else name)
    guards = zip(job.guard, names, strict=True)
    return split.check, *(dataclasses.replace(one, name=name) for one, name in guards)


def _of(data_set: DataSet, scores: Sequence[FieldScore]) -> list[FieldScore]:
    return [one for one in scores if one.data_set is data_set]


def _write_metrics(
    tuned: FineTuned,
    scores: Sequence[FieldScore],
    precision: str,
    learnt: dict[str, list[str]],
) -> None:
    """As ``evaluate --json`` prints scores, so that the child is listed as any model."""
    rows, pooled = summarise(scores)
    metrics = {
        "model": tuned.model.name,
        "sha256": tuned.model.sha256,
        "precision": precision,
        "data_sets": rows,
        "pooled": pooled,
        "fine_tuning": {**tuned.as_dict(), **learnt},
    }
    path = tuned.model.path.with_suffix(".metrics.json")
    try:
        text = json.dumps(metrics, ensure_ascii=False, indent=1)
        write_atomically(path, text.encode("utf-8", "replace"))  # files may have any name
    except OSError as error:
        raise ModelError(
            f"{path.name}: cannot be written ({error.strerror}); free disk space and run again"
        ) from error
