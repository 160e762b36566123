"""Which colour input, DropBlock, size of nuclei: one budget for each, judged on validation sets.

    GLIOMA_DENSITY_DATA=FOLDER python benchmarks/studies.py inputs|dropblock|sizes -o FOLDER
        [--base-width 8] [--epochs 24] [--seeds 1] [--threads N] [--precision fp32|bf16]
        [--only NAME ...]

Every run is the default recipe but for what its name says, learns from the sets that may train
weights that ship, and is scored at the threshold that `calibrate` chooses by all validation
sets. Results are kept in FOLDER/<study>.json run by run: a killed study goes on where it was, in
the middle of a run too. A run whose recipe has changed since is run again. Prints a Markdown
table, which is also written to FOLDER/<study>.md.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.weights import load_network
from napari_glioma_density.stain import INPUTS
from napari_glioma_density.training.dataset import DataSet, open_data_set
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import DEFAULT, Recipe
from napari_glioma_density.training.set_numbers import at_resolutions
from napari_glioma_density.training.trainer import fastest_precision, train
from napari_glioma_density.training.validation import ValidationFields

VALIDATION = ("glioma_research/gbm", "validation/lgg", "validation/kumar", "validation/consep",
              "validation/tnbc")  # fmt: skip
Result = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """What a run does otherwise than the others."""

    recipe: Recipe = DEFAULT
    um_per_px: tuple[str, ...] = ()
    """``NAME=NUMBER`` of data sets that are taken for another resolution than they state."""


def inputs() -> dict[str, Variant]:
    """Every colour input there is."""
    return {name: Variant(dataclasses.replace(DEFAULT, input=name)) for name in INPUTS}


def dropblock() -> dict[str, Variant]:
    """R_drop and L_block one at a time around P1's 10 % and 3, and how R_drop moves."""

    def drops(rate: float, side: int = 3, schedule: str = "ramp") -> Variant:
        return Variant(
            dataclasses.replace(DEFAULT, drop_rate=rate, drop_side=side, drop_schedule=schedule)
        )

    return {
        "no DropBlock": drops(0),
        **{f"R {rate}, L 3": drops(rate) for rate in (0.03, 0.05, 0.1, 0.2)},
        **{f"R 0.1, L {side}": drops(0.1, side) for side in (1, 5, 7)},
        "R 0.1, L 3, constant": drops(0.1, schedule="constant"),
        "R 0.1, L 3, adaptive": drops(0.1, schedule="adaptive"),
    }


def sizes() -> dict[str, Variant]:
    """Training sets at other µm/px than they state: their nuclei are smaller or larger then."""
    asked = ((), ("NuInsSeg=0.22",), ("NuInsSeg=0.185",), ("NuInsSeg=0.155",),
             ("NuInsSeg=0.185", "CoNSeP train=0.35"))  # fmt: skip
    return {", ".join(each) or "as stated": Variant(um_per_px=each) for each in asked}


STUDIES: dict[str, Callable[[], dict[str, Variant]]] = {
    "inputs": inputs,
    "dropblock": dropblock,
    "sizes": sizes,
}


@dataclass(frozen=True)
class Study:
    """Runs of one budget, and the file that keeps their results."""

    name: str
    folder: Path
    runs: dict[str, Variant]
    base_width: int
    epochs: int
    seeds: int
    precision: str
    """One for all runs: a trial for each might end now so, now so."""
    data: tuple[DataSet, ...]

    def jobs(self) -> Iterator[tuple[str, TrainingJob]]:
        """All runs of the first seed, then all of the next: early tables compare like with like."""
        for seed in range(self.seeds):
            for name, variant in self.runs.items():
                yield name, self._job(name, variant, seed)

    def _job(self, name: str, variant: Variant, seed: int) -> TrainingJob:
        job = TrainingJob(
            architecture="unet-dropblock",
            base_width=self.base_width,
            recipe=dataclasses.replace(variant.recipe, epochs=self.epochs),
            seed=seed,
            data=tuple(at_resolutions(variant.um_per_px, self.data)),
            validation=(),  # looked at once, at the end: looks in between cost a third of a run
            weights=Path(f"{name}, seed {seed}.safetensors"),
            precision=self.precision,
        )
        # The name says what the weights are of: finished ones need only be scored.
        path = self.folder / self.name / f"{_file_name(name)} {key_of(job)}.safetensors"
        return dataclasses.replace(job, weights=path)

    def results(self) -> dict[str, Result]:
        """Results so far by the key of their job."""
        path = self.folder / f"{self.name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def keep(self, results: dict[str, Result]) -> None:
        """Replace the file of results, and the table of those that belong to this budget."""
        text = json.dumps(results, indent=1)
        write_atomically(self.folder / f"{self.name}.json", text.encode())
        mine = [
            results[key] for key in map(key_of, (job for _, job in self.jobs())) if key in results
        ]
        write_atomically(self.folder / f"{self.name}.md", table(mine).encode())


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " ,+" else "-" for letter in name)


def key_of(job: TrainingJob) -> str:
    """What a result is of: the same key, the same weights."""
    return hashlib.sha256(f"{job.configuration()} {job.precision}".encode()).hexdigest()[:16]


