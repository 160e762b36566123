"""Ten fields of one glioma set to learn from: what it gains there, and what is forgotten elsewhere.

    GLIOMA_DENSITY_DATA=FOLDER python benchmarks/fine_tuning.py -o FOLDER
        [--learn glioma_research/gbm validation/lgg] [--fields 10] [--seeds 0 1 2]
        [--guard SET ...] [--model fast] [--minutes 10]

The fields to learn from are drawn by the seed; where the set names patients, from half of them.
Those that check are all others of the set, and where patients are named of other patients. Guard
sets are the other glioma set and TNBC unless named. Every model is kept in FOLDER with its table,
so a benchmark that was killed goes on where it was. Prints a Markdown table.
"""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.training.dataset import DataSet, Field, open_data_set
from napari_glioma_density.training.fine_tuning import FineTuneJob, fine_tune

GLIOMA = ("glioma_research/gbm", "validation/lgg")
OTHERS = ("validation/tnbc",)


def parted(data_set: DataSet, fields: int, seed: int) -> tuple[DataSet, DataSet]:
    """Fields to learn from and fields to check by."""
    random = np.random.default_rng(seed)
    patients = sorted({field.patient for field in data_set} - {""})
    teaching = set(random.permutation(patients)[: len(patients) // 2])
    pool = [field for field in data_set if not patients or field.patient in teaching]
    learnt = {pool[at].image for at in random.permutation(len(pool))[:fields]}

    def checks(field: Field) -> bool:
        return field.image not in learnt and field.patient not in teaching

    return (
        dataclasses.replace(data_set, fields=tuple(f for f in data_set if f.image in learnt)),
        dataclasses.replace(data_set, fields=tuple(f for f in data_set if checks(f))),
    )


def tuned(asked: argparse.Namespace, folder: Path, learn: str, seed: int) -> dict[str, Any]:
    """Fine-tune, or read what was found before; what ``fine-tune --json`` prints."""
    weights = asked.output / f"{asked.model}-{Path(learn).name}-{asked.fields}-{seed}.safetensors"
    kept = weights.with_suffix(".metrics.json")
    if not kept.exists():
        teaching, checking = parted(open_data_set(folder / learn), asked.fields, seed)
        guards = asked.guard or [name for name in GLIOMA if name != learn] + list(OTHERS)
        job = FineTuneJob(
            parent=find_model(asked.model),
            weights=weights,
            data=(teaching,),
            guard=tuple(open_data_set(folder / name) for name in guards),
            check=(checking,),
            minutes=asked.minutes,
            seed=seed,
        )
        fine_tune(job, lambda entry: report(weights.stem, entry))
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))["fine_tuning"]
    return found


def report(name: str, entry: dict[str, Any]) -> None:
    """Tell how far a run is."""
    f1 = "  ".join(f"{of} {s['f1']:.4f}" for of, s in entry.get("validation", {}).items())
    sys.stderr.write(
        f"{name}: epoch {entry['epoch']}/{entry['epochs']}  loss {entry['loss']:.4f}  "
        f"{entry['seconds_left']:.0f} s left  {f1}\n"
    )


def rows(learn: str, seed: int, found: dict[str, Any]) -> Iterator[str]:
    """Lines of the table."""
    for one in found["before_after"]:
        f1, error = (one["changes"][name] for name in ("f1", "density_mae"))
        lower, upper = (100 * end for end in f1["difference_interval"])
        yield (
            f"| {Path(learn).name}, {seed} | {one['name']}, {one['images']} | {f1['before']:.4f} "
            f"| {f1['after']:.4f} | {100 * f1['difference']:+.2f} ({lower:+.2f} to {upper:+.2f}) "
            f"| {error['before']:.2f} → {error['after']:.2f} | {found['seconds'] / 60:.1f} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is not there yet and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--learn", nargs="*", default=list(GLIOMA))
    parser.add_argument("--guard", nargs="*", default=[])
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--model", default="fast")
    parser.add_argument("--minutes", type=float, default=10.0)
    asked = parser.parse_args(arguments)
    asked.output.mkdir(parents=True, exist_ok=True)
    folder = Path(os.environ["GLIOMA_DENSITY_DATA"]) / "data"
    print(
        "| learnt, seed | fields | F1 before | after | change, points (95 %) | density MAE | min |"
    )
    print("|---|---|---|---|---|---|---|")
    for seed in asked.seeds:
        for learn in asked.learn:
            for row in rows(learn, seed, tuned(asked, folder, learn, seed)):
                print(row, flush=True)


if __name__ == "__main__":
    main()
