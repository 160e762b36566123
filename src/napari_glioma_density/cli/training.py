"""``glioma-density train``: a network from annotated nuclei."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from napari_glioma_density.cli.console import AsJson, Seed, print_epoch, print_json, remark
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from napari_glioma_density.nuclei.spec import ModelSpec
    from napari_glioma_density.training.dataset import DataSet
    from napari_glioma_density.training.recipe import Recipe
    from napari_glioma_density.training.starting_point import StartingPoint

_BASE_WIDTH: Final = 16


def train(
    data: Annotated[list[Path], typer.Option(help="A data set to learn from.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="WEIGHTS.safetensors to write.")],
    model: Annotated[
        str | None, typer.Option(help="The network: unet or unet-dropblock; not with --from.")
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option("--from", help="A model whose weights to begin with, not random ones."),
    ] = None,
    validation: Annotated[
        list[Path] | None, typer.Option(help="A data set to check against, never learnt from.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="paper or default.")] = "default",
    epochs: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Instead of the recipe's.")] = None,
    base_width: Annotated[
        int | None,
        typer.Option(help="Channels at full size: 16, or as many as --from has, or more."),
    ] = None,
    magnify: Annotated[
        bool,
        typer.Option("--magnify", help="Show it pictures enlarged by 4/3: finer outlines."),
    ] = False,
    seed: Seed = 0,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FACTOR", help="Draw a data set that many times as often; repeatable."
        ),
    ] = None,
    um_per_px: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=NUMBER", help="µm/px of a data set whose manifest is wrong; repeatable."
        ),
    ] = None,
    keep_all: Annotated[
        bool, typer.Option(help="Learn from blurred, inked, folded and empty fields as well.")
    ] = False,
    device: Annotated[
        str, typer.Option(help="auto, cpu or cuda: auto takes a CUDA GPU where there is one.")
    ] = "auto",
    drop_rate: Annotated[
        float | None, typer.Option(help="R_drop of DropBlock instead of the recipe's, 0 to 1.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a network; called again after a stop, it goes on where it was."""
    from napari_glioma_density.estimate.processes import processes_beside
    from napari_glioma_density.nuclei.weights import sha256_of
    from napari_glioma_density.training import trainer
    from napari_glioma_density.training.dataset import open_data_set
    from napari_glioma_density.training.job import TrainingJob
    from napari_glioma_density.training.separation import refuse_learnt, refuse_shared_images
    from napari_glioma_density.training.set_numbers import at_resolutions, set_weights
    from napari_glioma_density.training.weights_file import check_weights_file, check_weights_name

    start = _start(parent, model)
    architecture, width = _network(start, model, base_width)
    if drop_rate is not None and not architecture.endswith("-dropblock"):
        raise BadInput(f"--drop-rate: {architecture} has no DropBlock; use --model unet-dropblock")
    chosen = _recipe(recipe, epochs, learning_rate, drop_rate)
    place = _device(device)
    check_weights_name(output)
    if start is not None and output.resolve() == start.path.resolve():
        raise BadInput(f"{output}: is left as it is; name another file as --output")
    learnt = at_resolutions(um_per_px or (), [open_data_set(folder) for folder in data])
    checked = [open_data_set(folder) for folder in validation or ()]
    if start is not None:
        refuse_learnt(checked, start.learnt, start.spec.name)
    data_weights = set_weights(weight or (), learnt)
    refuse_shared_images(learnt, checked)
    check_weights_file(output)
    kept, left_out = _cleaned(learnt, output, keep_all)
    job = TrainingJob(
        architecture=architecture,
        base_width=width,
        recipe=chosen if start is None else chosen.going_on_from(start.spec),
        seed=seed,
        data=tuple(kept),
        validation=tuple(checked),
        weights=output,
        data_weights=data_weights,
        device=place,
        workers=processes_beside(2) if place == "cuda" else 0,
        start=start,
        drop_rate=drop_rate,
        magnified=magnify,
    )
    job = dataclasses.replace(job, precision=trainer.fastest_precision(job))
    spec = trainer.train(job, _print_epoch)
    _say_research_only(learnt)
    if as_json:
        written = {"weights": str(output), "sha256": sha256_of(output), "left_out": left_out}
        print_json({**written, **dataclasses.asdict(spec)})


