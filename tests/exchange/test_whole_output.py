"""Files that belong together are replaced together, whatever one of them meets."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from napari_glioma_density.errors import StoreError
from napari_glioma_density.exchange.whole_output import whole_files

NAMES = ("a.csv", "b.csv", "c.csv", "d.csv")
OLD = {name: f"old {name}" for name in NAMES[:3]}
"""The last one is new."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.fixture(params=["links", "no links"])
def _disk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)


def write(folder: Path) -> None:
    with whole_files(folder) as part:
        for name in NAMES:
            (part / name).write_text(f"new {name}")


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


Meets = Callable[[Path], None]


def meet(monkeypatch: pytest.MonkeyPatch, what: Meets) -> None:
    """Have every move of a file onto another meet something first."""
    move = Path.replace

    def moved(self: Path, target: Path) -> Path:
        if ".partial" in str(self):
            what(target)
        return move(self, target)

    monkeypatch.setattr(Path, "replace", moved)


def open_elsewhere(target: Path) -> None:
    if target.name == "c.csv":
        raise PermissionError(errno.EACCES, "Access is denied")


def interrupted(target: Path) -> None:
    if target.name == "c.csv":
        raise KeyboardInterrupt


@pytest.mark.usefixtures("_disk")
def test_all_are_replaced(folder: Path) -> None:
    write(folder)
    assert held(folder) == {name: f"new {name}" for name in NAMES}


@pytest.mark.usefixtures("_disk")
def test_none_is_replaced_where_one_is_open_elsewhere(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch, open_elsewhere)
    with pytest.raises(StoreError, match=r"c\.csv: cannot be replaced \(Access is denied\).*close"):
        write(folder)
    assert held(folder) == OLD


def test_none_is_replaced_where_the_program_is_interrupted(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(monkeypatch, interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(folder)
    assert held(folder) == OLD


@pytest.mark.usefixtures("_disk")
def test_none_is_lost_at_any_moment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def look(_: Path) -> None:
        there = {path.read_text() for path in folder.rglob("*.csv")}
        assert there >= {*OLD.values(), *(f"new {name}" for name in NAMES)}
        assert {*OLD} <= {path.name for path in folder.iterdir()}

    meet(monkeypatch, look)
    write(folder)
    assert sorted(held(folder)) == sorted(NAMES)


def test_what_cannot_be_put_back_is_kept_and_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.replace

    def once(self: Path, target: Path) -> Path:
        if ".before" in str(self) or target.name == "c.csv":
            raise PermissionError(errno.EACCES, "Access is denied")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(StoreError, match=r"two exports .* out of \.[0-9a-f]+\.before"):
        write(folder)
    (before,) = folder.glob(".*.before")
    assert held(before) == OLD
