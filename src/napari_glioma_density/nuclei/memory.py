"""What to tell a person when there is no memory for what was asked."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from napari_glioma_density.errors import BadInput, ModelError, NoRoom

logger = logging.getLogger(__name__)

_OPENCV_NO_MEMORY: Final = -4
_NO_MEMORY: Final = (
    "can't allocate memory", "not enough memory", "out of memory",  # PyTorch
    "ALLOC_FAILED", "ALLOCATION_FAILED",  # cuBLAS, cuDNN
    "Failed to allocate", "bad_alloc", "bad allocation",  # OpenVINO
)  # fmt: skip
"""What errors say for want of memory, in words of each library."""


@contextmanager
def room_for(what: str = "") -> Iterator[None]:
    """Turn a lack of memory into one line: what there is no room for, and the remedy.

    Parameters
    ----------
    what
        Name of the picture or slide, if it is of one.

    Raises
    ------
    BadInput
        In place of a MemoryError, or of what OpenCV, PyTorch or OpenVINO has for it. A NoRoom is
        told with the name.
    """
    try:
        yield
    except NoRoom as error:
        raise BadInput(f"{what}: {error}" if what else str(error)) from error
    except Exception as error:
        if not _is_lack_of_memory(error):
            raise
        logger.debug("where memory was lacking", exc_info=error)
        raise BadInput(
            f"{what or 'what was asked'}: does not fit into memory; "
            "close other programs, or cut pictures up"
        ) from error


@contextmanager
def room_on(device: str, what: str) -> Iterator[None]:
    """Turn a device's lack of memory into one line: what there is no room for, and the remedy.

    Raises
    ------
    ModelError
        In place of what PyTorch or OpenVINO has for it.
    """
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        elsewhere = "" if device == "cpu" else ", or choose the device cpu"
        raise ModelError(
            f"{what} does not fit into the memory of {device}; close other programs{elsewhere}"
        ) from error


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error of PyTorch or OpenVINO says that there is no memory."""
    return any(words in str(error) for words in _NO_MEMORY)


def _is_lack_of_memory(error: Exception) -> bool:
    if isinstance(error, RuntimeError):
        return is_out_of_memory(error)
    # Not by its type: OpenCV takes a while to import, and raises it only once it is there.
    number = getattr(error, "code", None) if type(error).__name__ == "error" else None
    return isinstance(error, MemoryError) or number == _OPENCV_NO_MEMORY
