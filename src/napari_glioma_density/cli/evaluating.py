"""``glioma-density evaluate``: a model scored on annotated nuclei."""

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, print_json, progress_bar, say
from napari_glioma_density.cli.score_tables import score_tables
from napari_glioma_density.cli.specimens import tell_of_other_organs
from napari_glioma_density.errors import BadInput


def evaluate(
    data: Annotated[list[Path], typer.Option(help="A data set: images, labels, manifest.json.")],
    model: Annotated[str, typer.Option(help="A model's name or weights file.")] = "fast",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    per_image: Annotated[
        bool, typer.Option("--per-image", help="Add a row for each image.")
    ] = False,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for pictures of the fields with the lowest F1.")
    ] = None,
    worst: Annotated[int, typer.Option(help="Pictures per data set.")] = 4,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the scores beside the weights.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score a model: pixel metrics 0-1, density errors in points, nucleus counts, intervals."""
    from napari_glioma_density.nuclei.kept_metrics import METRICS, keep_metrics
    from napari_glioma_density.nuclei.registry import find_model, is_shipped
    from napari_glioma_density.nuclei.segmenter import load_segmenter
    from napari_glioma_density.training import evaluation
    from napari_glioma_density.training.dataset import open_data_set
    from napari_glioma_density.training.worst_fields import WorstFields

    if keep and is_shipped(model):
        # Intervals of every estimate rest on them: they are not replaced by a slip.
        raise BadInput(
            f"{model}: its scores come with the program and stay; leave out --keep, or name a "
            "weights file"
        )
    sets = [open_data_set(folder) for folder in data]
    segmenter = load_segmenter(model, device)
    tell_of_other_organs(sets, segmenter.spec)
    shown = None if pictures is None else WorstFields(pictures, sets, worst)
    with progress_bar("evaluating", "images") as bar:
        total = sum(map(len, sets))
        fields = evaluation.evaluate(sets, segmenter)
        scores = list(bar.track(fields, total=total, description=""))
    rows, pooled = evaluation.summarise(scores)
    result: dict[str, Any] = {
        "model": segmenter.spec.name,
        "sha256": segmenter.sha256,
        "precision": segmenter.precision,
        "data_sets": rows,
        "pooled": pooled,
    }
    if per_image:
        result["images"] = [score.row() for score in scores]
    if shown is not None:
        result["pictures"] = [str(path) for path in shown.write(scores, segmenter)]
    if as_json:
        print_json(result)
    else:
        say(score_tables(result))
    if keep:  # last, for it may fail where what was measured must not be lost
        keep_metrics(find_model(model).path.with_suffix(METRICS), result)
