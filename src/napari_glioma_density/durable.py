"""Writing to disk such that what was reported as written survives a crash."""

import os
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_HELD_OPEN_S: Final = (0.01, 0.03, 0.1, 0.3, 1.0) if os.name == "nt" else ()
"""Pauses before a file is tried again that Windows will not replace while another reads it."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file whole: readers see the old content or the new, after a crash too."""
    place(path, data)
    sync_folder(path.parent)


def place(path: Path, data: bytes) -> None:
    """Replace a file whole, its content on disk; its name is after :func:`sync_folder`."""
    # Short: some systems allow a path 260 characters.
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _replace(part: Path, path: Path) -> None:
    for pause in _HELD_OPEN_S:
        try:
            part.replace(path)
        except PermissionError:
            time.sleep(pause)
        else:
            return
    part.replace(path)


def sync_files(paths: Iterable[Path]) -> None:
    """Flush those files that exist."""
    for path in paths:
        if path.is_file():
            _sync(path, os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """Flush the entries of a folder: new names, and names taken away."""
    if os.name == "posix" and folder.is_dir():  # elsewhere folders cannot be opened for this
        _sync(folder, os.O_RDONLY)


def sync_tree(folder: Path) -> None:
    """Flush every file and folder below, and the folder's own name."""
    inside = list(folder.rglob("*"))
    sync_files(inside)
    for path in (*inside, folder, folder.parent):
        sync_folder(path)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_tail(path: Path, offset: int, data: bytes = b"") -> None:
    """End a file with `data` at `offset`, cutting off what else was there; on disk on return.

    If the disk refuses, the file ends at `offset`: no part of `data` stays.
    """
    with path.open("r+b", buffering=0) as file:
        file.truncate(offset)
        file.seek(offset)
        try:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                file.truncate(offset)
            raise
