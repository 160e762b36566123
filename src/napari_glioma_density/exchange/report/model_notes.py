"""What is known of the model that a run was made with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_glioma_density.errors import ModelError
from napari_glioma_density.findings.validation import scores_named
from napari_glioma_density.nuclei.kept_metrics import (
    metrics_of,
    shipped_models_folder,
    user_models_folder,
)
from napari_glioma_density.results import RunSpec

_CARD = ".md"


@dataclass(frozen=True)
class Score:
    """Scores on one data set, 0–1; density figures in points. None where they were not kept."""

    name: str
    fields: int | None
    f1: float | None
    precision: float | None
    recall: float | None
    density_mae: float | None
    density_bias: float | None


@dataclass(frozen=True)
class ModelNotes:
    """Scores and card of a model, both empty when the very weights are not installed here."""

    scores: tuple[Score, ...] = ()
    card: str = ""


def model_notes(spec: RunSpec) -> ModelNotes:
    """Look up what is kept for the weights of a run, by their hash.

    Raises
    ------
    ModelError
        When a file of scores, or the card, cannot be read.
    """
    metrics = metrics_of(spec.weights_sha256)
    if metrics is None:
        return ModelNotes()
    cards = (
        folder / f"{metrics.get('model', spec.model)}{_CARD}"
        for folder in (shipped_models_folder(), user_models_folder())
    )
    card = next((_text(path) for path in cards if path.is_file()), "")
    with scores_named(metrics):
        return ModelNotes(tuple(_score(each) for each in metrics.get("data_sets", ())), card)


def _text(card: Path) -> str:
    try:
        return card.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ModelError(f"{card}: is no UTF-8: save it as UTF-8, or delete it") from error
    except OSError as error:
        raise ModelError(
            f"{card}: cannot be read ({error.strerror}): check it, or delete it"
        ) from error


def _score(values: Mapping[str, Any]) -> Score:
    names = ("f1", "precision", "recall", "density_mae", "density_bias")
    fields = values.get("nucleus_count", {}).get("fields")
    stated = {name: values.get(name) for name in names}
    scores = {name: None if score is None else float(score) for name, score in stated.items()}
    number = None if fields is None else int(fields)
    return Score(name=str(values.get("name", "")), fields=number, **scores)
