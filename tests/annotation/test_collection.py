"""Corrections on disk: a data set with a memory, written by one window at a time."""

import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_fields import make_record, make_state, measure, same_state

from napari_glioma_density.annotation import collection, field_file, generations
from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldRecord, FieldState
from napari_glioma_density.annotation.generations import Generation, worth_keeping
from napari_glioma_density.density import Block
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import ResultStore
from napari_glioma_density.training.dataset import open_data_set, read_field, read_slide_colours

RECORD = make_record()
RGB = np.random.default_rng(0).integers(0, 255, (480, 480, 3), np.uint8)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "slide.svs.glioma.zarr"
    ResultStore.open(path, "f1", "slide-0000", 9000, 7000)
    return path


def begin(corrections: Corrections, record: FieldRecord = RECORD, seed: int = 0) -> FieldState:
    state = make_state(record, seed)
    corrections.begin(record, RGB, state, *measure(record, state))
    return state


def save(corrections: Corrections, state: FieldState, record: FieldRecord = RECORD) -> None:
    corrections.save(record.name, state, *measure(record, state))


def state_in(path: Path) -> FieldState:
    labels, notes = field_file.read_field(path)
    return notes.state(labels)


def folder_of(store: Path) -> Path:
    return store / "corrections" / "first"


def test_a_slide_without_corrections_has_none(store: Path) -> None:
    assert Corrections.open(store, writable=False).records() == ()
    assert not (store / "corrections").exists()


