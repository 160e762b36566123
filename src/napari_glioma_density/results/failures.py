"""What to tell a person when the disk refuses, or holds something damaged."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_glioma_density.errors import StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT}
# What zarr, its codecs and JSON turn to when bytes are not what they were; a codec's own errors
# are RuntimeErrors.
_DAMAGE = (ValueError, LookupError, TypeError, ArithmeticError, RuntimeError)
COMPUTE_ANEW = "compute this run anew with --restart"
FREE_SPACE = "free some space and try again"
BLOCKS_ARE_KEPT = "finished blocks are kept: free some space and run again"


@contextmanager
def explained(path: Path, when_full: str = FREE_SPACE) -> Iterator[None]:
    """Turn an OSError of the body into a StoreError that names the store and the remedy."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {_remedy(error, when_full)}") from error


@contextmanager
def damage_named(
    path: Path, what: str = "its arrays are damaged", remedy: str = COMPUTE_ANEW
) -> Iterator[None]:
    """Turn what damaged files make the body raise into a StoreError; ``path`` and what it is."""
    try:
        yield
    except _DAMAGE as error:
        raise StoreError(f"{path}: {what}: {remedy}") from error


def _remedy(error: OSError, when_full: str) -> str:
    if error.errno in _FULL:
        return f"the disk is full; {when_full}"
    reason = error.strerror or str(error)
    return f"cannot be read or written ({reason}): check the folder, or choose another"
