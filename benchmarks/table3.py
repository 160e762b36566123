"""P1's Table 3 on public glioma: U-net and U-net+DropBlock by the paper's recipe.

    GLIOMA_DENSITY_DATA=FOLDER python benchmarks/table3.py -o FOLDER [--folds 3] [--seeds 3]
        [--epochs 30] [--base-width 16] [--precision fp32|bf16] [--threads N]

Trains U-net and U-net+DropBlock by the paper's recipe (Table 2) at 0.25 µm/px on the annotated
glioma of glioma_research/gbm and validation/lgg, with the same folds, seeds, starting weights,
crops and order of crops for both, and scores each on the fold it never saw. The LGG images are
parted by patient. The patients of the GBM tiles are not known, and neighbours may share one, so
they are parted into runs of consecutive tiles. An epoch is one pass over the training fields:
one crop of 480 px from anywhere inside each field of 512 px. Nuclei of GBM that were clicked but
never outlined take no part in learning, and count as background when scored.

Results are kept in FOLDER/table3.json run by run, and a killed run goes on where it was. Writes
FOLDER/table3.md and prints it. The weights are research weights: each is deleted once scored.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from table3_report import Result, report

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.pictures import network_prediction, picture_probability
from napari_glioma_density.nuclei.weights import load_network
from napari_glioma_density.training.dataset import DataSet, Field, open_data_set, read_field
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.metrics import PixelCounts
from napari_glioma_density.training.recipe import PAPER
from napari_glioma_density.training.trainer import train

NETWORKS = ("unet", "unet-dropblock")


@dataclass(frozen=True)
class Fold:
    """Fields to learn from and fields to score."""

    number: int
    learnt: tuple[DataSet, ...]
    held: tuple[DataSet, ...]


def groups(data_set: DataSet, folds: int) -> list[tuple[Field, ...]]:
    """Part a data set into ``folds`` groups that share no patient.

    Whole patients where several are known, dealt out one by one; otherwise runs of consecutive
    fields, as even as can be.

    Raises
    ------
    BadInput
        When there are fewer patients or fields than folds.
    """
    patients = [field.patient for field in data_set]
    known = all(patients) and len(set(patients)) > 1
    units = list(dict.fromkeys(patients)) if known else list(range(len(data_set)))
    if len(units) < folds:
        raise BadInput(
            f"{data_set.name}: {len(units)} patients or fields cannot make {folds} folds; "
            f"give --folds {len(units)} or fewer"
        )
    if known:
        fold_of = {patient: at % folds for at, patient in enumerate(units)}
        return [
            tuple(field for field in data_set if fold_of[field.patient] == number)
            for number in range(folds)
        ]
    parts = np.array_split(np.arange(len(data_set)), folds)
    return [tuple(data_set.fields[at] for at in part) for part in parts]


def make_folds(data_sets: list[DataSet], folds: int) -> list[Fold]:
    """Folds of several data sets, each parted by itself, so that every fold holds some of each."""
    parted = [(one, groups(one, folds)) for one in data_sets]
    return [
        Fold(
            number,
            tuple(
                dataclasses.replace(one, fields=tuple(f for f in one if f not in parts[number]))
                for one, parts in parted
            ),
            tuple(dataclasses.replace(one, fields=parts[number]) for one, parts in parted),
        )
        for number in range(folds)
    ]


def jobs(folds: list[Fold], asked: argparse.Namespace) -> Iterator[tuple[Fold, TrainingJob]]:
    """Every run; the two networks of a fold and seed after each other, to be compared early."""
    recipe = dataclasses.replace(PAPER, epochs=asked.epochs)
    for seed in range(asked.seeds):
        for fold in folds:
            for network in NETWORKS:
                name = f"research {network} fold {fold.number} seed {seed}.safetensors"
                yield (
                    fold,
                    TrainingJob(
                        architecture=network,
                        base_width=asked.base_width,
                        recipe=recipe,
                        seed=seed,
                        data=fold.learnt,
                        validation=(),
                        weights=asked.output / name,
                        precision=asked.precision,
                    ),
                )


def key_of(job: TrainingJob, fold: Fold) -> str:
    """What a result is of."""
    held = [str(field.image.name) for one in fold.held for field in one]
    text = json.dumps([job.configuration(), job.precision, held])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run(fold: Fold, job: TrainingJob) -> Result:
    """Train, score every image of the fold that was held out, and delete the weights."""
    train(job, partial(_report_epoch, job.weights.stem))
    log = json.loads(job.weights.with_suffix(".log.json").read_text("utf-8"))
    result: Result = {
        "network": job.architecture,
        "fold": fold.number,
        "seed": job.seed,
        "images": list(_scored(fold, job.weights)),
        "loss": [entry["loss"] for entry in log],
        "seconds": sum(entry["seconds"] for entry in log),
    }
    for suffix in (".safetensors", ".log.json", ".log.csv", ".curves.png"):
        job.weights.with_suffix(suffix).unlink(missing_ok=True)
    return result


def _report_epoch(run_name: str, entry: dict[str, Any]) -> None:
    sys.stderr.write(
        f"{run_name}: epoch {entry['epoch']}/{entry['epochs']}  loss {entry['loss']:.4f}  "
        f"{entry['seconds_left'] / 60:.0f} min of this run left\n"
    )


def _scored(fold: Fold, weights: Path) -> Iterator[dict[str, Any]]:
    spec, network = load_network(weights)
    predict = network_prediction(network, spec)
    for data_set in fold.held:
        for field in data_set:
            rgb, labels = read_field(field)[:2]
            mask = picture_probability(predict, spec, rgb, field.um_per_px) >= spec.threshold
            counts = dataclasses.asdict(PixelCounts.of(mask, labels))
            yield {"data_set": data_set.name, "image": field.image.name, **counts}


def carry_out(folds: list[Fold], asked: argparse.Namespace) -> str:
    """Run what has no result yet and return the report."""
    asked.output.mkdir(parents=True, exist_ok=True)
    kept = asked.output / "table3.json"
    results: dict[str, Result] = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
    every = [(key_of(job, fold), fold, job) for fold, job in jobs(folds, asked)]
    missing = [one for one in every if one[0] not in results]
    seconds: list[float] = []
    for key, fold, job in missing:
        left = len(missing) - len(seconds)
        each = f", {sum(seconds) / len(seconds) * left / 60:.0f} min left" if seconds else ""
        sys.stderr.write(f"{job.weights.stem}: {left} runs to go{each}\n")
        began = time.perf_counter()
        results[key] = run(fold, job)
        seconds.append(time.perf_counter() - began)
        write_atomically(kept, json.dumps(results).encode())
    text = report([results[key] for key, _, _ in every], asked.epochs, asked.base_width)
    write_atomically(asked.output / "table3.md", text.encode())
    return text


def main() -> None:
    """Print the table."""
    asked = _arguments()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    data = Path(os.environ.get("GLIOMA_DENSITY_DATA", "")) / "data"
    if not data.is_dir():
        raise BadInput("GLIOMA_DENSITY_DATA: names no folder that holds annotated glioma; set it")
    sets = [open_data_set(data / name) for name in ("glioma_research/gbm", "validation/lgg")]
    print(carry_out(make_folds(sets, asked.folds), asked), end="")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=PAPER.epochs)
    parser.add_argument("--base-width", type=int, default=16)
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32")
    parser.add_argument("--threads", type=int, default=0, help="of the processor; PyTorch's choice")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
