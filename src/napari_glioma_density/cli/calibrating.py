"""``glioma-density calibrate``: the threshold and the views of trained weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, print_json, remark, say
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray


def calibrate(
    weights: Annotated[Path, typer.Argument(help="WEIGHTS.safetensors, left as it is.")],
    validation: Annotated[
        list[Path], typer.Option(help="A data set that the weights did not learn from.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="WEIGHTS.safetensors to write.")],
    weight: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FACTOR", help="Let a data set count for more; repeatable."),
    ] = None,
    views: Annotated[
        int | None, typer.Option(help="1, 2, 4 or 8 turned and flipped copies, averaged.")
    ] = None,
    soft_views: Annotated[
        int | None, typer.Option(help="How many of the views are softened, for sharp scans.")
    ] = None,
    magnify: Annotated[
        bool | None, typer.Option(help="Enlarge pictures by 4/3, or not: finer outlines.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Choose the probability from which a pixel is nucleus, by the mean F1 on validation sets."""
    from napari_glioma_density.nuclei.kept_metrics import METRICS, hand_on_tuning
    from napari_glioma_density.nuclei.networks.unet import UNet
    from napari_glioma_density.nuclei.registry import find_model
    from napari_glioma_density.nuclei.views import with_views
    from napari_glioma_density.nuclei.weights import load_network, save_network, sha256_of
    from napari_glioma_density.training.dataset import open_data_set
    from napari_glioma_density.training.separation import refuse_learnt
    from napari_glioma_density.training.set_numbers import set_weights
    from napari_glioma_density.training.validation import ValidationFields
    from napari_glioma_density.training.weights_file import check_weights_file, check_weights_name

    check_weights_name(output)
    if output.resolve() == weights.resolve():
        raise BadInput(f"{weights}: is left as it is; name another file as --output")
    spec, network = load_network(weights)
    model = find_model(weights)
    spec = with_views(spec.with_(name=output.stem), views, soft_views)
    if magnify is not None and isinstance(network, UNet):
        spec = spec.with_(magnified=magnify)
        network.is_magnified = magnify
    checked = [open_data_set(folder) for folder in validation]
    refuse_learnt(checked, model.learnt)
    fields = ValidationFields(checked, set_weights(weight or (), checked))
    check_weights_file(output)
    f1 = fields.f1_by_threshold(network, spec)
    spec = spec.with_(threshold=fields.best_threshold(f1))
    save_network(output, spec, network, model.learnt)
    hand_on_tuning(model.metrics, output.with_suffix(METRICS), sha256_of(output))
    _warn_at_the_end(spec.threshold)
    if as_json:
        print_json({"weights": str(output), "threshold": spec.threshold, **_listed(f1)})
    else:
        _print_table(f1, spec.threshold)


def _warn_at_the_end(threshold: float) -> None:
    from napari_glioma_density.training.validation import THRESHOLDS

    if threshold in (THRESHOLDS[0], THRESHOLDS[-1]):
        remark(
            f"the best threshold, {threshold}, lies at the end of those tried: "
            "the weights hardly tell nuclei from the rest, or the data set is not like others\n"
        )


def _listed(f1: dict[str, "NDArray[Any]"]) -> dict[str, Any]:
    from napari_glioma_density.training.validation import THRESHOLDS

    return {"thresholds": THRESHOLDS.tolist(), "f1": {name: at.tolist() for name, at in f1.items()}}


def _print_table(f1: dict[str, "NDArray[Any]"], chosen: float) -> None:
    from napari_glioma_density.training.validation import THRESHOLDS

    say("threshold  " + "  ".join(f1) + "\n")
    for at, threshold in enumerate(THRESHOLDS):
        scores = "  ".join(f"{scores[at]:{len(name)}.3f}" for name, scores in f1.items())
        say(f"{threshold:9.3f}  {scores}{'  chosen' if threshold == chosen else ''}\n")
