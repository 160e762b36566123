"""Display levels as lazy dask arrays, made for a window that is moved about.

napari slices the view anew whenever it crosses the edge of a chunk. If every chunk were a task of
its own, dask would spend several times the decoding time on scheduling and copying, and the window
would freeze meanwhile. So a window of a level that is in the file is one task and one chunk. Levels
that are made here stay in chunks, because each chunk takes long to make and is kept.

A thread that cannot wait for decoding looks at an array `through` an `Eye`, which answers at once
with what is at hand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import dask
import dask.array as da
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.slides.shown_level import ShownLevel, shown_levels
from napari_glioma_density.slides.slide import Slide

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """A window of a level, with the shape and the dtype of an array, so that dask takes it."""

    level: ShownLevel
    y: int
    x: int
    height: int
    width: int

    dtype = np.dtype(np.uint8)
    ndim = 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of the array: (height, width, 3)."""
        return self.height, self.width, 3

    def read(self, index: tuple[slice, slice, slice]) -> NDArray[np.uint8]:
        """Read a chunk of the window."""
        rows, columns, _ = index
        y, x = self.y + rows.start, self.x + columns.start
        return self.level.read(y, x, rows.stop - rows.start, columns.stop - columns.start)


class Eye(Protocol):
    """Someone who looks at windows and does not wait."""

    def look(self, window: Window) -> NDArray[np.uint8]:
        """Return the window (height, width, 3), as well as it can be had at once."""
        ...


_EYE: ContextVar[Eye | None] = ContextVar("eye", default=None)


@contextmanager
def through(eye: Eye) -> Iterator[None]:
    """Let this thread's windows of level arrays be what an eye sees: pixels, not dask arrays."""
    token = _EYE.set(eye)
    try:
        yield
    finally:
        _EYE.reset(token)


class LevelArray(da.Array):  # type: ignore[misc]
    """Lazy uint8 (height, width, 3) array of a level; windows of the file's have a single chunk.

    Everything but a plain window of rows and columns is dask's own affair, chunk by chunk.
    """

    level: ShownLevel

    @classmethod
    def of(cls, level: ShownLevel) -> da.Array:
        """Return the array of a level."""
        whole = Window(level, 0, 0, level.height, level.width)
        plain = _lazy(whole, (*level.chunk_shape, 3))
        if dask.config.get("array.query-planning", False):
            return plain  # dask's other kind of array, which is made in another way
        array = cls(plain.dask, plain.name, plain.chunks, meta=plain._meta)
        array.level = level
        return array

    def __getitem__(self, index: Any) -> da.Array | NDArray[np.uint8]:
        window, eye = self._window(index), _EYE.get()
        if window is not None and eye is not None:
            return eye.look(window)
        if window is None or self.level.is_made:
            return super().__getitem__(index)
        return _lazy(window, window.shape)

    def _window(self, index: Any) -> Window | None:
        """Return the window that an index asks for, None where it asks for something else."""
        if not isinstance(index, tuple) or len(index) not in (2, 3):
            return None
        if not all(isinstance(part, slice) and part.step in (None, 1) for part in index):
            return None
        y, bottom, _ = index[0].indices(self.level.height)
        x, right, _ = index[1].indices(self.level.width)
        is_whole_colour = len(index) == 2 or index[2].indices(3) == (0, 3, 1)
        if bottom <= y or right <= x or not is_whole_colour:
            return None
        return Window(self.level, y, x, bottom - y, right - x)


def pyramid_of(slide: Slide) -> list[da.Array]:
    """Return a slide's levels as lazy arrays, finest first."""
    levels = shown_levels(slide)
    if levels[-1].display.is_sampled:
        _log.info("%s has no coarse levels: its overview is a mosaic of samples", slide.pseudonym)
    return [LevelArray.of(level) for level in levels]


def _lazy(window: Window, chunks: tuple[int, int, int]) -> da.Array:
    level = window.level.display
    name = (
        f"slide-{level.slide.fingerprint[:16]}-{level.level}-{level.reduction}"
        f"-{window.y}-{window.x}-{window.height}-{window.width}"
    )
    return da.from_array(window, chunks=chunks, name=name, getitem=Window.read, inline_array=True)
