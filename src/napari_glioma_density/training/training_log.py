"""What a training run leaves beside its weights: a log as JSON and CSV, and a picture of it."""

import csv
import io
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import ModelError
from napari_glioma_density.training.learning_curves import draw_learning_curves

logger = logging.getLogger(__name__)

COLUMNS: Final = ("epoch", "loss", "learning_rate", "drop_rate", "gap", "seconds")
SCORES: Final = ("f1", "precision", "recall", "density_mae")

Log = Sequence[dict[str, Any]]


def write_log(weights: Path, log: Log) -> None:
    """Write ``<weights>.log.json`` and ``<weights>.log.csv``, each whole or not at all.

    Raises
    ------
    ModelError
        When the disk refuses.
    """
    for suffix, text in ((".log.json", json.dumps(log, indent=1)), (".log.csv", as_csv(log))):
        path = weights.with_suffix(suffix)
        try:
            write_atomically(path, text.encode())
        except OSError as error:
            raise ModelError(
                f"{path.name}: cannot be written ({error.strerror}); "
                "free disk space and run again: no epoch is lost"
            ) from error


def write_curves(weights: Path, log: Log) -> None:
    """Write ``<weights>.curves.png``; a failure is only a warning: no picture is worth a run."""
    path = weights.with_suffix(".curves.png")
    try:
        write_atomically(path, draw_learning_curves(log, weights.stem))
    except OSError as error:
        logger.warning("%s: not drawn (%s); free disk space", path.name, error.strerror)
    except Exception as error:  # matplotlib, its fonts and settings fail in ways of their own
        logger.warning("%s: not drawn (%s); the log holds the numbers", path.name, _first(error))
        logger.debug("where the picture failed", exc_info=error)


def _first(error: Exception) -> str:
    """What an error says, in one line."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def as_csv(log: Log) -> str:
    """One row an epoch; scores of validation sets are empty where nobody looked."""
    sets = dict.fromkeys(name for entry in log for name in entry.get("validation", {}))
    header = [*COLUMNS, *(f"{name}: {score}" for name in sets for score in SCORES)]
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(header)
    for entry in log:
        looked = entry.get("validation", {})
        scores = [looked.get(name, {}).get(score, "") for name in sets for score in SCORES]
        rows.writerow([*(entry.get(column, "") for column in COLUMNS), *scores])
    return table.getvalue()
