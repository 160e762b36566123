"""``glioma-density evaluate``: a model scored on annotated nuclei."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, print_json, progress_bar

SCORES = ("accuracy", "dice", "recall", "precision", "f1", "iou", "density_mae")


def evaluate(
    data: Annotated[list[Path], typer.Option(help="A data set: images, labels, manifest.json.")],
    model: Annotated[str, typer.Option(help="A model's name or weights file.")] = "fast",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    per_image: Annotated[bool, typer.Option("--per-image", help="Add a row an image.")] = False,
    as_json: AsJson = False,
) -> None:
    """Score a model: pixel metrics 0-1, density_mae in percentage points, by set and pooled."""
    from napari_glioma_density.nuclei.segmenter import load_segmenter
    from napari_glioma_density.training import evaluation
    from napari_glioma_density.training.dataset import open_data_set

    sets = [open_data_set(folder) for folder in data]
    segmenter = load_segmenter(model, device)
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
    if as_json:
        print_json(result)
    else:
        _print_table([*result["data_sets"], {"name": "pooled", **result["pooled"]}])
        _print_table(result.get("images", []))


def _print_table(rows: list[dict[str, Any]]) -> None:
    for number, row in enumerate(rows):
        if not number:
            sys.stdout.write(f"{'':<38}" + "".join(f"{name:>12}" for name in SCORES) + "\n")
        name = str(row.get("name") or row.get("image"))
        values = "".join(f"{row[score]:>12.4f}" for score in SCORES)
        sys.stdout.write(f"{name[:37]:<38}{values}\n")
