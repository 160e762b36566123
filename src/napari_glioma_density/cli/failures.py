"""What to tell a person when the system refuses a file."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from napari_glioma_density.errors import BadInput

logger = logging.getLogger(__name__)

_ACCESS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)
_DRIVE: Final = (errno.EIO, errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ETIMEDOUT)
_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)
_REMEDIES: Final = {
    **dict.fromkeys(_ACCESS, "ask for access, or name another place"),
    **dict.fromkeys(_DRIVE, "see that the drive is there and sound, and run again"),
    **dict.fromkeys(_SPACE, "what was finished is kept: free some space and run again"),
    errno.ENAMETOOLONG: "give a shorter name",
    errno.ELOOP: "mend the links on the way to it",
    errno.EMFILE: "close other programs and run again",
}
_LINKS_IN_A_RING: Final = "Symlink loop from"
_OTHERWISE: Final = "check the path and the drive it lies on"


@contextmanager
def files_named() -> Iterator[None]:
    """Turn what the system says of a file into one line: its name, the fault and the remedy.

    The rooms below name the files with which they expect trouble. This is for the rest: merely
    asking whether a path exists fails if a folder on the way may not be entered, a name is too
    long, or a network drive is gone.

    Raises
    ------
    BadInput
        In place of an OSError of the system's. One without a number is a library's or a fault of
        this program, and stays as it is.
    """
    try:
        yield
    except RuntimeError as error:
        # What Path.resolve has for links that lead back to themselves, before Python 3.13.
        if not str(error).startswith(_LINKS_IN_A_RING):
            raise
        link = str(error).removeprefix(_LINKS_IN_A_RING).strip(" '\"")
        raise BadInput(f"{link}: {os.strerror(errno.ELOOP)}; {_REMEDIES[errno.ELOOP]}") from error
    except OSError as error:
        if error.errno is None:
            raise
        logger.debug("where the system refused", exc_info=error)
        remedy = _REMEDIES.get(error.errno, _OTHERWISE)
        raise BadInput(f"{_name(error)}: {error.strerror or error}; {remedy}") from error


def _name(error: OSError) -> str:
    name: Any = error.filename2 or error.filename
    # A write says no name, and one that was begun by its number has none.
    return os.fsdecode(name) if isinstance(name, str | bytes) and name else "a file"
