"""A field in one PNG: read back whole, or refused in one line."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_fields import make_record, make_state, measure, same_state

from napari_glioma_density.annotation import field_file
from napari_glioma_density.annotation.field import FieldState, Nucleus, Origin
from napari_glioma_density.annotation.field_file import (
    FieldNotes,
    encode_field,
    read_field,
    read_notes,
    record_from_json,
    record_to_json,
)
from napari_glioma_density.density import Block
from napari_glioma_density.errors import StoreError

SAVED = "2026-11-20T12:30:00.000+00:00"
RECORD = make_record(Block(0, 3, 1, 2))


def notes_of(state: FieldState) -> FieldNotes:
    return FieldNotes.of(RECORD, state, *measure(RECORD, state), SAVED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    state = make_state(RECORD, seed=3, done=True, edits=2, seconds=12.5)
    file = tmp_path / "field.png"
    file.write_bytes(encode_field(state.labels, notes_of(state)))
    return file


def test_everything_comes_back(path: Path) -> None:
    state = make_state(RECORD, seed=3, done=True, edits=2, seconds=12.5)
    labels, notes = read_field(path)
    values, nuclei = measure(RECORD, state)
    assert same_state(notes.state(labels), state)
    assert notes.record == RECORD
    assert notes.saved == SAVED
    assert notes.values is not None
    assert notes.values.block == RECORD.block
    assert np.array_equal(notes.values.nucleus_px, values.nucleus_px)
    assert np.array_equal(notes.values.tissue_px, values.tissue_px)
    assert np.array_equal(notes.values.count, values.count)
    assert np.array_equal(notes.counted, nuclei)


def test_any_step_counts_as_an_edit_in_files_from_before_edits_were_counted() -> None:
    state = make_state(RECORD, revision=3, edits=1)
    written = notes_of(state).to_json()
    assert FieldNotes.from_json(written).edits == 1
    del written["edits"]
    assert FieldNotes.from_json(written).edits == 3


def test_what_was_read_comes_back_where_it_was_noted() -> None:
    state = make_state(RECORD)
    written = notes_of(state).to_json()
    assert "read_px" not in written["values"], "as in files from before it was noted"
    known = FieldNotes.from_json(written).values
    assert known is not None
    assert known.read_px is None
    assert known.saw_all(np.full((1, 2), 480**2)).all()
    written["values"]["read_px"] = [[1000, 7]]
    again = FieldNotes.from_json(json.loads(json.dumps(written)))
    assert again.to_json()["values"]["read_px"] == [[1000, 7]]
    assert again.values is not None
    assert again.values.saw_all(np.array([[1000, 8]])).tolist() == [[True, False]]


def test_notes_alone_are_the_same_notes(path: Path) -> None:
    assert read_notes(path).nuclei == read_field(path)[1].nuclei


def test_other_programs_see_16_bit_ids(path: Path) -> None:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, read_field(path)[0])


def test_a_record_survives_json() -> None:
    assert record_from_json(record_to_json(RECORD)) == RECORD


@pytest.mark.parametrize("organ", ["cerebrum", "Brain ", 5, None])
def test_an_organ_that_there_is_not_is_damage_to_a_field(organ: object) -> None:
    with pytest.raises(ValueError, match="organ is"):
        record_from_json(record_to_json(RECORD) | {"organ": organ})


def test_a_field_of_many_nuclei_is_read_back(tmp_path: Path) -> None:
    """The notes of 16 patches are larger than what Pillow reads of compressed text."""
    record = make_record(Block(0, 0, 4, 4))
    labels = np.zeros((1920, 1920), np.uint16)
    labels[::12, ::12] = np.arange(1, 160 * 160 + 1, dtype=np.uint16).reshape(160, 160)
    nuclei = {id_: Nucleus(Origin.MODEL) for id_ in range(1, 160 * 160 + 1)}
    state = FieldState(labels, nuclei)
    counted = np.zeros(len(nuclei), measure(RECORD, make_state(RECORD))[1].dtype)
    counted["y_px"] = np.random.default_rng(0).uniform(0, 1e5, len(nuclei))
    data = encode_field(labels, FieldNotes.of(record, state, None, counted, SAVED))
    (tmp_path / "large.png").write_bytes(data)
    read, notes = read_field(tmp_path / "large.png")
    assert np.array_equal(read, labels)
    assert np.array_equal(notes.counted, counted)


@pytest.mark.parametrize("cut", [0, 20, 900, -300, -60])
def test_a_file_cut_short_is_refused_in_one_line(path: Path, cut: int) -> None:
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(StoreError, match=r"field\.png: is damaged.*restore") as refused:
        read_field(path)
    assert "\n" not in str(refused.value)


def test_a_flipped_byte_is_never_taken_for_the_field(path: Path) -> None:
    whole, (labels, notes) = path.read_bytes(), read_field(path)
    for place in np.random.default_rng(0).integers(8, len(whole) - 12, 40).tolist():
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        try:
            read, told = read_field(path)
        except StoreError:
            continue
        assert np.array_equal(read, labels)
        assert told.nuclei == notes.nuclei


def test_a_png_of_another_program_is_refused(path: Path) -> None:
    cv2.imwrite(str(path), np.zeros((480, 960), np.uint16))
    with pytest.raises(StoreError, match="is damaged"):
        read_field(path)


def test_a_newer_version_asks_for_an_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, path = make_state(RECORD), tmp_path / "newer.png"
    with monkeypatch.context() as newer:
        newer.setattr(field_file, "SCHEMA", 2)
        path.write_bytes(encode_field(state.labels, notes_of(state)))
    with pytest.raises(StoreError, match=r"newer\.png: .*update the program"):
        read_notes(path)


@pytest.mark.parametrize("fault", ["unlisted", "undrawn", "size"])
def test_what_could_not_be_opened_again_is_not_written(fault: str) -> None:
    state = make_state(RECORD)
    first = next(iter(state.nuclei))
    if fault == "unlisted":
        state = replace(state, nuclei={i: n for i, n in state.nuclei.items() if i != first})
    elif fault == "undrawn":
        state = replace(state, nuclei={**state.nuclei, 65_000: Nucleus(Origin.HAND)})
    else:
        state = replace(state, labels=state.labels[:-1])
    notes = FieldNotes.of(RECORD, state, None, None, SAVED)
    with pytest.raises(StoreError, match="cannot be saved"):
        encode_field(state.labels, notes)
