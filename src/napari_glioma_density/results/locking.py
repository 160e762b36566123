"""Locks that keep a second writer out."""

from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from napari_glioma_density.errors import StoreError, StoreInUse
from napari_glioma_density.results.failures import explained


def take_lock(lock_file: Path, name: Path, busy: str, seconds: float = 0) -> BaseFileLock:
    """Take a lock that any thread may release.

    Parameters
    ----------
    lock_file
        The file that is locked; made when absent.
    name
        What the lock protects, for messages.
    busy
        What is wrong, and what to do, when another writer holds it.
    seconds
        How long to wait for that writer.

    Raises
    ------
    StoreInUse
        When another writer holds it.
    StoreError
        When the disk cannot lock files or be written.
    """
    lock = FileLock(lock_file, thread_local=False)
    with explained(name):
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            raise StoreInUse(f"{name}: {busy}") from None
        except NotImplementedError as error:
            raise StoreError(
                f"{name}: this disk cannot lock files: choose another folder"
            ) from error
    return lock
