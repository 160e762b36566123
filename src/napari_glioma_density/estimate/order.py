"""Which block comes next: the one nearest to where the user looks."""

import threading
from collections.abc import Iterable

import numpy as np

from napari_glioma_density.density import PATCH_PX, Block


class Focus:
    """Where the user looks, in working px; moved by one thread, read by another."""

    def __init__(self, y: float | None = None, x: float | None = None) -> None:
        self._lock = threading.Lock()
        self._position = None if y is None or x is None else (y, x)

    def move(self, y: float, x: float) -> None:
        """Look somewhere else; blocks not yet begun are taken from there outwards."""
        with self._lock:
            self._position = (y, x)

    def position(self) -> tuple[float, float] | None:
        """``(y, x)``, or None when nobody looks anywhere."""
        with self._lock:
            return self._position


class NearestFirst:
    """Blocks, taken nearest to a focus that may move between two takes.

    Parameters
    ----------
    blocks
        What is to be done.
    focus
        Where to begin; the middle of the blocks when nobody looks anywhere.
    """

    def __init__(self, blocks: Iterable[Block], focus: Focus | None) -> None:
        self._blocks = list(blocks)
        self._focus = focus
        self._centres = np.array(
            [(b.row + b.rows / 2, b.column + b.columns / 2) for b in self._blocks]
        ).reshape(-1, 2)
        self._left = np.ones(len(self._blocks), bool)

    def __len__(self) -> int:
        return int(self._left.sum())

    def take(self) -> Block:
        """Take the nearest block that is left; ties go to the first row by row.

        Raises
        ------
        IndexError
            When none is left.
        """
        if not self._left.any():
            raise IndexError("no block is left")
        offsets = self._centres - self._middle()
        distance = np.where(self._left, np.hypot(*offsets.T), np.inf)
        nearest = int(np.argmin(distance))
        self._left[nearest] = False
        return self._blocks[nearest]

    def _middle(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        position = self._focus.position() if self._focus else None
        if position is not None:
            return np.array(position) / PATCH_PX
        middle: np.ndarray[tuple[int], np.dtype[np.float64]] = self._centres.mean(axis=0)
        return middle
