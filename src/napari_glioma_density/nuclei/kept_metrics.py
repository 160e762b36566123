"""Where weights are kept, and the scores beside them; read without PyTorch."""

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from platformdirs import user_data_path

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.json_object import json_object

METRICS: Final = ".metrics.json"
WEIGHTS: Final = ".safetensors"
_TUNING: Final = "fine_tuning"
_OF_ONE_CALL: Final = ("images", "pictures")
"""Rows of single images and paths of pictures: of the call, not of the model."""


def user_models_folder() -> Path:
    """Folder in which weights written by the user are found by name."""
    return user_data_path("glioma-density", appauthor=False) / "models"


def shipped_models_folder() -> Path:
    """Folder of the weights that come with the program."""
    return Path(str(files("napari_glioma_density.nuclei") / "models"))


def is_shipped(name: str) -> bool:
    """Whether a model of this name comes with the program."""
    return (shipped_models_folder() / f"{name}{WEIGHTS}").is_file()


def title_of(name: str) -> str:
    """Return a model's name as people read it: shipped ones have a capital.

    Commands, and tables that they read, have the name that ``--model`` takes.
    """
    return name.capitalize() if is_shipped(name) else name


def metrics_of(weights_sha256: str) -> dict[str, Any] | None:
    """Return the scores kept for weights, as ``evaluate --json`` printed them.

    Returns
    -------
    dict | None
        None when no scores are kept for weights of this SHA-256.

    Raises
    ------
    ModelError
        When they are not found and a file of scores, which may hold them, cannot be read.
    """
    fault: ModelError | None = None
    for path in _metrics_files():
        try:
            kept = read_metrics(path)
        except ModelError as error:
            fault = error
        else:
            if kept.get("sha256") == weights_sha256:
                return kept
    if fault is not None:
        raise fault
    return None


def learnt_pictures(weights_sha256: str) -> frozenset[str]:
    """Return the digests of the fields that weights were fine-tuned on; ModelError as above."""
    kept = metrics_of(weights_sha256) or {}
    return frozenset(kept.get(_TUNING, {}).get("learnt", ()))


def slides_learnt(metrics: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the pseudonyms of the slides that a model was fine-tuned on, by its scores.

    None for a model that was not. Scores of earlier versions know the last round of it alone.
    """
    tuning = metrics.get(_TUNING)
    if tuning is None:
        return None
    pictures = tuning.get("split", {}).get("learn", ())
    return frozenset(tuning.get("slides", (name.rpartition("-r")[0] for name in pictures)))


def read_metrics(path: Path) -> dict[str, Any]:
    """Read a file of scores; empty when there is none, ModelError when it is no JSON object."""
    if not path.is_file():
        return {}
    try:
        return json_object(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path.name}: not readable as JSON ({error}); delete it") from error


def keep_metrics(path: Path, metrics: Mapping[str, Any]) -> None:
    """Write what ``evaluate`` prints to a file, without paths and rows of images, whole or not.

    What the file says of how these weights were fine-tuned stays in it.

    Raises
    ------
    BadInput
        When the file cannot be written.
    ModelError
        When what is there cannot be read.
    """
    kept = {name: value for name, value in metrics.items() if name not in _OF_ONE_CALL}
    before = read_metrics(path)
    if _TUNING in before and before.get("sha256") == metrics["sha256"]:
        kept[_TUNING] = before[_TUNING]
    kept["data_sets"] = [
        {name: value for name, value in one.items() if name != "folder"}
        for one in metrics["data_sets"]
    ]
    _write_metrics(path, kept)


def hand_on_tuning(known: Mapping[str, Any], path: Path, sha256: str) -> None:
    """Write what scores say of how weights were fine-tuned beside a copy that is used otherwise.

    The scores themselves are not copied, because they are not those of the copy. A file of scores
    that the copy already has is left alone, and nothing is written for weights that were never
    fine-tuned.

    Parameters
    ----------
    known
        Scores of the weights.
    path, sha256
        Where those of the copy belong, and the digest of the copy.

    Raises
    ------
    BadInput
        When the file cannot be written.
    ModelError
        When what is there cannot be read.
    """
    if _TUNING not in known or read_metrics(path).get("sha256") == sha256:
        return
    name = path.name.removesuffix(METRICS)
    kept = {"model": name, "sha256": sha256, "data_sets": [], _TUNING: known[_TUNING]}
    _write_metrics(path, kept)


def _write_metrics(path: Path, kept: Mapping[str, Any]) -> None:
    try:
        write_atomically(path, json.dumps(kept, indent=1).encode())
    except OSError as error:
        raise BadInput(
            f"{path.name}: cannot be written beside the weights ({error.strerror}); "
            "copy the weights to a folder of yours"
        ) from error


def _metrics_files() -> Iterator[Path]:
    for folder in (shipped_models_folder(), user_models_folder()):
        if folder.is_dir():
            yield from sorted(folder.glob(f"*{METRICS}"))
