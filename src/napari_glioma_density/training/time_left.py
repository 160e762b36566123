"""How long a training run still takes, and whether another epoch fits into its time."""

from collections.abc import Sequence
from typing import Any

from napari_glioma_density.training.job import TrainingJob

Log = Sequence[dict[str, Any]]


def is_time_for_another(log: Log, job: TrainingJob) -> bool:
    """Whether another epoch, as long as the last ones, ends in time; the fewest are always done."""
    if len(log) < job.fewest_epochs:
        return True
    return _spent(log) + (_an_epoch(log, job) if log else 0.0) <= job.most_seconds


def seconds_left(log: Log, job: TrainingJob) -> float:
    """Seconds until the run has learnt what it will learn, by its last epochs; 0 after the last."""
    if not is_time_for_another(log, job):
        return 0.0
    to_come, needed = (
        _an_epoch(log, job) * (n - len(log)) for n in (job.recipe.epochs, job.fewest_epochs)
    )
    return min(to_come, max(0.0, needed, job.most_seconds - _spent(log)))


def _an_epoch(log: Log, job: TrainingJob) -> float:
    """Mean of the last epochs, one that is looked at among them."""
    recent = log[-job.look_every :]
    return _spent(recent) / len(recent)


def _spent(log: Log) -> float:
    return sum(float(entry["seconds"]) for entry in log)
