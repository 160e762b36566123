"""Which block comes next: the one nearest to where the user looks."""

import threading
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block

_NEIGHBOURHOOD_PATCHES = 12
"""Side of a neighbourhood. Large ones have fewer seams, but the tiles of one must fit the slide's
cache, and it is long before the next is begun."""

REST_S = 0.5
"""A hand that drags a view along takes hold of it again within this time."""
MOST_S = 20.0
"""A view that moves for longer without rest is no reason any more to stand aside."""


class Focus:
    """Where the user looks, in working px; moved by one thread, read by another."""

    def __init__(self, y: float | None = None, x: float | None = None) -> None:
        self._lock = threading.Lock()
        self._position = None if y is None or x is None else (y, x)
        self._stirred_at = self._rests_at = 0.0

    def move(self, y: float, x: float) -> None:
        """Look somewhere else; blocks not yet begun are taken from there outwards."""
        with self._lock:
            self._position = (y, x)

    def stir(self) -> None:
        """The view moves just now, and whoever draws it needs the processor."""
        now = time.monotonic()
        with self._lock:
            if now > self._rests_at:
                self._stirred_at = now
            self._rests_at = now + REST_S

    @property
    def is_moving(self) -> bool:
        """Whether the view moves, or has moved within half a second; for 20 s at most."""
        with self._lock:
            return time.monotonic() < min(self._rests_at, self._stirred_at + MOST_S)

    def position(self) -> tuple[float, float] | None:
        """``(y, x)``, or None when nobody looks anywhere."""
        with self._lock:
            return self._position


class NearestFirst:
    """Blocks, taken nearest to a focus that may move between two takes.

    They are taken neighbourhood by neighbourhood, the one around the focus first. Neighbours share
    tiles under their halos; taken one soon after the other, the second finds those still decoded.
    In rings around the focus such a tile would be decoded twice.

    Parameters
    ----------
    blocks
        What is to be done.
    focus
        Where to begin; the middle of the blocks when nobody looks anywhere.
    """

    def __init__(self, blocks: Iterable[Block], focus: Focus | None) -> None:
        self._focus = focus
        self._left = list(blocks)
        self._middle = _centres(self._left).mean(axis=0) if self._left else np.zeros(2)
        self._farthest_first_from: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self._left)

    @property
    def is_watched(self) -> bool:
        """Whether someone looks on and waits for the first."""
        return self._focus is not None

    @property
    def is_held(self) -> bool:
        """Whether no block is to be begun just now, because the view moves."""
        return self._focus is not None and self._focus.is_moving

    def first(self, blocks: int) -> list[Block]:
        """Return up to so many of the blocks that would be taken next."""
        self._sort()
        return self._left[: -blocks - 1 : -1]

    def take(self) -> Block:
        """Take the nearest block that is left; ties go to the first row by row.

        Raises
        ------
        IndexError
            When none is left.
        """
        if not self._left:
            raise IndexError("no block is left")
        self._sort()
        return self._left.pop()

    def _sort(self) -> None:
        looked_at = self._looked_at()
        if looked_at != self._farthest_first_from:
            self._left = _farthest_first(self._left, looked_at)
            self._farthest_first_from = looked_at

    def _looked_at(self) -> tuple[float, float]:
        """``(y, x)`` in patches."""
        position = self._focus.position() if self._focus else None
        if position is not None:
            return position[0] / PATCH_PX, position[1] / PATCH_PX
        return float(self._middle[0]), float(self._middle[1])


def _farthest_first(blocks: list[Block], looked_at: tuple[float, float]) -> list[Block]:
    in_rows = sorted(blocks)
    offsets = _centres(in_rows) - np.array(looked_at)
    neighbourhood = np.floor(offsets / _NEIGHBOURHOOD_PATCHES + 0.5)
    keys = (np.hypot(*offsets.T), *neighbourhood.T[::-1], np.hypot(*neighbourhood.T))
    return [in_rows[index] for index in np.lexsort(keys)[::-1]]


def _centres(blocks: list[Block]) -> NDArray[np.float64]:
    """Centres of blocks in patches, (n, 2)."""
    return np.array([(b.row + b.rows / 2, b.column + b.columns / 2) for b in blocks])
