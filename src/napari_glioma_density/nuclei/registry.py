"""The models a user can choose: those shipped in the package and those of the user's folder."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei.kept_metrics import (
    METRICS,
    WEIGHTS,
    read_metrics,
    shipped_models_folder,
)
from napari_glioma_density.nuclei.kept_metrics import (
    is_shipped as is_shipped,  # re-exported
)
from napari_glioma_density.nuclei.kept_metrics import (
    user_models_folder as user_models_folder,  # re-exported
)
from napari_glioma_density.nuclei.learnt import Learnt
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import read_learnt, read_spec, sha256_of

DEFAULT_MODEL: Final = "fast"
_BESIDE: Final = (
    ".safetensors.checkpoint", METRICS, ".log.json", ".log.csv", ".curves.png",
    ".dropped.csv",
)  # fmt: skip
"""Endings of what training leaves beside weights, the name being the same."""


@dataclass(frozen=True)
class Model:
    """A model at hand: its spec, its weights file and what was measured of it."""

    spec: ModelSpec
    path: Path
    sha256: str
    metrics: dict[str, Any]
    """Scores by data set, as ``evaluate --json`` prints them; empty when none were kept."""

    @property
    def name(self) -> str:
        """The name ``--model`` takes."""
        return self.spec.name

    @property
    def default(self) -> bool:
        """Whether this model is used when none is named."""
        return self.name == DEFAULT_MODEL

    @property
    def learnt(self) -> Learnt:
        """What it and its forebears learnt from, as far as its file and what lies beside tell."""
        tuned_on: Iterable[str] = self.metrics.get("fine_tuning", {}).get("learnt", ())
        return read_learnt(self.path).and_from(tuned_on)


def list_models() -> tuple[Model, ...]:
    """All models that can be named, the default first.

    A damaged file in the user's folder raises an error; a model that silently went missing would be
    worse.

    Raises
    ------
    ModelError
        When a weights file cannot be read.
    """
    models = {path.stem: _model(path) for path in _weights_files()}
    return tuple(sorted(models.values(), key=lambda model: (not model.default, model.name)))


def find_model(name_or_path: str | Path = DEFAULT_MODEL) -> Model:
    """The model of a name in :func:`list_models` or, where none has it, of a weights file.

    Raises
    ------
    ModelError
        When there is neither such a name nor such a file, or the file is damaged.
    """
    named = {file.stem: file for file in _weights_files()}
    path = named.get(str(name_or_path), Path(name_or_path))
    if path.suffix != WEIGHTS and not path.is_file():
        known = ", ".join(sorted(named)) or "none is installed"
        raise ModelError(f"{name_or_path}: no such model; give a weights file or one of: {known}")
    return _model(path)


def remove_model(name: str) -> None:
    """Delete a model of the user's folder, and what training left beside it.

    Estimates made with it stay and keep its name. An unfinished training of that name is removed as
    well.

    Raises
    ------
    BadInput
        When the model is shipped, when there is none of that name in the user's folder, or when
        the disk refuses.
    """
    if is_shipped(name):
        raise BadInput(f"{name}: comes with the program and stays; only models of yours can go")
    folder = user_models_folder()
    if Path(name).name != name or not any(
        (folder / f"{name}{ending}").is_file() for ending in (WEIGHTS, _BESIDE[0])
    ):
        own = ", ".join(path.stem for path in _user_files()) or "there is none"
        raise BadInput(f"{name}: no model of yours has that name; name one of: {own}")
    try:
        # The weights go first: a model half removed must not be listed.
        for ending in (WEIGHTS, *_BESIDE):
            (folder / f"{name}{ending}").unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(
            f"{name}: cannot be removed ({error.strerror}); close programs that use it, try again"
        ) from error


def _weights_files() -> Iterator[Path]:
    """Shipped weights last, so that a file of the user's cannot pose as a shipped model."""
    yield from _user_files()
    yield from sorted(shipped_models_folder().glob(f"*{WEIGHTS}"))


def _user_files() -> Iterator[Path]:
    folder = user_models_folder()
    if folder.is_dir():
        yield from sorted(folder.glob(f"*{WEIGHTS}"))


def _model(path: Path) -> Model:
    spec = read_spec(path).with_(name=path.stem)
    sha256, metrics = sha256_of(path), read_metrics(path.with_suffix(METRICS))
    # Scores of other weights, which had this name before, say nothing of these.
    return Model(spec, path, sha256, metrics if metrics.get("sha256", sha256) == sha256 else {})
