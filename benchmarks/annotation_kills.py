"""Kill a scripted editing session at random moments and see what is lost each time.

    python benchmarks/annotation_kills.py FOLDER [--kills 20] [--seed 0]

Every session goes on where the last one was killed. Prints one JSON object: the oldest edit lost
at each kill, in seconds, and the largest of these; `as_submitted` must be true. What cannot be
opened again ends it with an error.
"""

import argparse
import json
import random
import subprocess
import sys
import threading
import time
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_glioma_density.annotation.autosave import Autosave
from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldRecord,
    FieldState,
    FieldValues,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.annotation.field_file import read_field
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.results import NUCLEUS_DTYPE

FIELDS = tuple(Block(2 * number, number, 1, 1) for number in range(3))
EVERY_S = 0.02
"""Between two edits: faster than any hand."""


@dataclass(frozen=True)
class Edit:
    """One edit as the session told it: when (time.time), of what, and the labels' checksum."""

    moment: float
    name: str
    revision: int
    checksum: int


def record_of(block: Block) -> FieldRecord:
    """Return a field that was begun blank."""
    return FieldRecord(
        block, PATCH_PX, PATCH_PX, 0.5, 0, 32, Start.BLANK, Choice.BY_HAND,
        "script", "2026-01-01T00:00:00+00:00", "f1", "slide-0000", "slide-0000",
    )  # fmt: skip


def checksum(state: FieldState) -> int:
    """Tell one state of the labels from others."""
    return zlib.crc32(state.labels.tobytes())


def edited(state: FieldState, chance: random.Random) -> FieldState:
    """Draw a nucleus over what is there, or delete one."""
    labels, nuclei = state.labels.copy(), dict(state.nuclei)
    if nuclei and chance.random() < 0.3:
        labels[labels == chance.choice(list(nuclei))] = 0
    else:
        y, x, side = chance.randrange(460), chance.randrange(460), chance.randrange(5, 20)
        new = max(nuclei, default=0) + 1
        labels[y : y + side, x : x + side] = new
        nuclei[new] = Nucleus(Origin.HAND)
    drawn = set(np.unique(labels).tolist())
    kept = {id_: nucleus for id_, nucleus in nuclei.items() if id_ in drawn}
    return replace(state, labels=labels, nuclei=kept, revision=state.revision + 1)


def edit_for_ever(folder: Path, seed: int) -> None:
    """Edit fields at random and say every edit once it is submitted; to be killed."""
    chance, states = random.Random(seed), {}
    corrections = Corrections.open(folder)
    saving = Autosave(corrections, lambda problem: print("problem", problem, flush=True))
    for record in map(record_of, FIELDS):
        if not any(map(record.meets, corrections.records())):
            blank = FieldState(np.zeros((PATCH_PX, PATCH_PX), np.uint16), {})
            corrections.begin(record, np.zeros((PATCH_PX, PATCH_PX, 3), np.uint8), blank)
        states[record.name] = corrections.load(record.name)
    while True:
        name = chance.choice(list(states))
        state = states[name] = edited(states[name], chance)
        block = corrections.record(name).block
        pixels = np.array([[np.count_nonzero(state.labels)]])
        values = FieldValues(block, pixels, pixels, np.array([[len(state.nuclei)]]))
        saving.submit(name, state, values, np.zeros(len(state.nuclei), NUCLEUS_DTYPE))
        print("edit", time.time(), name, state.revision, checksum(state), flush=True)
        time.sleep(EVERY_S)


def run_and_kill(folder: Path, seed: int, seconds: float) -> tuple[list[Edit], float]:
    """Let a session edit for a time, kill it, and return its edits and the moment of the kill."""
    command = [sys.executable, __file__, str(folder), "--edit", "--seed", str(seed)]
    session = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    lines: list[str] = []
    begun = threading.Event()

    def listen() -> None:
        for line in session.stdout or ():
            lines.append(line)
            begun.set()

    listener = threading.Thread(target=listen)
    listener.start()
    begun.wait(60)
    time.sleep(seconds)
    moment = time.time()
    session.kill()
    session.wait()
    listener.join()
    told = [line.split() for line in lines if line.startswith("edit") and line.endswith("\n")]
    return [Edit(float(t), name, int(r), int(c)) for _, t, name, r, c in told], moment


def seconds_lost(folder: Path, edits: list[Edit], killed: float) -> tuple[float, bool]:
    """Open what is left; return the age of the oldest edit lost, and whether states are whole."""
    with Corrections.open(folder) as corrections:
        saved = {record.name: corrections.load(record.name) for record in corrections.records()}
        for path in (corrections.folder / "history").rglob("*.png"):
            read_field(path)
    lost = [edit.moment for edit in edits if edit.revision > saved[edit.name].revision]
    of_saved = {(edit.name, edit.revision): edit.checksum for edit in edits}
    whole = all(
        of_saved.get((name, state.revision), checksum(state)) == checksum(state)
        for name, state in saved.items()
    )
    return (killed - min(lost) if lost else 0.0), whole


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--edit", action="store_true", help="be the session that is killed")
    asked = parser.parse_args()
    if asked.edit:
        edit_for_ever(asked.folder, asked.seed)
    chance, losses, whole, edits = random.Random(asked.seed), [], [], 0
    for kill in range(asked.kills):
        told, moment = run_and_kill(asked.folder, asked.seed + kill, chance.uniform(0, 1.5))
        lost, as_submitted = seconds_lost(asked.folder, told, moment)
        losses.append(round(lost, 3))
        whole.append(as_submitted)
        edits += len(told)
    figures = {
        "kills": asked.kills,
        "edits": edits,
        "seconds_lost": losses,
        "largest_loss_s": max(losses),
        "as_submitted": all(whole),
    }
    json.dump(figures, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
