"""``glioma-density train``: a network from annotated nuclei."""

import dataclasses
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, print_json
from napari_glioma_density.errors import BadInput


def train(
    data: Annotated[list[Path], typer.Option(help="A data set to learn from.")],
    model: Annotated[str, typer.Option(help="The network: unet or unet-dropblock.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="WEIGHTS.safetensors to write.")],
    validation: Annotated[
        list[Path] | None, typer.Option(help="A data set to check against, never learnt from.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="paper or default.")] = "default",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    base_width: Annotated[int, typer.Option(help="Channels at full size.")] = 16,
    seed: Annotated[int, typer.Option(help="The same seed gives the same weights.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a network; killed and called again, it goes on where it was."""
    from napari_glioma_density.nuclei.networks import ARCHITECTURES
    from napari_glioma_density.nuclei.weights import sha256_of
    from napari_glioma_density.training import trainer
    from napari_glioma_density.training.dataset import open_data_set
    from napari_glioma_density.training.recipe import recipe_named

    if model not in ARCHITECTURES:
        raise BadInput(f"{model}: no such network; choose one of: {', '.join(ARCHITECTURES)}")
    if output.suffix != ".safetensors":
        raise BadInput(f"{output}: weights are safetensors; name a file ending in .safetensors")
    if (epochs is not None and epochs < 1) or base_width < 1:
        raise BadInput("--epochs and --base-width must be at least 1")
    chosen = recipe_named(recipe)
    job = trainer.TrainingJob(
        architecture=model,
        base_width=base_width,
        recipe=dataclasses.replace(chosen, epochs=epochs or chosen.epochs),
        seed=seed,
        data=tuple(open_data_set(folder) for folder in data),
        validation=tuple(open_data_set(folder) for folder in validation or ()),
        weights=output,
    )
    job = dataclasses.replace(job, precision=trainer.fastest_precision(job))
    spec = trainer.train(job, _print_epoch)
    if as_json:
        print_json({"weights": str(output), "sha256": sha256_of(output), **_spec_fields(spec)})


def _spec_fields(spec: Any) -> dict[str, Any]:
    return {**dataclasses.asdict(spec), "trained_on": list(spec.trained_on)}


def _print_epoch(entry: dict[str, Any]) -> None:
    f1 = "  ".join(f"{name} {s['f1']:.3f}" for name, s in entry.get("validation", {}).items())
    sys.stderr.write(
        f"epoch {entry['epoch']}/{entry['epochs']}  loss {entry['loss']:.4f}  "
        f"{entry['seconds_left'] / 60:.0f} min left{'  F1: ' if f1 else ''}{f1}\n"
    )
