"""Killed at any moment and resumed, an estimate ends where an undisturbed one does."""

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from napari_glioma_density.results import ResultStore

Start = Callable[..., subprocess.Popen[bytes]]
KILLS = 4
TABLES = ("patches.csv", "grid.csv", "heatmap.png")


def arrays_of(folder: Path) -> dict[str, Any]:
    store = next(folder.glob("*.glioma.zarr"))
    run_id = ResultStore(store).runs()[0].run_id
    group = zarr.open_group(store / "runs" / run_id, mode="r")
    return {name: array[...] for name, array in group.members(max_depth=None)
            if isinstance(array, zarr.Array)}  # fmt: skip


def test_kill_and_resume_end_in_the_same_arrays_and_tables(
    start: Start, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    def call(folder: str) -> subprocess.Popen[bytes]:
        return start(
            "estimate", slide_path, "-o", tmp_path / folder, "--model", weights,
            "--device", "cpu", "--block-px", 480,
        )  # fmt: skip

    assert call("undisturbed").wait(timeout=120) == 0
    moments = random.Random(1)
    for _ in range(KILLS):
        process = call("killed")
        journal = "killed/*/*.glioma.zarr/runs/*/journal.jsonl"
        begun = time.monotonic()
        while process.poll() is None and not list(tmp_path.glob(journal)):
            assert time.monotonic() - begun < 60
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 0.4))
        process.kill()
        process.wait()
    assert call("killed").wait(timeout=120) == 0
    killed, undisturbed = (tmp_path / name / slide_path.name for name in ("killed", "undisturbed"))
    for name in TABLES:
        assert (killed / name).read_bytes() == (undisturbed / name).read_bytes(), name
    ours, theirs = arrays_of(killed), arrays_of(undisturbed)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
