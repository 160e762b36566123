"""The pixels that an edit changed, with their ids before and after."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Window: TypeAlias = tuple[slice, slice]
"""Rows and columns of a field, in its px."""


class PixelChange(NamedTuple):
    """Pixels that changed, each once, one element each."""

    at: NDArray[np.int64]
    """Where: places in the flattened labels."""
    old: NDArray[np.uint16]
    new: NDArray[np.uint16]

    def window(self, shape: tuple[int, int]) -> Window:
        """Return the smallest window of labels of that shape that holds the change."""
        if not self.at.size:
            return slice(0, 0), slice(0, 0)
        y, x = np.divmod(self.at, shape[1])
        return slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1)


NO_CHANGE = PixelChange(np.empty(0, np.int64), np.empty(0, np.uint16), np.empty(0, np.uint16))


class Draft:
    """Labels being changed, with a note of what was there; no pixel is written twice.

    Parameters
    ----------
    labels
        (height, width) uint16, contiguous; changed in place.
    """

    def __init__(self, labels: NDArray[np.uint16]) -> None:
        self._flat = labels.reshape(-1)
        self._width = labels.shape[1]
        self._parts: list[PixelChange] = []

    def write(self, window: Window, mask: NDArray[np.bool_], value: int) -> None:
        """Set the pixels of a mask, given in its window, to an id."""
        at = flat_places(window, mask, self._width)
        new = np.full(at.size, value, np.uint16)
        self._parts.append(PixelChange(at, self._flat[at], new))
        self._flat[at] = value

    def change(self) -> PixelChange:
        """Return all that was written and differs from what was there."""
        if not self._parts:
            return NO_CHANGE
        at, old, new = (np.concatenate(arrays) for arrays in zip(*self._parts, strict=True))
        differs = old != new
        return PixelChange(at[differs], old[differs], new[differs])


def flat_places(window: Window, mask: NDArray[np.bool_], width: int) -> NDArray[np.int64]:
    """Return where a mask, given in its window, lies in the flattened labels of that width."""
    y, x = np.nonzero(mask)
    return np.asarray((y + window[0].start) * width + (x + window[1].start))


def in_a_row(changes: Sequence[PixelChange]) -> PixelChange:
    """Return several changes, made one after the other, as one."""
    at, old, new = (np.concatenate(arrays) for arrays in zip(*changes, strict=True))
    places, first = np.unique(at, return_index=True)
    last = at.size - 1 - np.unique(at[::-1], return_index=True)[1]
    differs = old[first] != new[last]
    return PixelChange(places[differs], old[first][differs], new[last][differs])
