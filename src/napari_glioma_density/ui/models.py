"""The models at hand, in the words of the screen."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class ModelChoice:
    """A model as the dock offers it."""

    name: str
    title: str
    about: str
    learnt_from: tuple[str, ...] | None = None
    """Fields that it was fine-tuned on, by the names of their files; None when it was not."""

    def is_tuned_elsewhere(self, pseudonym: str) -> bool:
        """Whether it was fine-tuned, and on no field of this slide."""
        if self.learnt_from is None:
            return False
        return not any(name.startswith(f"{pseudonym}-r") for name in self.learnt_from)


ListModels = Callable[[], tuple[ModelChoice, ...]]


def list_models() -> tuple[ModelChoice, ...]:
    """List the models, the default first; slow, because torch comes with it."""
    from napari_glioma_density.nuclei import registry
    from napari_glioma_density.nuclei.networks.unet import patch_gflop

    return tuple(
        ModelChoice(
            name=model.name,
            title=model.name.capitalize() if registry.is_shipped(model.name) else model.name,
            about=f"{model.spec.title}; {patch_gflop(model.spec):.0f} GFLOP a patch",
            learnt_from=_learnt_from(model.metrics),
        )
        for model in registry.list_models()
    )


def _learnt_from(metrics: Mapping[str, Any]) -> tuple[str, ...] | None:
    tuning = metrics.get("fine_tuning")
    return None if tuning is None else tuple(tuning.get("split", {}).get("learn", ()))


def warm_up() -> None:
    """Import what the first slide and the first estimate need, so that they need not wait."""
    for slow in ("dask.array", "pandas", "napari_glioma_density.estimate"):  # layers need pandas
        import_module(slow)
