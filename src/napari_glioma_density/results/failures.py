"""What to tell a person when the disk refuses."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_glioma_density.errors import StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT}


BLOCKS_ARE_KEPT = "finished blocks are kept: free some space and run again"


@contextmanager
def explained(path: Path, when_full: str = BLOCKS_ARE_KEPT) -> Iterator[None]:
    """Turn an OSError of the body into a StoreError that names the store and the remedy."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path}: {_remedy(error, when_full)}") from error


def _remedy(error: OSError, when_full: str) -> str:
    if error.errno in _FULL:
        return f"the disk is full; {when_full}"
    reason = error.strerror or str(error)
    return f"cannot be read or written ({reason}): check the folder, or choose another"
