"""Files and folders that are there whole or not at all."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_glioma_density.durable import sync_files, sync_folder, sync_tree
from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.results.failures import explained

WHEN_FULL = "what was there before is kept: free some space and export again"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; it takes the place of `path` when the body ends well.

    Raises
    ------
    StoreError
        When the disk is full or refuses; `path` is then as it was.
    """
    part = _beside(path, "partial")
    with explained(path, WHEN_FULL):
        try:
            yield part
            sync_files([part])
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


@contextmanager
def whole_files(folder: Path) -> Iterator[Path]:
    """Give a folder to write files to that belong together; they move to `folder` at the end.

    There they take the places of those of the same names, once all of them are on disk; other
    files of `folder` stay. It is made when it is not there.

    Raises
    ------
    StoreError
        When the disk is full or refuses, or another program holds one of the files; `folder` is
        then as it was.
    """
    is_new = not folder.exists()
    _make_folder(folder)
    part = folder / f".{uuid.uuid4().hex}.partial"
    try:
        with explained(folder, WHEN_FULL):
            part.mkdir()
            with _named_as_in(folder, part):
                yield part
            sync_tree(part)
            _move_together(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if is_new:
            with suppress(OSError):  # where anything lies in it, it stays
                folder.rmdir()


def _move_together(part: Path, folder: Path) -> None:
    """Put files in the places of those of their names: all of them or none.

    The earlier files are kept aside, in the same folder, until all new ones are in place: however
    the program ends meanwhile, none of them is lost.
    """
    before = folder / f".{uuid.uuid4().hex}.before"
    before.mkdir()
    names = sorted(file.name for file in part.iterdir())
    try:
        for name in names:
            _keep(folder / name, before / name)
        sync_folder(before)
        for name in names:
            with _holder_named(folder / name):
                (part / name).replace(folder / name)
        sync_folder(folder)
    except BaseException:
        _put_back((name for name in names if not (part / name).exists()), before, folder)
        shutil.rmtree(before, ignore_errors=True)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _keep(file: Path, aside: Path) -> None:
    if not file.exists():
        return
    with _holder_named(file):
        try:
            os.link(file, aside)
        except OSError:  # not every disk knows a file by two names
            shutil.copy2(file, aside)
            sync_files([aside])


def _put_back(names: Iterable[str], before: Path, folder: Path) -> None:
    try:
        for name in names:
            if (before / name).exists():
                (before / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: holds files of two exports ({error.strerror}): export again, or take those "
            f"of before out of {before.name}"
        ) from error


@contextmanager
def _holder_named(file: Path) -> Iterator[None]:
    """Tell of a file that cannot be replaced: on Windows one that is open elsewhere cannot."""
    try:
        yield
    except PermissionError as error:
        raise StoreError(
            f"{file}: cannot be replaced ({error.strerror}); what was there before is kept: close "
            "it in the other program, then export again"
        ) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); choose another") from error


@contextmanager
def _named_as_in(folder: Path, part: Path) -> Iterator[None]:
    """Have errors name files as they would lie in `folder`."""
    try:
        yield
    except StoreError as error:
        raise StoreError(str(error).replace(f"{part}{os.sep}", f"{folder}{os.sep}")) from error


@contextmanager
def whole_folder(path: Path, may_replace: Callable[[Path], bool], kind: str) -> Iterator[Path]:
    """Give a folder beside `path` to fill; it takes the place of `path` when the body ends well.

    Parameters
    ----------
    path
        The folder to make.
    may_replace
        Tells of a folder already there whether it is of the kind that is written.
    kind
        That kind, in words.

    Raises
    ------
    BadInput
        When something else is there.
    StoreError
        When the disk is full or refuses; `path` is then as it was.
    """
    if path.exists() and not may_replace(path):
        raise BadInput(f"{path}: is there already and is no {kind}: choose another name")
    part = _beside(path, "partial")
    with explained(path, WHEN_FULL):
        try:
            yield part
            sync_tree(part)
            _exchange(part, path)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        sync_folder(path.parent)


def _exchange(part: Path, path: Path) -> None:
    """Put a folder in the place of another; the other goes only once the new one is there."""
    if not path.exists():
        part.rename(path)
        return
    old = _beside(path, "old")
    path.rename(old)
    try:
        part.rename(path)
    except BaseException:
        old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.{suffix}")
