"""The models at hand, in the words of the screen."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from napari_glioma_density.findings.tuning import is_elsewhere
from napari_glioma_density.nuclei.kept_metrics import slides_learnt, title_of


@dataclass(frozen=True)
class ModelChoice:
    """A model as the dock offers it."""

    name: str
    title: str
    about: str
    tuned_on: frozenset[str] | None = None
    """Slides that it was fine-tuned on, by their pseudonyms; None when it was not."""

    def is_tuned_elsewhere(self, pseudonym: str) -> bool:
        """Whether it was fine-tuned, and on no field of this slide."""
        return is_elsewhere(self.tuned_on, pseudonym)


ListModels = Callable[[], tuple[ModelChoice, ...]]


def list_models() -> tuple[ModelChoice, ...]:
    """List the models, the default first; slow, because torch comes with it."""
    from napari_glioma_density.nuclei import registry
    from napari_glioma_density.nuclei.networks.unet import patch_gflop

    return tuple(
        ModelChoice(
            name=model.name,
            title=title_of(model.name),
            about=f"{model.spec.title}; {patch_gflop(model.spec):.0f} GFLOP a patch",
            tuned_on=slides_learnt(model.metrics),
        )
        for model in registry.list_models()
    )


def warm_up() -> None:
    """Import what the first slide and the first estimate need, so that they need not wait."""
    for slow in ("dask.array", "pandas", "napari_glioma_density.estimate"):  # layers need pandas
        import_module(slow)
