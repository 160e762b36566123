"""Kill an estimate at random moments, resume it each time, and compare the end with no kill.

    python benchmarks/kills.py SLIDE FOLDER [--kills 20] [--um-per-px F]

Prints one JSON object; `identical` must be true.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from napari_glioma_density.results import ResultStore

TABLES = ("patches.csv", "grid.csv", "heatmap.png")


def start(slide: Path, folder: Path, more: list[str]) -> subprocess.Popen[bytes]:
    """Begin or resume an estimate in a process of its own."""
    command = [sys.executable, "-m", "napari_glioma_density.cli", "estimate", str(slide)]
    command += ["-o", str(folder), "--block-px", "480", *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def blocks_done(folder: Path) -> int:
    """Lines in the journal of the run under way."""
    journals = folder.glob("*/*.glioma.zarr/runs/*/journal.jsonl")
    return sum(journal.read_bytes().count(b"\n") for journal in journals)


def arrays_of(folder: Path) -> dict[str, Any]:
    """Every array of the only run."""
    store = next(folder.glob("*/*.glioma.zarr"))
    run_id = ResultStore(store).runs()[0].run_id
    group = zarr.open_group(store / "runs" / run_id, mode="r")
    members = group.members(max_depth=None)
    return {name: array[...] for name, array in members if isinstance(array, zarr.Array)}


def kill_and_resume(slide: Path, folder: Path, kills: int, more: list[str]) -> list[int]:
    """Kill the estimate once a block or more is new; return the blocks done at each kill."""
    moments = random.Random(0)
    seen: list[int] = []
    while len(seen) < kills:
        process, before = start(slide, folder, more), blocks_done(folder)
        while process.poll() is None and blocks_done(folder) == before:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.15))
        process.kill()
        process.wait()
        seen.append(blocks_done(folder))
        if process.returncode == 0:
            break
    return seen


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slide", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    asked, more = parser.parse_known_args()
    undisturbed, killed = asked.folder / "undisturbed", asked.folder / "killed"
    start(asked.slide, undisturbed, more).wait()
    seen = kill_and_resume(asked.slide, killed, asked.kills, more)
    start(asked.slide, killed, more).wait()
    ours, theirs = arrays_of(killed), arrays_of(undisturbed)
    tables = {
        name: (killed / asked.slide.name / name).read_bytes()
        == (undisturbed / asked.slide.name / name).read_bytes()
        for name in TABLES
    }
    arrays = {name: bool(np.array_equal(ours[name], theirs[name])) for name in theirs}
    figures = {
        "kills": len(seen),
        "blocks_at_each_kill": seen,
        "blocks": blocks_done(killed),
        "tables": tables,
        "arrays": arrays,
        "identical": ours.keys() == theirs.keys() and all((*arrays.values(), *tables.values())),
    }
    json.dump(figures, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
