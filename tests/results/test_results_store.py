"""The store: creation, refusal, one writer, many readers."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import made_up_blocks
import numpy as np
import pytest
import zarr
from made_up_blocks import SPEC, TISSUE, made_up_mask, made_up_result, write_run

from napari_glioma_density import durable
from napari_glioma_density.density import Block, PatchState, partition
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import NUCLEUS_DTYPE, ResultStore, Run, RunSpec
from napari_glioma_density.results.attributes import read_attributes, write_attributes
from napari_glioma_density.results.store import recorded_slide

Begin = Callable[..., Run]
FIRST, SECOND = Block(0, 0, 2, 2), Block(2, 0, 2, 2)


def test_a_committed_block_is_seen_by_a_reader(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        expected = made_up_result(run.lattice, FIRST)
        run.commit(expected)
        reader = store.run(run.spec.run_id)
        window = run.lattice.window(FIRST)
    assert reader.finished == {FIRST}
    assert np.array_equal(reader.mask(0)[window], expected.mask)
    assert np.array_equal(reader.patches().nucleus_px[FIRST.patches], expected.nucleus_px)
    assert len(reader.nuclei()) == len(expected.nuclei) > 0


def test_masks_are_unsharded_zarr_v3_with_a_chunk_a_patch(begin: Begin) -> None:
    with begin() as run:
        shapes = [(2501, 3395), (626, 849), (157, 213)]
        for level, shape in enumerate(shapes):
            array = zarr.open_array(run.folder / "nuclei" / str(level), mode="r")
            assert array.metadata.zarr_format == 3
            assert array.shape == shape
            assert array.chunks == (480, 480)
            assert array.shards is None
            assert array.dtype == np.uint8


def test_masks_at_the_edge_are_cropped_to_the_slide(begin: Begin) -> None:
    corner = Block(4, 6, 2, 2)
    with begin() as run:
        run.commit(made_up_result(run.lattice, corner))
        assert np.array_equal(run.mask(0)[1920:, 2880:], made_up_mask(run.lattice, corner))


def test_every_nucleus_shows_at_every_level(begin: Begin) -> None:
    with begin() as run:
        mask = np.zeros((960, 960), np.uint8)
        y, x = np.mgrid[:960, :960]
        centres = [(101, 107), (303, 402), (615, 838)]
        for centre_y, centre_x in centres:
            mask[(y - centre_y) ** 2 + (x - centre_x) ** 2 <= 25] = 1
        run.commit(replace(made_up_result(run.lattice, FIRST), mask=mask))
        quarter, sixteenth = run.mask(1)[:], run.mask(2)[:]
    assert 16 * quarter.sum() == pytest.approx(mask.sum(), rel=0.25)
    for centre_y, centre_x in centres:
        assert sixteenth[centre_y // 16, centre_x // 16] == 1
    assert sixteenth.sum() <= 4 * len(centres)


def test_patches_without_tissue_are_background(begin: Begin) -> None:
    with begin() as run:
        state = run.patches().state
    assert state[0, 0] == PatchState.BACKGROUND
    assert np.count_nonzero(state == PatchState.PENDING) == state.size - 1


def test_the_callers_patches_are_its_own(begin: Begin) -> None:
    with begin() as run:
        run.patches().state[:] = PatchState.READ
        assert run.patches().state[0, 0] == PatchState.BACKGROUND


def test_a_resumed_run_says_where_its_um_per_px_is_known_from_now(begin: Begin) -> None:
    begin(um_per_px_source="estimated from 40×").close()
    with begin(um_per_px_source="given by user", device="other") as resumed:
        assert resumed.spec == replace(SPEC, um_per_px_source="given by user")


def test_a_resumed_run_keeps_the_partition_and_device_it_began_with(begin: Begin) -> None:
    begin().close()
    with begin(block_patches=4, device="cuda", precision="fp16", split=frozenset()) as resumed:
        assert resumed.spec == SPEC


@pytest.mark.parametrize(
    "change",
    [{"model": "accurate"}, {"weights_sha256": "11"}, {"threshold": 0.4}, {"um_per_px": 0.26},
     {"tissue_mask": False}, {"sixteenths": 31}],
)  # fmt: skip
def test_what_changes_the_numbers_is_another_run(
    store: ResultStore, begin: Begin, change: dict[str, object]
) -> None:
    with begin() as run, begin(**change) as other:
        run.commit(made_up_result(run.lattice, FIRST))
        assert other.finished == frozenset()
        assert {spec.run_id for spec in store.runs()} == {run.spec.run_id, other.spec.run_id}


def test_the_run_estimated_last_is_the_last(store: ResultStore, begin: Begin) -> None:
    ids = []
    for model in ("fast", "accurate", "fast"):
        with begin(model=model) as run:
            ids.append(run.spec.run_id)
        assert [spec.run_id for spec in store.runs()][-1] == ids[-1]
    assert len(store.runs()) == 2


@pytest.mark.parametrize("run_id", ["", "fast-0", ".", ".."])
def test_a_run_that_is_not_there_is_told(store: ResultStore, begin: Begin, run_id: str) -> None:
    begin().close()
    with pytest.raises(StoreError, match=f"holds no run '{re.escape(run_id)}'"):
        store.run(run_id)


def test_a_chunk_that_is_gone_is_not_taken_for_background(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        window = run.lattice.window(FIRST)
    chunk = run.folder / "nuclei" / "0" / "c" / "1" / "0"
    chunk.unlink()
    reader = store.run(run.spec.run_id)
    assert reader.mask(0)[480:960, 480:960].any()
    with pytest.raises(StoreError, match=r"nuclei/0/c/1/0: is gone: .*--restart"):
        reader.mask(0)[window]


def test_a_patch_without_nuclei_needs_no_chunk(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
    assert not (run.folder / "nuclei" / "0" / "c" / "0" / "0").exists()
    assert not store.run(run.spec.run_id).mask(0)[:480, :480].any()


def test_a_digit_altered_in_the_journal_is_found(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        for block in (FIRST, SECOND):
            run.commit(made_up_result(run.lattice, block))
    journal = run.folder / "journal.jsonl"
    first, rest = journal.read_text().split("\n", 1)
    read = '"read_px":[230400'
    assert read in first
    journal.write_text(first.replace(read, '"read_px":[130400') + "\n" + rest)
    with pytest.raises(StoreError, match="line 1 is damaged"):
        store.run(run.spec.run_id)


def test_the_last_line_of_a_finished_run_is_not_taken_for_a_torn_one(
    store: ResultStore, begin: Begin
) -> None:
    with begin() as run:
        write_run(run, order_seed=1)
    journal = run.folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().removesuffix(b"}\n") + b"\n")
    with pytest.raises(StoreError, match="is damaged"):
        store.run(run.spec.run_id)


@pytest.mark.parametrize("lines", [0, 1, 3])
def test_a_journal_that_lost_its_last_lines_is_not_taken_for_all_of_a_finished_run(
    store: ResultStore, begin: Begin, lines: int
) -> None:
    with begin() as run:
        write_run(run, order_seed=1)
    journal = run.folder / "journal.jsonl"
    expected, nuclei = run.patches(), run.nuclei()
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]))
    with pytest.raises(StoreError, match=r"journal\.jsonl: cut short: estimate .* again"):
        store.run(run.spec.run_id)
    with begin() as resumed:
        write_run(resumed, order_seed=2)
    healed = store.run(run.spec.run_id)
    assert np.array_equal(healed.patches().nucleus_px, expected.nucleus_px)
    assert np.array_equal(healed.nuclei(), nuclei)


def test_a_run_that_was_finished_early_has_lost_nothing(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        run.finish()
    reader = store.run(run.spec.run_id)
    assert reader.is_finished
    assert reader.finished == {FIRST}


def test_who_adds_to_a_finished_run_does_not_make_it_look_cut_short(
    store: ResultStore, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as run:
        write_run(run, order_seed=1)
    before = read_attributes(run.folder)
    with begin() as writer:
        writer.take_back([FIRST])
        answers = iter([before])  # as it was read before the writer began
        latest = read_attributes(run.folder)
        monkeypatch.setattr(
            "napari_glioma_density.results.run.read_attributes", lambda _: next(answers, latest)
        )
        assert FIRST not in store.run(run.spec.run_id).finished


@pytest.mark.parametrize("at", [0, 3, 9, 40])
def test_one_altered_bit_of_the_nuclei_is_found(store: ResultStore, begin: Begin, at: int) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        run.commit(made_up_result(run.lattice, SECOND))
    file = run.folder / "nuclei.bin"
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"nuclei\.bin: is damaged, .*--restart"):
        store.run(run.spec.run_id).nuclei()


def test_nuclei_of_a_journal_of_before_their_checksums_are_read(
    store: ResultStore, begin: Begin
) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        expected = run.nuclei()
    journal = run.folder / "journal.jsonl"
    early = json.loads(journal.read_text())
    del early["crc32"], early["nuclei_crc32"]
    journal.write_text(json.dumps(early) + "\n")
    assert np.array_equal(store.run(run.spec.run_id).nuclei(), expected)


@pytest.mark.parametrize("level", [1, 2])
def test_a_coarse_chunk_that_is_gone_is_made_again_from_what_was_measured(
    store: ResultStore, begin: Begin, level: int
) -> None:
    with begin() as run:
        write_run(run, order_seed=1)
        expected = run.mask(level)[:, :]
    assert expected.any()
    for chunk in (run.folder / f"nuclei/{level}/c").glob("*/*"):
        chunk.unlink()
    mask = store.run(run.spec.run_id).mask(level)
    assert np.array_equal(mask[:, :], expected)
    assert np.array_equal(mask[37:131, 50:170], expected[37:131, 50:170])


def test_a_journal_of_before_checksums_is_read(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        expected = run.patches()
    journal = run.folder / "journal.jsonl"
    early = json.loads(journal.read_text())
    del early["crc32"]
    journal.write_text(json.dumps(early) + "\n")
    patches = store.run(run.spec.run_id).patches()
    assert np.array_equal(patches.nucleus_px, expected.nucleus_px)


def test_a_spec_survives_json(spec: RunSpec) -> None:
    assert RunSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_a_second_writer_is_refused_and_may_come_later(begin: Begin) -> None:
    with begin(), pytest.raises(StoreError, match="being written by another program"):
        begin()
    begin().close()


def test_another_process_that_writes_keeps_writers_out_and_lets_readers_in(
    store: ResultStore, begin: Begin
) -> None:
    command = [sys.executable, made_up_blocks.__file__, str(store.path), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(StoreError, match="another program"):
            begin()
        seen = store.run(SPEC.run_id)
        assert seen.finished <= set(partition(seen.lattice, 2, SPEC.split))
        writer.kill()


def test_a_reader_cannot_commit(store: ResultStore, begin: Begin) -> None:
    begin().close()
    reader = store.run(SPEC.run_id)
    with pytest.raises(StoreError, match="opened for reading"):
        reader.commit(made_up_result(reader.lattice, FIRST))


def test_a_block_is_committed_once(begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        with pytest.raises(ValueError, match="are finished"):
            run.commit(made_up_result(run.lattice, Block(1, 1, 1, 1)))


def test_a_result_that_does_not_fit_its_block_is_refused(begin: Begin) -> None:
    with begin() as run:
        result = made_up_result(run.lattice, FIRST)
        with pytest.raises(ValueError, match="mask of"):
            run.commit(replace(result, mask=result.mask[1:]))
        with pytest.raises(ValueError, match="count of"):
            run.commit(replace(result, count=result.count[1:]))
        assert run.finished == frozenset()


def test_finishing_writes_totals_and_a_table_sorted_by_place(begin: Begin) -> None:
    with begin() as run:
        write_run(run, order_seed=1)
        run.finish()
        assert run.is_finished
        table = zarr.open_group(run.folder / "table", mode="r")
        nuclei = run.nuclei()
        for field in NUCLEUS_DTYPE.names or ():
            assert np.array_equal(table[field][:], nuclei[field])
        attributes = json.loads((run.folder / "zarr.json").read_text())["attributes"]
    patch = nuclei["y_px"] // 480 * 100 + nuclei["x_px"] // 480
    assert np.all(np.diff(patch) >= 0)
    assert attributes["totals"]["patches"] == 48


def test_a_run_without_nuclei_can_be_finished(begin: Begin) -> None:
    with begin() as run:
        run.finish()
        assert len(run.nuclei()) == 0


def test_a_finished_run_takes_more_blocks(begin: Begin) -> None:
    with begin() as region:
        region.commit(made_up_result(region.lattice, FIRST))
        region.finish()
        before = len(region.nuclei())
    with begin() as run:
        run.commit(made_up_result(run.lattice, SECOND))
        assert not run.is_finished
        run.finish()
        assert zarr.open_array(run.folder / "table" / "y_px", mode="r").shape[0] > before


def test_a_restart_throws_the_earlier_results_away(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
    with store.restart(SPEC, TISSUE) as anew:
        assert anew.finished == frozenset()
        assert not anew.mask(0)[:, :].any()
        anew.commit(made_up_result(anew.lattice, SECOND))
        assert len(store.runs()) == 1


@pytest.mark.parametrize("failing_sync", range(1, 12))
def test_after_a_full_disk_nothing_half_written_is_believed(
    store: ResultStore, begin: Begin, monkeypatch: pytest.MonkeyPatch, failing_sync: int
) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        kept = len(run.nuclei())
        result = made_up_result(run.lattice, SECOND)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full_disk_at(failing_sync))
            with pytest.raises(StoreError, match="disk is full"):
                run.commit(result)
        believed = run.finished
        assert FIRST in believed
        assert SECOND in believed or len(run.nuclei()) == kept
    with begin() as resumed:
        if SECOND not in resumed.finished:
            resumed.commit(result)
        assert np.array_equal(resumed.mask(0)[resumed.lattice.window(SECOND)], result.mask)
        assert len(resumed.nuclei()) == kept + len(result.nuclei)
        levels = [resumed.mask(level)[:] for level in (1, 2)]
    with store.restart(SPEC, TISSUE) as calm:
        for block in (SECOND, FIRST):
            calm.commit(made_up_result(calm.lattice, block))
        for level, expected in zip((1, 2), levels, strict=True):
            assert np.array_equal(calm.mask(level)[:], expected)


def full_disk_at(call: int) -> Callable[[int], None]:
    calls = iter(range(1, 1000))
    sync = os.fsync

    def fsync(handle: int) -> None:
        if next(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    return fsync


def test_a_run_that_was_never_made_whole_is_made_again(store: ResultStore, begin: Begin) -> None:
    leftover = store.path / "runs" / f".new-{SPEC.run_id}" / "nuclei"
    leftover.mkdir(parents=True)
    assert store.runs() == ()
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
    assert not leftover.exists()


def test_what_a_failed_commit_left_is_taken_away_though_others_followed(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    with begin() as run:
        result = made_up_result(run.lattice, FIRST)
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full_disk_at(3))
            with pytest.raises(StoreError, match="disk is full"):
                run.commit(result)
        run.commit(made_up_result(run.lattice, SECOND))
        assert run.mask(0)[run.lattice.window(FIRST)].any()
    with begin() as resumed:
        assert not resumed.mask(0)[resumed.lattice.window(FIRST)].any()
        assert resumed.finished == {SECOND}


def test_garbage_inside_a_journal_names_the_file_and_the_way_out(begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        run.commit(made_up_result(run.lattice, SECOND))
        journal = run.folder / "journal.jsonl"
    journal.write_bytes(b"garbage\n" + journal.read_bytes())
    with pytest.raises(StoreError, match=r"journal\.jsonl: line 1 is damaged.*--restart"):
        begin()
    with pytest.raises(StoreError, match="damaged"):
        begin()


def test_lost_nuclei_are_noticed(begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        (run.folder / "nuclei.bin").write_bytes(b"")
    with pytest.raises(StoreError, match=r"nuclei\.bin: cut short.*--restart"):
        begin()


def test_a_damaged_array_is_told_in_one_line(begin: Begin) -> None:
    begin().close()
    run = begin()
    run.close()
    (run.folder / "nuclei" / "1" / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="arrays are damaged"):
        begin()


def test_a_tissue_map_of_another_size_is_told_in_one_line(begin: Begin) -> None:
    run = begin()
    run.close()
    described = run.folder / "tissue" / "zarr.json"
    array = json.loads(described.read_text())
    described.write_text(json.dumps({**array, "shape": [array["shape"][0], 0]}))
    with pytest.raises(StoreError, match="arrays are damaged"):
        begin()


def test_a_tissue_map_that_lost_a_chunk_is_not_taken_for_glass(begin: Begin) -> None:
    run = begin()
    run.close()
    (run.folder / "tissue" / "c" / "0" / "0").unlink()
    with pytest.raises(StoreError, match="tissue map is damaged: compute this run anew"):
        begin()


def test_a_reader_is_told_that_its_run_was_begun_anew(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
    reader = store.run(SPEC.run_id)
    assert len(reader.nuclei())
    store.restart(SPEC, TISSUE).close()
    with pytest.raises(StoreError, match="begun this run anew: open the slide again"):
        reader.nuclei()


def test_a_run_of_a_newer_version_is_named_with_the_way_out(
    store: ResultStore, begin: Begin
) -> None:
    run = begin()
    run.close()
    attributes = read_attributes(run.folder)
    newer = {**attributes, "spec": {**attributes["spec"], "focus_plane": 3}}
    write_attributes(run.folder, newer)
    with pytest.raises(StoreError, match=r"newer version \(focus_plane\).*move the folder away"):
        store.runs()


def test_a_file_that_is_held_open_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, replace_ = tmp_path / "0", Path.replace
    refusals = [PermissionError(13, "Access is denied")] * 2
    monkeypatch.setattr(durable, "_HELD_OPEN_S", (0.0, 0.0, 0.0))

    def held(part: Path, target: Path) -> Path:
        if refusals:
            raise refusals.pop()
        return replace_(part, target)

    monkeypatch.setattr(Path, "replace", held)
    durable.write_atomically(path, b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"new"]
    refusals[:] = [PermissionError(13, "Access is denied")] * 9
    with pytest.raises(PermissionError):
        durable.write_atomically(path, b"newer")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"new"]


@pytest.mark.parametrize(
    "change", [{"height_px": "900"}, {"threshold": None}, {"block_patches": 0}, {"split": [[1]]}]
)
def test_a_specification_of_other_kinds_is_told_in_one_line(
    begin: Begin, change: dict[str, object]
) -> None:
    run = begin()
    run.close()
    attributes = read_attributes(run.folder)
    write_attributes(run.folder, {**attributes, "spec": {**attributes["spec"], **change}})
    with pytest.raises(StoreError, match="its specification is damaged"):
        Run(run.folder)


@pytest.mark.parametrize("content", [b"", b"no chunk", b"\x28\xb5\x2f\xfd garbage"])
def test_a_damaged_chunk_names_its_level_and_the_way_out(begin: Begin, content: bytes) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        (run.folder / "nuclei" / "0" / "c" / "0" / "0").write_bytes(content)
        with pytest.raises(StoreError, match=r"nuclei/0: its arrays are damaged.*--restart"):
            run.mask(0)[run.lattice.window(FIRST)]


def test_a_damaged_coarse_chunk_is_told_to_who_adds_a_block(begin: Begin) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        (run.folder / "nuclei" / "2" / "c" / "0" / "0").write_bytes(b"no chunk")
        with pytest.raises(StoreError, match=r"is damaged.*--restart"):
            run.commit(made_up_result(run.lattice, SECOND))


@pytest.mark.parametrize(
    ("field", "value"), [("y_px", np.nan), ("y_px", -1), ("y_px", 1e9), ("origin", 64)]
)
def test_nuclei_beside_the_slide_or_of_nobody_are_noticed(
    begin: Begin, field: str, value: float
) -> None:
    with begin() as run:
        run.commit(made_up_result(run.lattice, FIRST))
        nuclei = np.fromfile(run.folder / "nuclei.bin", NUCLEUS_DTYPE)
        nuclei[field][0] = value
        nuclei.tofile(run.folder / "nuclei.bin")
        with pytest.raises(StoreError, match=r"nuclei\.bin: is damaged.*--restart"):
            run.nuclei()


@pytest.mark.parametrize("slide", [None, [], {"pseudonym": "slide-0000"}, {"width": {}}])
def test_a_store_that_does_not_say_its_slide_is_damaged(store: ResultStore, slide: object) -> None:
    write_attributes(store.path, {"schema_version": 1, "slide": slide})
    with pytest.raises(StoreError, match="attributes are damaged; move the folder away"):
        recorded_slide(store.path)


def test_a_store_of_another_slide_is_refused(store: ResultStore) -> None:
    with pytest.raises(StoreError, match="belongs to another slide"):
        ResultStore.open(store.path, "f2", "slide-1111", 10, 10)


def test_a_store_of_a_newer_version_is_refused(store: ResultStore) -> None:
    root = store.path / "zarr.json"
    root.write_text(root.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(StoreError, match=r"newer version.*update"):
        ResultStore.open(store.path, "f1", "slide-0000", 9000, 7000)


def test_a_zarr_folder_of_another_program_is_refused(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "other.zarr", attributes={"made by": "someone"})
    with pytest.raises(StoreError, match="not written by this program"):
        ResultStore.open(tmp_path / "other.zarr", "f1", "slide-0000", 9000, 7000)


def test_an_unreadable_store_is_refused(store: ResultStore) -> None:
    (store.path / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="no readable results"):
        ResultStore.open(store.path, "f1", "slide-0000", 9000, 7000)


def test_a_file_where_a_folder_is_needed_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match="cannot be read or written"):
        ResultStore.open(tmp_path / "taken" / "a.glioma.zarr", "f1", "slide-0000", 9, 9)


def test_the_whole_store_is_a_zarr_hierarchy(store: ResultStore, begin: Begin) -> None:
    with begin() as run:
        write_run(run, order_seed=2)
    root = zarr.open_group(store.path, mode="r")
    group = root[f"runs/{SPEC.run_id}"]
    assert root.attrs["slide"]["pseudonym"] == "slide-0000"
    assert group.attrs["finished"] is True
    assert group.attrs["spec"]["model"] == "fast"
    assert group["nuclei/2"].shape == (157, 213)
    assert np.array_equal(group["tissue"][:], TISSUE)
