"""What a person said of the specimen, read from a store."""

import json
from pathlib import Path

import pytest

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.specimen import (
    ASKED,
    SPECIMENS,
    keep_specimen,
    stored_specimen,
)


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_what_was_chosen_is_read(tmp_path: Path, specimen: str) -> None:
    (tmp_path / ASKED).write_text(json.dumps({"specimen": specimen, "device": "cpu"}))
    assert stored_specimen(tmp_path) == specimen


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'{"specimen": 7}', b'{"specimen": "fresh"}', b"\xff", b"[" * 9999],
)
def test_what_is_damaged_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ASKED).write_bytes(content)
    assert stored_specimen(tmp_path) == "unknown"


def test_what_is_kept_takes_the_place_of_the_specimen_alone(tmp_path: Path) -> None:
    (tmp_path / ASKED).write_text(json.dumps({"specimen": "ffpe", "device": "cpu"}))
    keep_specimen(tmp_path, "smear")
    kept = json.loads((tmp_path / ASKED).read_text())
    assert kept == {"specimen": "smear", "device": "cpu"}


def test_a_store_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ASKED).mkdir()
    with pytest.raises(StoreError, match=ASKED):
        keep_specimen(tmp_path, "smear")


def test_where_nobody_chose_it_is_unknown(tmp_path: Path) -> None:
    assert stored_specimen(tmp_path) == "unknown"
    (tmp_path / ASKED).mkdir()
    assert stored_specimen(tmp_path) == "unknown"
