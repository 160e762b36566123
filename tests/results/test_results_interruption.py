"""Killed at any moment and resumed, a run ends with the px and tables of an undisturbed one."""

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import made_up_blocks
import numpy as np
import zarr
from made_up_blocks import SPEC, TISSUE, made_up_mask, made_up_result, write_run

from napari_glioma_density.density import Block, PatchState, cell_grid, measure_cells, partition
from napari_glioma_density.results import (
    ResultStore,
    Run,
    write_grid_csv,
    write_patches_csv,
)
from napari_glioma_density.results.masks import coarsen

Begin = Callable[..., Run]
KILLS = 12


def outcome(run: Run, folder: Path) -> dict[str, bytes]:
    """All that a finished run leaves: px of the mask's chunks, bytes of all other files and CSVs.

    The packer does not give the same bytes in every process, but always the same px.
    """
    patches = run.patches()
    write_patches_csv(folder / "patches.csv", patches)
    write_grid_csv(folder / "grid.csv", measure_cells(patches, cell_grid(run.lattice)))
    files = [path for path in run.folder.rglob("*") if path.is_file() and path.parent != run.folder]
    arrays = {str(path.relative_to(run.folder)): said_by(path) for path in files}
    tables = {name: (folder / name).read_bytes() for name in ("patches.csv", "grid.csv")}
    return arrays | tables


def said_by(path: Path) -> bytes:
    """What a file says, a chunk of the mask unpacked."""
    content = path.read_bytes()
    is_chunk = "nuclei" in path.parts and path.name.isdecimal()
    return bytes(imagecodecs.zstd_decode(content)) if is_chunk else content


def write_and_be_killed(store: Path, seed: int, chance: random.Random) -> None:
    """Start a writer, let it say a few lines, and kill it anywhere in the block that follows."""
    command = [sys.executable, made_up_blocks.__file__, str(store), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(chance.randint(1, 2)):
            writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.06))
        writer.kill()


def test_a_run_killed_a_dozen_times_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    chance = random.Random(7)
    store_path = tmp_path / "killed.glioma.zarr"
    finished = [0]
    for kill in range(KILLS):
        write_and_be_killed(store_path, kill, chance)
        store = ResultStore.open(store_path, "f1", "slide-0000", 9000, 7000)
        finished.append(len(store.run(SPEC.run_id).finished))
    assert finished == sorted(finished), "a finished block was lost"
    assert finished[-1] > 0
    with store.begin(SPEC, TISSUE) as resumed:
        write_run(resumed, order_seed=99)
        killed = outcome(resumed, tmp_path)

    calm = ResultStore.open(tmp_path / "calm.glioma.zarr", "f1", "slide-0000", 9000, 7000)
    with calm.begin(SPEC, TISSUE) as run:
        write_run(run, order_seed=3)
        undisturbed = outcome(run, tmp_path)
    assert undisturbed == killed


def test_a_torn_last_line_never_happened(begin: Begin) -> None:
    first, second = Block(0, 0, 2, 2), Block(2, 0, 2, 2)
    with begin() as run:
        run.commit(made_up_result(run.lattice, first))
        run.commit(made_up_result(run.lattice, second))
        journal = run.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-9])
    with begin() as resumed:
        assert resumed.finished == {first}
        resumed.commit(made_up_result(resumed.lattice, second))
    with begin() as again:
        assert again.finished == {first, second}


def test_nuclei_beyond_the_last_journalled_one_are_cut_off(begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, Block(0, 0, 2, 2)))
        nuclei = run.nuclei()
        records = run.folder / "nuclei.bin"
    whole = records.read_bytes()
    records.write_bytes(whole + b"left by a crash")
    with begin() as resumed:
        assert records.read_bytes() == whole
        assert np.array_equal(resumed.nuclei(), nuclei)


def test_what_a_crash_left_of_an_unfinished_block_is_taken_away(begin: Begin) -> None:
    stray = Block(2, 2, 2, 2)
    with begin() as run:
        run.commit(made_up_result(run.lattice, Block(0, 0, 2, 2)))
        window = run.lattice.window(stray)
        run._masks.write(window, made_up_mask(run.lattice, stray))
        run._masks.write_coarse(window, coarsen(made_up_mask(run.lattice, stray)))
        coarse = [run.mask(level)[:, :] for level in (1, 2)]
        run.close()
        (run.folder / "unclosed").touch()
    with begin() as resumed:
        assert not resumed.mask(0)[window].any()
        for level, before in zip((1, 2), coarse, strict=True):
            assert resumed.mask(level)[:, :].sum() < before.sum()


def test_stale_coarse_levels_are_rebuilt_on_resume(begin: Begin) -> None:
    with begin() as run:
        for block in partition(run.lattice, 2, run.spec.split):
            run.commit(made_up_result(run.lattice, block))
        right = [run.mask(level)[:, :] for level in (1, 2)]
        for level in (1, 2):
            zarr.open_array(run.folder / "nuclei" / str(level))[:] = 0
        run.close()
        (run.folder / "unclosed").touch()
    with begin() as resumed:
        for level, expected in zip((1, 2), right, strict=True):
            assert expected.any()
            assert np.array_equal(resumed.mask(level)[:, :], expected)


def test_an_empty_block_removes_the_chunk_a_crash_left(begin: Begin) -> None:
    empty = Block(0, 0, 1, 1)
    with begin(block_patches=1) as run:
        chunk = run._masks._files[0].path(0, 0)
        run._masks.write(run.lattice.window(empty), np.ones((480, 480), np.uint8))
        assert chunk.exists()
        run.commit(made_up_result(run.lattice, empty))
        assert not chunk.exists()
        assert run.patches().state[0, 0] == PatchState.READ
