"""``glioma-density fine-tune``: a model that learns from corrected fields."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, Seed, print_epoch, print_json, remark, say
from napari_glioma_density.cli.specimens import tell_of_other_organs
from napari_glioma_density.cli.terminating import stopped_by_terminate
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from napari_glioma_density.training.fine_tuning import FineTuned

Folders = list[Path] | None


def fine_tune(
    data: Annotated[
        list[Path],
        typer.Option(help="Annotated fields: some to learn from, the others to check by."),
    ],
    name: Annotated[str, typer.Option(help="Name of the new model.")],
    parent: Annotated[
        str,
        typer.Option("--from", "--parent", help="The model to go on from; it is left as it is."),
    ] = "fast",
    base: Annotated[
        Folders, typer.Option(help="A further data set to learn from, so that less is forgotten.")
    ] = None,
    guard: Annotated[
        Folders,
        typer.Option(help="A data set not learnt from, which shows what was forgotten."),
    ] = None,
    check: Annotated[
        Folders, typer.Option(help="A data set to check by, instead of a third of --data.")
    ] = None,
    minutes: Annotated[
        float,
        typer.Option(
            help="The longest that it may take. However short it is, all fields are scored before "
            "and after, and two epochs are learnt."
        ),
    ] = 8.0,
    epochs: Annotated[
        int | None, typer.Option(help="Number of epochs, instead of as many as time allows.")
    ] = None,
    seed: Seed = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="NAME.safetensors outside of your models' folder."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fine-tune a model on a few annotated fields; called again after a stop, it goes on.

    The table tells what became of F1, precision, recall and density error, with 95 % intervals,
    on fields that the new model did not learn from.
    """
    from napari_glioma_density.nuclei.registry import find_model
    from napari_glioma_density.training import fine_tuning
    from napari_glioma_density.training.dataset import open_data_set
    from napari_glioma_density.training.weights_file import check_weights_file, check_weights_name

    weights = _weights(name, output)
    check_weights_name(weights)
    if not 0 < minutes < float("inf"):
        raise BadInput(f"--minutes {minutes}: must be more than 0")
    if epochs is not None and epochs < 1:
        raise BadInput(f"--epochs {epochs}: must be at least 1")
    fine_tuning.check_new(weights)
    model = find_model(parent)
    data_sets, bases, guards, checks = (
        tuple(open_data_set(folder) for folder in given or ())
        for given in (data, base, guard, check)
    )
    check_weights_file(weights)
    if not as_json:  # a program takes the last line it cannot read for what went wrong
        tell_of_other_organs([*data_sets, *checks, *guards], model.spec)
    job = fine_tuning.FineTuneJob(
        model, weights, data_sets, bases, guards, checks, minutes, epochs, seed
    )
    with stopped_by_terminate():
        tuned = fine_tuning.fine_tune(job, _print_json_line if as_json else _print_epoch)
    if as_json:
        print_json(tuned.as_dict())
    else:
        say(_told(tuned))


def _weights(name: str, output: Path | None) -> Path:
    from napari_glioma_density.nuclei.registry import is_shipped, user_models_folder

    if not name.strip() or name.startswith(".") or set(name) & set('/\\:*?"<>|'):
        raise BadInput(f"--name {name!r}: is no name for a file; use letters, digits, - and _")
    if is_shipped(name):
        raise BadInput(f"--name {name}: comes with the program and stays; choose another name")
    if output is None:
        return user_models_folder() / f"{name}.safetensors"
    if output.stem != name:
        raise BadInput(f"{output}: a model is called as its file; name it {name}.safetensors")
    return output


def _print_epoch(entry: dict[str, Any]) -> None:
    seconds = entry["seconds_left"]
    print_epoch(entry, f"{seconds:.0f} s left" if seconds > 0 else "scoring it now")


def _print_json_line(entry: dict[str, Any]) -> None:
    remark(f"{json.dumps(entry)}\n")


def _told(tuned: "FineTuned") -> str:
    from napari_glioma_density.cli.before_after_table import before_after_table

    split = tuned.split
    learnt = sum(map(len, split.learn))
    lines = [
        f"{tuned.model.name}, from {tuned.parent}: learnt from {learnt} fields in "
        f"{tuned.epochs} epochs and {tuned.seconds / 60:.1f} minutes. Check: {split.words}.",
        before_after_table(tuned.table),
    ]
    lines += [
        f"{one.name}: F1 fell by a point or more; give base data with --base, or keep the parent."
        for one in tuned.table[1:]
        if one.has_forgotten()
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)
