"""Edits reach disk soon, the latest first, and a full disk loses none."""

import errno
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_fields import make_record, make_state, measure, same_state

from napari_glioma_density.annotation import autosave, collection
from napari_glioma_density.annotation.autosave import Autosave
from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.density import Block

RECORD, OTHER = make_record(), make_record(Block(6, 6, 1, 1))
RGB = np.zeros((480, 480, 3), np.uint8)
STATES = [make_state(RECORD, seed, 12) for seed in range(8)]
MEASURED = [measure(RECORD, state) for state in STATES]


@pytest.fixture
def corrections(tmp_path: Path) -> Iterator[Corrections]:
    with Corrections.open(tmp_path) as opened:
        for record in (RECORD, OTHER):
            opened.begin(record, RGB, make_state(record, 0, 12))
        yield opened


@pytest.fixture
def told() -> list[str | None]:
    return []


@pytest.fixture
def saving(corrections: Corrections, told: list[str | None]) -> Iterator[Autosave]:
    autosaving = Autosave(corrections, told.append)
    yield autosaving
    autosaving.close()


def submit(saving: Autosave, number: int) -> None:
    saving.submit(RECORD.name, STATES[number], *MEASURED[number])


def wait_until_saved(saving: Autosave, revision: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and saving.saved(RECORD.name) != revision:
        time.sleep(0.005)
    return saving.saved(RECORD.name) == revision


def test_an_edit_is_on_disk_within_a_second(saving: Autosave, corrections: Corrections) -> None:
    for number in (1, 2, 3):
        submit(saving, number)
        assert wait_until_saved(saving, number, 1.0)
        assert corrections.load(RECORD.name).revision == number


def test_many_edits_are_few_saves_and_the_latest_wins(
    saving: Autosave, corrections: Corrections
) -> None:
    for number in range(1, 8):
        submit(saving, number)
    assert saving.flush()
    assert same_state(corrections.load(RECORD.name), STATES[7])
    assert len(corrections.generations(RECORD.name)) <= 3


def test_fields_do_not_push_each_other_out(saving: Autosave, corrections: Corrections) -> None:
    other = make_state(OTHER, 5, 12)
    submit(saving, 1)
    saving.submit(OTHER.name, other, *measure(OTHER, other))
    submit(saving, 2)
    assert saving.flush()
    assert corrections.load(RECORD.name).revision == 2
    assert corrections.load(OTHER.name).revision == 5


def test_closing_saves_what_waits(corrections: Corrections, told: list[str | None]) -> None:
    saving = Autosave(corrections, told.append)
    for number in (1, 2, 3):
        submit(saving, number)
    saving.close()
    assert corrections.load(RECORD.name).revision == 3
    assert told == []


def test_a_full_disk_is_told_once_and_then_that_all_is_saved(
    saving: Autosave,
    corrections: Corrections,
    told: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autosave, "RETRY_S", 0.05)
    with monkeypatch.context() as full:
        full.setattr(collection, "write_atomically", _disk_is_full)
        submit(saving, 1)
        assert not saving.flush()
        submit(saving, 2)
        assert not saving.flush()
        assert len(told) == 1
        assert "the disk is full" in str(told[0])
        assert saving.problem == told[0]
    assert wait_until_saved(saving, 2, 2.0)
    assert saving.flush()
    assert told[1:] == [None]
    assert corrections.load(RECORD.name).revision == 2


def test_closing_on_a_full_disk_ends_and_names_what_is_lost(
    corrections: Corrections, told: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collection, "write_atomically", _disk_is_full)
    saving = Autosave(corrections, told.append)
    submit(saving, 1)
    began = time.monotonic()
    saving.close()
    assert time.monotonic() - began < autosave.RETRY_S
    assert RECORD.name in str(told[-1])
    assert not any(thread.name == "autosave" for thread in threading.enumerate())


def test_a_removed_field_is_not_missed(
    saving: Autosave, corrections: Corrections, told: list[str | None]
) -> None:
    submit(saving, 1)
    saving.forget(RECORD.name)
    corrections.remove(RECORD.name)
    assert saving.flush()
    assert told == []


def test_an_unforeseen_fault_is_told_and_does_not_end_saving(
    saving: Autosave, told: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "RETRY_S", 0.05)
    with monkeypatch.context() as broken:
        broken.setattr(collection, "encode_field", lambda *_: 1 / 0)
        submit(saving, 1)
        assert not saving.flush()
    assert wait_until_saved(saving, 1, 2.0)
    assert "division by zero" in str(told[0])


def _disk_is_full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")
