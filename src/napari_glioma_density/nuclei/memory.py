"""What to tell a person when there is no memory for what was asked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from napari_glioma_density.errors import BadInput

logger = logging.getLogger(__name__)

_OPENCV_NO_MEMORY: Final = -4


@contextmanager
def room_for(what: str) -> Iterator[None]:
    """Turn a lack of memory into one line: what there is no room for, and the remedy.

    Raises
    ------
    BadInput
        In place of a MemoryError, or of what OpenCV has for it.
    """
    try:
        yield
    except Exception as error:
        if not _is_lack_of_memory(error):
            raise
        logger.debug("where memory was lacking", exc_info=error)
        raise BadInput(
            f"{what}: does not fit into memory; close other programs, or cut pictures up"
        ) from error


def _is_lack_of_memory(error: Exception) -> bool:
    # Not by its type: OpenCV takes a while to import, and raises it only once it is there.
    number = getattr(error, "code", None) if type(error).__name__ == "error" else None
    return isinstance(error, MemoryError) or number == _OPENCV_NO_MEMORY