def run(name: str, job: TrainingJob, validation: ValidationFields) -> Result:
    """Train, calibrate and score."""
    log_path = job.weights.with_suffix(".log.json")
    if not log_path.exists():
        train(job, partial(_report, f"{name}, seed {job.seed}"))
    log = json.loads(log_path.read_text(encoding="utf-8"))
    spec, network = load_network(job.weights)
    began = time.perf_counter()
    spec = validation.calibrated(spec, validation.by_threshold(network, spec))
    scores = validation.scores(network, spec)
    return {
        "name": name,
        "seed": job.seed,
        "precision": job.precision,
        "threshold": spec.threshold,
        "scores": scores,
        "mean_f1": float(np.mean([one["f1"] for one in scores.values()])),
        # From the log: a run that was killed and went on has its first part there.
        "training_seconds": sum(entry["seconds"] for entry in log),
        "scoring_seconds": time.perf_counter() - began,
    }


def _report(run_name: str, entry: dict[str, Any]) -> None:
    sys.stderr.write(
        f"{run_name}: epoch {entry['epoch']}/{entry['epochs']}  loss {entry['loss']:.4f}  "
        f"R_drop {entry['drop_rate']:.3f}  {entry['seconds_left'] / 60:.0f} min of this run left\n"
    )


def table(results: list[Result]) -> str:
    """A Markdown table, a row a name, means over seeds."""
    sets = list(results[0]["scores"])
    lines = [
        "F1 (precision / recall) density error in points; means over the seeds, ± half the range.",
        "",
        "| run | seeds | mean F1 | " + " | ".join(sets) + " | threshold | training s |",
        "|---|---:|---:|" + "---|" * len(sets) + "---:|---:|",
    ]
    names = dict.fromkeys(one["name"] for one in results)
    lines += [_row(name, [one for one in results if one["name"] == name], sets) for name in names]
    return "\n".join(lines) + "\n"


def _row(name: str, of_name: list[Result], sets: list[str]) -> str:
    f1 = [one["mean_f1"] for one in of_name]
    spread = f" ± {(max(f1) - min(f1)) / 2:.4f}" if len(f1) > 1 else ""
    cells = [name, str(len(f1)), f"{np.mean(f1):.4f}{spread}"]
    cells += [_scores([one["scores"][in_set] for one in of_name]) for in_set in sets]
    cells += [f"{np.mean([one['threshold'] for one in of_name]):.3f}"]
    cells += [f"{np.mean([one['training_seconds'] for one in of_name]):.0f}"]
    return "| " + " | ".join(cells) + " |"


def _scores(scores: list[dict[str, float]]) -> str:
    f1, precision, recall, error = (
        np.mean([one[name] for one in scores])
        for name in ("f1", "precision", "recall", "density_mae")
    )
    return f"{f1:.3f} ({precision:.2f} / {recall:.2f}) {error:.1f}"


def carry_out(study: Study, validation: list[DataSet]) -> str:
    """Run what has no result yet and return the table."""
    (study.folder / study.name).mkdir(parents=True, exist_ok=True)
    results, jobs = study.results(), list(study.jobs())
    missing = [(name, job) for name, job in jobs if key_of(job) not in results]
    fields = ValidationFields(validation if missing else [])
    for number, (name, job) in enumerate(missing, 1):
        sys.stderr.write(f"run {number} of {len(missing)}: {name}, seed {job.seed}\n")
        results[key_of(job)] = run(name, job, fields)
        study.keep(results)
    return table([results[key_of(job)] for _, job in jobs])


def with_precision(study: Study) -> Study:
    """The study in the precision asked for, else that of its earlier runs, else the faster one."""
    if study.precision:
        return study
    earlier = [result["precision"] for result in study.results().values()]
    _, first = next(study.jobs())
    chosen = earlier[-1] if earlier else fastest_precision(first)
    return dataclasses.replace(study, precision=chosen)


def main() -> None:
    """Carry out the study that was asked for."""
    asked = _arguments()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    runs = STUDIES[asked.study]()
    unknown = set(asked.only) - set(runs)
    if unknown:
        raise BadInput(f"{', '.join(unknown)}: no such run; choose of: {'; '.join(runs)}")
    data = Path(os.environ.get("GLIOMA_DENSITY_DATA", "")) / "data"
    if not data.is_dir():
        raise BadInput("GLIOMA_DENSITY_DATA: names no folder that holds data/train; set it")
    sets = [open_data_set(folder) for folder in sorted((data / "train").iterdir())]
    study = with_precision(
        Study(
            asked.study,
            asked.output,
            {name: run for name, run in runs.items() if not asked.only or name in asked.only},
            asked.base_width,
            asked.epochs,
            asked.seeds,
            asked.precision or "",
            tuple(one for one in sets if one.ships_weights),
        )
    )
    print(carry_out(study, [open_data_set(data / name) for name in VALIDATION]), end="")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the results")
    parser.add_argument("--base-width", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="of the processor; PyTorch's choice")
    parser.add_argument("--precision", choices=("fp32", "bf16"), help="the faster by trial")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="runs by name")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        main()
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
