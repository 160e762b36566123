"""``glioma-density calibrate``: the threshold and the views of trained weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from napari_glioma_density.cli.console import AsJson, print_json, remark, say
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_glioma_density.nuclei.spec import ModelSpec
    from napari_glioma_density.training.validation import AtThresholds

_COLUMN: Final = len("0.886  1.65")


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
    """Choose from which probability on a pixel is nucleus, by F1 and density on validation sets."""
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
    scores = fields.by_threshold(network, spec)
    spec = fields.calibrated(spec, scores)
    save_network(output, spec, network, model.learnt)
    hand_on_tuning(model.metrics, output.with_suffix(METRICS), sha256_of(output))
    for threshold in _chosen(spec):
        _warn_at_the_end(threshold)
    if as_json:
        print_json({"weights": str(output), **_chosen_named(spec), **_listed(scores)})
    else:
        _print_table(scores, spec)


def _warn_at_the_end(threshold: float) -> None:
    from napari_glioma_density.training.validation import THRESHOLDS

    if threshold in (THRESHOLDS[0], THRESHOLDS[-1]):
        remark(
            f"the best threshold, {threshold}, lies at the end of those tried: "
            "the weights hardly tell nuclei from the rest, or the data set is not like others\n"
        )


def _chosen(spec: "ModelSpec") -> dict[float, str]:
    """What each threshold that was chosen is for."""
    if not spec.other_organs_threshold:
        return {spec.threshold: "chosen"}
    if spec.threshold == spec.other_organs_threshold:
        return {spec.threshold: "chosen for brain and other organs"}
    return {
        spec.threshold: "chosen for the brain",
        spec.other_organs_threshold: "chosen for other organs",
    }


def _chosen_named(spec: "ModelSpec") -> dict[str, float]:
    return {
        "threshold": spec.threshold,
        "other_organs_threshold": spec.for_organ("other").threshold,
    }


def _listed(scores: "Mapping[str, AtThresholds]") -> dict[str, Any]:
    from napari_glioma_density.training.validation import THRESHOLDS

    return {
        "thresholds": THRESHOLDS.tolist(),
        "f1": {name: one.f1.tolist() for name, one in scores.items()},
        "density_error": {name: one.density_error.tolist() for name, one in scores.items()},
    }


def _print_table(scores: "Mapping[str, AtThresholds]", spec: "ModelSpec") -> None:
    """Print F1 and density error, in points, of each set at each threshold."""
    from napari_glioma_density.training.validation import THRESHOLDS

    chosen = _chosen(spec)
    columns = {name: max(len(name), _COLUMN) for name in scores}
    heads = (f"{name:>{width}}" for name, width in columns.items())
    say("threshold  " + "  ".join(heads) + "  (F1, density error)\n")
    for at, threshold in enumerate(THRESHOLDS):
        told = (
            f"{f'{one.f1[at]:.3f} {one.density_error[at]:5.2f}':>{columns[name]}}"
            for name, one in scores.items()
        )
        mark = chosen.get(float(threshold), "")
        say(f"{threshold:9.3f}  {'  '.join(told)}  {mark}".rstrip() + "\n")