def test_a_field_comes_back_after_closing(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        save(corrections, make_state(RECORD, 1, 30))
    reopened = Corrections.open(store, writable=False)
    assert reopened.records() == (RECORD,)
    assert reopened.record(RECORD.name) == RECORD
    assert same_state(reopened.load(RECORD.name), make_state(RECORD, 1, 30))
    assert np.array_equal(reopened.rgb(RECORD.name), RGB)
    assert len(reopened.nuclei(RECORD.name)) == 30


def test_the_folder_is_a_data_set(store: Path) -> None:
    other = replace(make_record(Block(5, 5, 1, 1), case="case 8"), organ="other")
    with Corrections.open(store) as corrections:
        for seed, record in enumerate((RECORD, other)):
            begin(corrections, record)
            save(corrections, make_state(record, seed, done=True), record)
    data = open_data_set(folder_of(store))
    assert (data.name, data.licence, data.ships_weights) == (
        "slide-0000 first reader",
        "private",
        False,
    )
    assert [(field.um_per_px, field.organ, field.patient) for field in data] == [
        (0.5, "brain", "case 7"),
        (0.5, "other", "case 8"),
    ]
    pixels = read_field(data.fields[1])
    assert np.array_equal(pixels.labels, make_state(other, 1).labels)
    assert np.array_equal(pixels.rgb, RGB)


def test_nothing_but_corrections_changes_in_the_store(store: Path) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    with Corrections.open(store) as corrections:
        begin(corrections)
    after = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    new = {path.relative_to(store).parts[0] for path in after.keys() - before.keys()}
    assert {path: after[path] for path in before} == before
    assert new == {"corrections"}
    assert ResultStore.open(store, "f1", "slide-0000", 9000, 7000).runs() == ()


def test_fields_share_no_patch(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections, make_record(Block(2, 2, 2, 2)))
        overlapping = make_record(Block(3, 3, 1, 1))
        with pytest.raises(StoreError, match="open it instead"):
            begin(corrections, overlapping)
        assert len(corrections.records()) == 1


def test_fields_of_two_planes_share_patches_and_no_file(store: Path) -> None:
    coarser = make_record(sixteenths=20)
    with Corrections.open(store) as corrections:
        first = begin(corrections)
        corrections.begin(coarser, RGB, second := make_state(coarser, 1))
        inside = make_record(Block(RECORD.block.row, RECORD.block.column, 1, 1), sixteenths=20)
        with pytest.raises(StoreError, match="open it instead"):
            begin(corrections, inside)
    opened = Corrections.open(store, writable=False)
    one, other = opened.records()
    assert (one, other) == (RECORD, replace(coarser, apart=1))
    assert same_state(opened.load(one.name), first)
    assert same_state(opened.load(other.name), second)
    manifest = json.loads((opened.folder / "manifest.json").read_text())
    assert [image["field"].get("apart") for image in manifest["images"]] == [None, 1]


def test_colours_of_the_slide_are_kept_once_and_go_with_its_fields(store: Path) -> None:
    colours = np.random.default_rng(1).integers(0, 256, (500, 3), np.uint8)
    other = make_record(sixteenths=20)
    with Corrections.open(store) as corrections:
        corrections.keep_colours(RECORD, lambda: colours)
        corrections.keep_colours(RECORD, lambda: colours[:1])
        for record in (RECORD, other):
            corrections.begin(record, RGB, replace(make_state(record), done=True))
        folder = corrections.folder
    known, unknown = open_data_set(folder)
    read = read_slide_colours(known)
    assert read is not None
    assert np.array_equal(read, colours)
    assert read_slide_colours(unknown) is None, "it is of another plane"


def test_a_second_writer_is_told_and_readers_are_not_kept_out(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        with pytest.raises(StoreError, match="annotated in another window"):
            Corrections.open(store)
        Corrections.open(store, "second").close()
        assert Corrections.open(store, writable=False).load(RECORD.name).revision == 0
    Corrections.open(store).close()


def test_a_reader_does_not_write(store: Path) -> None:
    with pytest.raises(StoreError, match="opened for reading"):
        begin(Corrections.open(store, writable=False))


def test_done_is_known_from_the_field_when_the_manifest_lags(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Corrections.open(store) as corrections:
        state = begin(corrections)
        with monkeypatch.context() as patch:
            patch.setattr(collection, "write_manifest", _refuse)
            with pytest.raises(StoreError):
                save(corrections, replace(state, done=True, revision=1))
    with Corrections.open(store):
        manifest = json.loads((folder_of(store) / "manifest.json").read_text())
        assert manifest["images"][0]["done"]
    manifest = json.loads((folder_of(store) / "manifest.json").read_text())
    assert manifest["images"][0]["done"] is True


def _refuse(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


@pytest.mark.parametrize("step", ["write_png", "write_atomically", "write_manifest"])
def test_a_beginning_cut_short_leaves_no_half_field(
    store: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    with Corrections.open(store) as corrections, monkeypatch.context() as patch:
        patch.setattr(collection, step, _refuse)
        with pytest.raises(StoreError, match=r"disk is full|No space|no space"):
            begin(corrections)
    with Corrections.open(store) as reopened:
        assert reopened.records() == ()
        for kind in ("images", "labels"):
            assert not list((folder_of(store) / kind).iterdir())
        begin(reopened)
        assert reopened.generations(RECORD.name) == ()


def test_a_lost_manifest_loses_no_labels(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
    (folder_of(store) / "manifest.json").unlink()
    mine = folder_of(store) / "images" / "note to self.png"
    mine.write_bytes(b"")
    Corrections.open(store).close()
    aside = folder_of(store) / "history" / f"{RECORD.name}.removed-1"
    assert same_state(state_in(aside / "label.png"), make_state(RECORD))
    assert mine.exists(), "what this program did not write is not its to remove"


def test_a_save_that_fails_leaves_the_state_before(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        with monkeypatch.context() as patch:
            patch.setattr(collection, "write_atomically", _refuse)
            with pytest.raises(StoreError, match="disk is full; the last saved state is kept"):
                save(corrections, make_state(RECORD, 1))
        assert same_state(corrections.load(RECORD.name), make_state(RECORD, 0))
        save(corrections, make_state(RECORD, 1))
        assert same_state(corrections.load(RECORD.name), make_state(RECORD, 1))


@pytest.mark.parametrize("links", [True, False])
def test_earlier_states_can_be_gone_back_to(
    store: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", _refuse)
    with Corrections.open(store) as corrections:
        begin(corrections)
        for seed in (1, 2, 3):
            save(corrections, make_state(RECORD, seed, 20 + seed))
        assert corrections.generations(RECORD.name) == (0, 1, 2)
        restored = corrections.restore(RECORD.name, 1)
        assert restored.revision == 4
        assert same_state(replace(restored, revision=1), make_state(RECORD, 1, 21))
        assert same_state(corrections.load(RECORD.name), restored)
        assert corrections.generations(RECORD.name) == (0, 1, 2, 3)
        values = corrections.values(RECORD.name)
        assert values is not None
        assert values.count.sum() == 21
        save(corrections, make_state(RECORD, 5))
        assert same_state(corrections.restore(RECORD.name, 4), replace(restored, revision=6))


def test_going_back_to_what_is_not_there_is_told(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        with pytest.raises(StoreError, match="is missing"):
            corrections.restore(RECORD.name, 7)


def test_history_keeps_the_first_the_newest_and_one_of_ten_minutes() -> None:
    states = [
        Generation(number, f"2026-11-20T{10 + number // 60:02}:{number % 60:02}:00+00:00")
        for number in range(100)
    ]
    kept = sorted(generation.revision for generation in worth_keeping(states))
    assert kept == [0, 9, 19, 29, 39, 49, 59, 69, 79, *range(80, 100)]
    assert worth_keeping(states[:3]) == set(states[:3])


def test_history_does_not_grow_with_every_save(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generations, "NEWEST_KEPT", 3)
    with Corrections.open(store) as corrections:
        begin(corrections)
        for seed in range(1, 12):
            save(corrections, make_state(RECORD, seed, 3))
        kept = corrections.generations(RECORD.name)
    assert {0, 8, 9, 10} <= set(kept)
    assert len(kept) <= 5, "a ten-minute mark may pass during the test"
    with Corrections.open(store) as reopened:
        save(reopened, make_state(RECORD, 12, 3))
        assert reopened.generations(RECORD.name)[-3:] == (9, 10, 11)


def test_a_removed_field_is_kept_aside_and_its_place_is_free(store: Path) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        save(corrections, make_state(RECORD, 1))
        corrections.remove(RECORD.name)
        assert corrections.records() == ()
        with pytest.raises(StoreError, match="holds no field"):
            corrections.record(RECORD.name)
        begin(corrections, seed=0)
        assert corrections.generations(RECORD.name) == ()
    aside = folder_of(store) / "history" / f"{RECORD.name}.removed-1"
    assert {path.name for path in aside.iterdir()} == {"0.png", "label.png", "image.png"}
    assert same_state(state_in(aside / "label.png"), make_state(RECORD, 1))


def test_a_removal_cut_short_is_finished_later(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Corrections.open(store) as corrections:
        begin(corrections)
        with monkeypatch.context() as patch:
            patch.setattr(collection, "put_away", _refuse)
            with pytest.raises(StoreError):
                corrections.remove(RECORD.name)
    with Corrections.open(store) as reopened:
        assert reopened.records() == ()
        assert not list((folder_of(store) / "labels").iterdir())
    aside = folder_of(store) / "history" / f"{RECORD.name}.removed-1"
    assert same_state(state_in(aside / "label.png"), make_state(RECORD))


def test_a_damaged_field_is_told_and_the_others_open(store: Path) -> None:
    other = make_record(Block(5, 5, 1, 1))
    with Corrections.open(store) as corrections:
        begin(corrections)
        save(corrections, make_state(RECORD, 1))
        begin(corrections, other)
    label = folder_of(store) / "labels" / f"{RECORD.name}.png"
    label.write_bytes(label.read_bytes()[:200])
    with Corrections.open(store) as reopened:
        assert same_state(reopened.load(other.name), make_state(other))
        with pytest.raises(StoreError, match="restore an earlier state"):
            reopened.load(RECORD.name)
        restored = reopened.restore(RECORD.name, 0)
        assert same_state(reopened.load(RECORD.name), restored)


@pytest.mark.parametrize(
    ("manifest", "told"),
    [
        ('{"schema": 2, "images": []}', "update the program"),
        ('{"images": []}', "not written by this program"),
        ('{"schema": 1, "images": [{}]}', "is damaged"),
        ("{", "is damaged"),
        ("[]", "is damaged"),
    ],
)
def test_a_manifest_that_is_not_understood_is_told(store: Path, manifest: str, told: str) -> None:
    folder_of(store).mkdir(parents=True)
    (folder_of(store) / "manifest.json").write_text(manifest)
    for _ in range(2):  # the lock of the first attempt is not left behind
        with pytest.raises(StoreError, match=told):
            Corrections.open(store)
