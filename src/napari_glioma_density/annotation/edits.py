"""One step that can be taken back, and the steps taken so far."""

import zlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import Nucleus
from napari_glioma_density.annotation.pixels import PixelChange

MOST_STEPS = 1000
MOST_BYTES = 256 * 2**20
"""Only a long series of edits that each change thousands of nuclei comes near it."""
_COMPRESS_FROM_PX = 10_000
_NUCLEUS_BYTES = 250
"""About what an entry of `Edit.nuclei` takes."""

Points: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class PackedChange:
    """What a step does to the labels, both ways, in little memory.

    The ids before and after are kept as their exclusive or: applying it once does the step,
    applying it again takes it back. Places are kept as distances between them, which repeat and so
    compress well.
    """

    pixels: int
    packed: bytes

    @classmethod
    def of(cls, change: PixelChange) -> Self:
        """Pack a change."""
        steps = np.diff(change.at, prepend=np.int64(0)).astype(np.int32)
        raw = steps.tobytes() + (change.old ^ change.new).tobytes()
        return cls(len(steps), zlib.compress(raw, 1) if _is_large(len(steps)) else raw)

    def apply(self, labels: NDArray[np.uint16]) -> PixelChange:
        """Do the step, or take it back, in the field's labels; return what that changed."""
        raw = zlib.decompress(self.packed) if _is_large(self.pixels) else self.packed
        steps = np.frombuffer(raw, np.int32, self.pixels)
        both = np.frombuffer(raw, np.uint16, offset=steps.nbytes)
        flat, at = labels.reshape(-1), np.cumsum(steps, dtype=np.int64)
        change = PixelChange(at, flat[at], flat[at] ^ both)
        flat[at] = change.new
        return change


def _is_large(pixels: int) -> bool:
    return pixels >= _COMPRESS_FROM_PX


@dataclass(frozen=True)
class Edit:
    """One step of the reader, with what was before and after it.

    Attributes
    ----------
    pixels
        Its change of the labels.
    nuclei
        By id, what was known of it and what is; None where there is no such nucleus.
    rejected, done
        As in `FieldState`, before and after.
    """

    pixels: PackedChange
    nuclei: Mapping[int, tuple[Nucleus | None, Nucleus | None]]
    rejected: tuple[Points, Points]
    done: tuple[bool, bool]

    @property
    def changes_nuclei(self) -> bool:
        """Whether it drew, changed or removed any, and not only answered a hint or said *done*."""
        return bool(self.nuclei)

    @property
    def size_bytes(self) -> int:
        """About how much memory it takes."""
        return len(self.pixels.packed) + _NUCLEUS_BYTES * len(self.nuclei)


class History:
    """The last steps, so many and of so many bytes at most; the oldest are forgotten first."""

    def __init__(self, most_steps: int = MOST_STEPS, most_bytes: int = MOST_BYTES) -> None:
        self._most_steps = most_steps
        self._most_bytes = most_bytes
        self._done: deque[Edit] = deque()
        self._undone: list[Edit] = []
        self._bytes = 0

    def add(self, edit: Edit) -> None:
        """Remember a step that was done; those taken back before are gone for good."""
        self._bytes -= sum(gone.size_bytes for gone in self._undone)
        self._undone.clear()
        self._done.append(edit)
        self._bytes += edit.size_bytes
        # The step just done can always be taken back, whatever its size.
        while len(self._done) > self._most_steps or (
            self._bytes > self._most_bytes and len(self._done) > 1
        ):
            self._bytes -= self._done.popleft().size_bytes

    def back(self) -> Edit | None:
        """Return the step to take back, if there is one."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def forth(self) -> Edit | None:
        """Return the step to do again, if there is one."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]
