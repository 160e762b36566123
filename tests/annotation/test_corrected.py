"""Corrected numbers, nuclei and masks equal those of a run that had found them itself."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_fields import make_record, make_state, measure
from made_up_spec import made_up_spec
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.corrected import (
    CorrectedMask,
    FieldMask,
    correct_nuclei,
    correct_patches,
)
from napari_glioma_density.annotation.field import FieldValues, Start
from napari_glioma_density.annotation.stored import fits, stored_fields
from napari_glioma_density.density import (
    PATCH_PX,
    Block,
    CorrectedPatches,
    Lattice,
    PatchState,
    PatchTable,
)
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, ResultStore, Run
from napari_glioma_density.results.nuclei import in_slide_order

SPEC = made_up_spec(4 * PATCH_PX + 101, 5 * PATCH_PX + 37)
LATTICE = SPEC.lattice
TISSUE = np.ones((-(-SPEC.height_px // 16), -(-SPEC.width_px // 16)), np.uint8)
CORRECTED = (Block(1, 1, 2, 2), Block(4, 5, 1, 1))
"""One inside, one that the slide's edge clips on both sides."""


def slide_mask(seed: int, share: float) -> NDArray[np.bool_]:
    chance = np.random.default_rng(seed)
    coarse = chance.random((SPEC.height_px // 6 + 1, SPEC.width_px // 6 + 1)) < share
    return coarse.repeat(6, 0).repeat(6, 1)[: SPEC.height_px, : SPEC.width_px]


def slide_nuclei(mask: NDArray[np.bool_], origin: int) -> NDArray[np.void]:
    """A nucleus every 40 px where the mask says so."""
    y, x = np.nonzero(mask[20::40, 20::40])
    nuclei = np.zeros(y.size, NUCLEUS_DTYPE)
    nuclei["y_px"], nuclei["x_px"] = 20.25 + 40 * y, 20.5 + 40 * x
    nuclei["area_px"], nuclei["origin"] = 36, origin
    return nuclei


MODEL, TRUE = slide_mask(1, 0.2), slide_mask(2, 0.4)
MODEL_NUCLEI, TRUE_NUCLEI = slide_nuclei(MODEL, 0), slide_nuclei(TRUE, 3)


def within(nuclei: NDArray[np.void], block: Block) -> NDArray[np.void]:
    down, across = LATTICE.window(block)
    y, x = nuclei["y_px"], nuclei["x_px"]
    return nuclei[(y >= down.start) & (y < down.stop) & (x >= across.start) & (x < across.stop)]


def result_of(block: Block, mask: NDArray[np.bool_], nuclei: NDArray[np.void]) -> BlockResult:
    """What a run would store of one patch, all of it read and tissue."""
    pixels = mask[LATTICE.window(block)]
    size, inside = np.array([[pixels.size]]), within(nuclei, block)
    return BlockResult(
        block=block,
        mask=pixels.astype(np.uint8),
        nucleus_px=np.array([[np.count_nonzero(pixels)]]),
        read_px=size,
        tissue_px=size - 7 * len(inside),
        unread_px=0 * size,
        count=np.array([[len(inside)]]),
        state=np.full((1, 1), PatchState.READ, np.uint8),
        nuclei=inside,
    )


def values_of(block: Block) -> FieldValues:
    """What a field measures in which a person drew what is true."""
    numbers = np.zeros((3, block.rows, block.columns), np.int64)
    for row, column in np.ndindex(block.rows, block.columns):
        one = result_of(Block(block.row + row, block.column + column, 1, 1), TRUE, TRUE_NUCLEI)
        numbers[:, row, column] = one.nucleus_px[0, 0], one.tissue_px[0, 0], one.count[0, 0]
    return FieldValues(block, *numbers)


def is_corrected(block: Block) -> bool:
    return any(block.meets(field) for field in CORRECTED)


def stored_corrections(store: Path, run: Run, reader: str = "first") -> CorrectedPatches | None:
    """A run as its saved fields correct it; None when none does."""
    fields = stored_fields(store, run, reader)
    corrected = correct_patches(run.patches(), [field.values for field in fields], reader)
    return corrected if corrected.fields else None


def write_run(folder: Path, skipped: tuple[Block, ...] = (), *, recomputed: bool = False) -> Run:
    """A run of the model, or one that finds what is true where fields lie."""
    store = ResultStore.open(folder / "s.glioma.zarr", "f1", "slide-0000", 9000, 9000)
    with store.begin(SPEC, TISSUE) as run:
        for row, column in np.ndindex(LATTICE.rows, LATTICE.columns):
            block = Block(row, column, 1, 1)
            if block not in skipped:
                truth = recomputed and is_corrected(block)
                found = (TRUE, TRUE_NUCLEI) if truth else (MODEL, MODEL_NUCLEI)
                run.commit(result_of(block, *found))
        return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The model's run, and one that is recomputed whole."""
    model = write_run(tmp_path_factory.mktemp("model"))
    return model, write_run(tmp_path_factory.mktemp("whole"), recomputed=True)


def same_tables(one: PatchTable, other: PatchTable) -> bool:
    names = ("state", "nucleus_px", "read_px", "tissue_px", "unread_px", "count")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def test_corrected_patches_equal_a_full_recomputation(runs: tuple[Run, Run]) -> None:
    model, recomputed = runs
    before = model.patches()
    corrected = correct_patches(before, map(values_of, CORRECTED))
    assert same_tables(corrected.patches, recomputed.patches())
    assert corrected.patches.totals() == recomputed.patches().totals()
    assert corrected.patches.totals() != corrected.model.totals()
    assert same_tables(before, model.patches()), "the model's values stay untouched"
    expected = [
        [is_corrected(Block(row, column, 1, 1)) for column in range(LATTICE.columns)]
        for row in range(LATTICE.rows)
    ]
    assert corrected.corrected.tolist() == expected
    assert corrected.fields == CORRECTED


def test_corrected_nuclei_equal_a_full_recomputation(runs: tuple[Run, Run]) -> None:
    model, recomputed = runs
    corrected = correct_patches(model.patches(), map(values_of, CORRECTED)).corrected
    fields = [within(TRUE_NUCLEI, block)[::-1] for block in CORRECTED]
    nuclei = correct_nuclei(model.nuclei(), corrected, fields)
    assert np.array_equal(nuclei, recomputed.nuclei())
    assert np.array_equal(correct_nuclei(model.nuclei(), ~corrected & False, ()), model.nuclei())


def test_nuclei_of_fields_come_in_the_runs_order_however_they_are_stored() -> None:
    chance = np.random.default_rng(5)
    nuclei = np.zeros(60, NUCLEUS_DTYPE)
    nuclei["y_px"], nuclei["x_px"] = chance.uniform(0, 3 * PATCH_PX, (2, 60))
    nuclei = in_slide_order(nuclei)
    corrected = np.zeros((3, 3), bool)
    corrected[1, 1] = corrected[2, 0] = True
    fields = []
    for row, column in ((2, 0), (1, 1)):
        of_field = np.zeros(9, NUCLEUS_DTYPE)
        y, x = chance.uniform(0, PATCH_PX, (2, 9))
        of_field["y_px"], of_field["x_px"] = y + row * PATCH_PX, x + column * PATCH_PX
        fields.append(of_field)
    found = correct_nuclei(nuclei, corrected, fields)
    assert np.array_equal(found, in_slide_order(found))
    rows, columns = (found[name].astype(int) // PATCH_PX for name in ("y_px", "x_px"))
    assert np.count_nonzero(corrected[rows, columns]) == 18


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_corrected_mask_equals_a_full_recomputation(runs: tuple[Run, Run], level: int) -> None:
    model, recomputed = runs
    corrected = correct_patches(model.patches(), map(values_of, CORRECTED)).corrected
    fields = [FieldMask(block, TRUE[LATTICE.window(block)]) for block in CORRECTED]
    mask = CorrectedMask(model.mask(level), level, corrected, fields)
    expected = recomputed.mask(level)[:, :]
    assert mask.shape == expected.shape
    assert np.array_equal(mask[:, :], expected)
    assert not np.array_equal(expected, model.mask(level)[:, :])
    chance = np.random.default_rng(level)
    for _ in range(30):
        top, bottom = sorted(chance.integers(0, mask.shape[0] + 1, 2).tolist())
        left, right = sorted(chance.integers(0, mask.shape[1] + 9, 2).tolist())
        window = np.s_[top:bottom, left:right]
        assert np.array_equal(mask[window], expected[window])


def test_a_field_waits_where_the_run_has_not_read_yet(tmp_path: Path) -> None:
    waiting = Block(1, 1, 1, 1), Block(1, 2, 1, 1)
    run = write_run(tmp_path, skipped=waiting)
    corrected = correct_patches(run.patches(), map(values_of, CORRECTED))
    assert corrected.patches.state[1, 1:3].tolist() == [PatchState.PENDING] * 2
    assert not corrected.corrected[1, 1:3].any()
    assert corrected.corrected[2, 1:3].all()
    assert not corrected.patches.nucleus_px[1, 1:3].any()
    fields = [within(TRUE_NUCLEI, block) for block in CORRECTED]
    nuclei = correct_nuclei(run.nuclei(), corrected.corrected, fields)
    assert not len(within(nuclei, waiting[0]))
    mask = CorrectedMask(
        run.mask(0),
        0,
        corrected.corrected,
        [FieldMask(block, TRUE[LATTICE.window(block)]) for block in CORRECTED],
    )
    assert not mask[480:960, 480:1440].any()
    assert np.array_equal(mask[960:1440, 480:1440], TRUE[960:1440, 480:1440])


def test_nuclei_drawn_where_nothing_was_read_are_in_the_mask_as_little_as_in_the_sums(
    tmp_path: Path,
) -> None:
    run = write_run(tmp_path, skipped=(Block(1, 1, 1, 1),))
    store, unread = run.folder.parent.parent, np.zeros((PATCH_PX, PATCH_PX), bool)
    unread[:, :200] = True
    patch = result_of(Block(1, 1, 1, 1), MODEL & False, MODEL_NUCLEI[:0])
    gone = np.array([[np.count_nonzero(unread)]])
    read = patch.read_px - gone
    with ResultStore(store).begin(SPEC, TISSUE) as writing:
        writing.commit(replace(patch, read_px=read, unread_px=gone, unread=unread))
    run = ResultStore(store).run(SPEC.run_id)
    stored(store, done=True)
    (field,) = stored_fields(store, run, "first")
    assert not field.mask.nucleus[:, :200].any()
    assert field.mask.nucleus[:, 200:].any()


def test_read_px_stay_those_of_the_run(runs: tuple[Run, Run]) -> None:
    patches = runs[0].patches()
    patches.read_px[1, 1] -= 1000
    corrected = correct_patches(patches, map(values_of, CORRECTED))
    assert np.array_equal(corrected.patches.read_px, patches.read_px)


def stored(store: Path, edits: int = 1, *, done: bool = False, **changes: Any) -> None:
    """A field that began with the outlines of the run's model, unless something else is said."""
    record = make_record(Block(1, 1, 1, 1), **changes)
    state = make_state(record, revision=2, edits=edits, done=done)
    with Corrections.open(store) as corrections:
        rgb = np.zeros((record.height_px, record.width_px, 3), np.uint8)
        corrections.begin(record, rgb, state, *measure(record, state))


def test_saved_fields_correct_the_runs_of_their_plane(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    store = run.folder.parent.parent
    assert stored_corrections(store, run) is None
    stored(store)
    corrected = stored_corrections(store, run)
    assert corrected is not None
    assert corrected.corrected.sum() == 1
    assert corrected.patches.count[1, 1] == 40
    assert corrected.model.count[1, 1] == run.patches().count[1, 1]
    assert stored_corrections(store, run, "second") is None


@pytest.mark.parametrize(
    "changes", [{"level": 1}, {"sixteenths": 31}, {"height_px": 479}, {"block": Block(9, 9, 1, 1)}]
)
def test_a_field_of_another_plane_corrects_nothing(changes: dict[str, Any]) -> None:
    record = make_record(Block(1, 1, 1, 1))
    assert fits(record, SPEC)
    assert not fits(replace(record, **changes), SPEC)


def test_a_field_that_was_only_opened_corrects_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    stored(run.folder.parent.parent, edits=0)
    assert stored_corrections(run.folder.parent.parent, run) is None


@pytest.mark.parametrize(
    "changes", [{"start": Start.BLANK}, {"weights_sha256": "11ee"}, {"threshold": 0.4}], ids=str
)
def test_a_field_without_the_runs_own_outlines_counts_once_it_is_done(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    run = write_run(tmp_path)
    store = run.folder.parent.parent
    stored(store, **changes)
    assert stored_corrections(store, run) is None
    with Corrections.open(store) as corrections:
        (record,) = corrections.records()
        state = make_state(record, done=True)
        corrections.save(record.name, state, *measure(record, state))
    assert stored_corrections(store, run) is not None


def median_s(work: Callable[[], object]) -> float:
    """Seconds of this thread alone: other programs may keep the machine busy."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        work()
        spent.append(time.thread_time() - began)
    return sorted(spent)[1]


def test_a_large_slide_is_corrected_at_once() -> None:
    """160 000 patches, a million nuclei, 40 fields."""
    chance = np.random.default_rng(0)
    lattice = Lattice.over(400 * PATCH_PX, 400 * PATCH_PX, 0.5)
    full = lattice.patch_px()
    patches = PatchTable(
        lattice, np.full(full.shape, PatchState.READ, np.uint8), full // 5, full, full, 0 * full,
        full // 999,
    )  # fmt: skip
    nuclei = np.zeros(1_000_000, NUCLEUS_DTYPE)
    for name in ("y_px", "x_px"):
        nuclei[name] = chance.uniform(0, 400 * PATCH_PX, nuclei.size)
    nuclei = in_slide_order(nuclei)
    blocks = [Block(row, row, 1, 1) for row in range(40)]
    one = np.full((1, 1), 99)
    fields = [FieldValues(block, one, one, one) for block in blocks]
    drawn = []
    for block in blocks:
        drawn.append(np.zeros(200, NUCLEUS_DTYPE))
        for name, first in (("y_px", block.row), ("x_px", block.column)):
            drawn[-1][name] = first * PATCH_PX + chance.uniform(0, 479, 200)
    corrected = correct_patches(patches, fields).corrected
    assert len(correct_nuclei(nuclei, corrected, drawn)) > 1_000_000
    # Twice and more what is promised.
    assert median_s(lambda: correct_patches(patches, fields)) < 0.15
    assert median_s(lambda: correct_nuclei(nuclei, corrected, drawn)) < 0.9
