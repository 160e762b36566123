"""Models as parents of new ones; those of the user's can be removed."""

from dataclasses import dataclass
from pathlib import Path

from napari_glioma_density.ui.models import ModelChoice, list_models


@dataclass(frozen=True)
class Parent:
    """A model to go on from; `own` says that it is the user's, not shipped."""

    model: ModelChoice
    own: bool


def list_parents() -> tuple[Parent, ...]:
    """List the models, the default first; slow, because torch comes with it."""
    from napari_glioma_density.nuclei.registry import is_shipped

    return tuple(Parent(model, not is_shipped(model.name)) for model in list_models())


def remove_model(name: str) -> str:
    """Delete a model of the user's and return its name.

    Raises
    ------
    BadInput
        When it is shipped, not there, or cannot be deleted.
    """
    from napari_glioma_density.nuclei import registry

    registry.remove_model(name)
    return name


def log_of(name: str) -> Path:
    """Return the log that a training of this name writes."""
    from napari_glioma_density.nuclei.registry import user_models_folder

    return user_models_folder() / f"{name}.log.json"