def _start(parent: str | None, model: str | None) -> "StartingPoint | None":
    from napari_glioma_density.nuclei.registry import find_model
    from napari_glioma_density.training.starting_point import StartingPoint

    if parent is None:
        return None
    if model is not None:
        raise BadInput(f"--model: the network is that of --from {parent}; leave --model out")
    return StartingPoint.of(find_model(parent))


def _network(
    start: "StartingPoint | None", model: str | None, base_width: int | None
) -> tuple[str, int]:
    """Architecture and base width of the network to be."""
    from napari_glioma_density.nuclei.networks import ARCHITECTURES
    from napari_glioma_density.nuclei.spec import LARGEST_BASE_WIDTH

    if base_width is not None and not 1 <= base_width <= LARGEST_BASE_WIDTH:
        raise BadInput(f"--base-width {base_width}: must be between 1 and {LARGEST_BASE_WIDTH}")
    if start is not None:
        return start.spec.architecture, _no_narrower(start.spec, base_width)
    if model is None:
        raise BadInput(f"--model: say which network, or --from; one of: {', '.join(ARCHITECTURES)}")
    if model not in ARCHITECTURES:
        raise BadInput(f"{model}: no such network; choose one of: {', '.join(ARCHITECTURES)}")
    return model, _BASE_WIDTH if base_width is None else base_width


def _no_narrower(parent: "ModelSpec", base_width: int | None) -> int:
    """A base width with room for what the parent knows."""
    if base_width is None:
        return parent.base_width
    if base_width < parent.base_width:
        raise BadInput(
            f"--base-width {base_width}: {parent.name} has {parent.base_width} channels, and none "
            f"can be left out; give {parent.base_width} or more"
        )
    return base_width


def _device(asked: str) -> str:
    """Where to train: Apple's MPS is left out, for auto too."""
    from napari_glioma_density.nuclei.device import choose_device

    if asked == "mps":
        raise BadInput("mps: networks are trained on a processor or a CUDA GPU; use --device cpu")
    chosen = choose_device(asked)
    return chosen if chosen == "cuda" else "cpu"


def _recipe(
    name: str, epochs: int | None, learning_rate: float | None, drop_rate: float | None
) -> "Recipe":
    from napari_glioma_density.training.recipe import recipe_named

    if epochs is not None and epochs < 1:
        raise BadInput(f"--epochs {epochs}: must be at least 1")
    if learning_rate is not None and not 0 < learning_rate < 1:
        raise BadInput(f"--learning-rate {learning_rate}: must be above 0 and below 1")
    if drop_rate is not None and not 0 <= drop_rate < 1:
        raise BadInput(f"--drop-rate {drop_rate}: must be at least 0 and below 1")
    asked = {"epochs": epochs, "learning_rate": learning_rate, "drop_rate": drop_rate}
    changes: dict[str, Any] = {n: value for n, value in asked.items() if value is not None}
    return dataclasses.replace(recipe_named(name), **changes)


def _cleaned(
    data_sets: Sequence["DataSet"], weights: Path, keep_all: bool
) -> tuple[list["DataSet"], int]:
    """The data sets without fields that would teach nonsense; a report lies beside the weights."""
    from napari_glioma_density.training.cleaning import clean, summarise_dropped, write_dropped

    parted = [(one, ()) if keep_all else clean(one) for one in data_sets]
    dropped = [field for _, of_set in parted for field in of_set]
    report = weights.with_suffix(".dropped.csv")
    write_dropped(report, dropped)
    if not any(len(kept) for kept, _ in parted):
        raise BadInput(
            f"{report}: every field was left out, it says why; mend the data, or --keep-all"
        )
    if dropped:
        told = summarise_dropped(dropped, sum(map(len, data_sets)))
        remark(f"{told}; see {report}\n")
    return [kept for kept, _ in parted], len(dropped)


def _say_research_only(data_sets: Sequence["DataSet"]) -> None:
    forbidding = [one.name for one in data_sets if not one.ships_weights]
    if forbidding:
        remark(
            f"research only: trained on {', '.join(forbidding)}, "
            f"which {'does' if len(forbidding) == 1 else 'do'} not allow weights to ship\n"
        )


def _print_epoch(entry: dict[str, Any]) -> None:
    print_epoch(entry, f"{entry['seconds_left'] / 60:.0f} min left")
