"""Bounding boxes of a field's nuclei, so that no edit needs to look at the whole field."""

from collections.abc import Container, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.pixels import PixelChange, Window

HIGHEST_ID = int(np.iinfo(np.uint16).max)


def hull(windows: Iterable[Window]) -> Window:
    """Return the smallest window that holds all of at least one window."""
    rows, columns = zip(*windows, strict=True)
    return (
        slice(min(part.start for part in rows), max(part.stop for part in rows)),
        slice(min(part.start for part in columns), max(part.stop for part in columns)),
    )


def grown(window: Window, px: int, shape: tuple[int, int]) -> Window:
    """Return a window with `px` more on each side, clipped to an array's shape."""
    down, across = (
        slice(max(0, part.start - px), min(length, part.stop + px))
        for part, length in zip(window, shape, strict=True)
    )
    return down, across


def ids_in(labels: NDArray[np.uint16]) -> list[int]:
    """Return the ids among labels (any shape), rising, without the background's 0."""
    counts = np.bincount(labels.ravel())
    counts[:1] = 0
    return [int(number) for number in np.flatnonzero(counts)]


class BoxIndex:
    """The bounding box of every id of an array of labels that others change.

    Parameters
    ----------
    labels
        (height, width) uint16, 0 background. It is kept, not copied.
    """

    def __init__(self, labels: NDArray[np.uint16]) -> None:
        self._labels = labels
        at = np.flatnonzero(labels)
        self._boxes = dict(_boxes_of(at, labels.reshape(-1)[at], labels.shape[1]))

    def __getitem__(self, number: int) -> Window:
        return self._boxes[number]

    def __contains__(self, number: object) -> bool:
        return number in self._boxes

    def __iter__(self) -> Iterator[int]:
        return iter(self._boxes)

    def __len__(self) -> int:
        return len(self._boxes)

    def follow(self, change: PixelChange, alive: Container[int]) -> None:
        """Take note of a change of the labels, already made.

        Parameters
        ----------
        change
            What changed since the last time.
        alive
            The ids that may still have pixels; others are forgotten without a look.
        """
        touched = set(ids_in(change.old))
        for number, box in _boxes_of(change.at, change.new, self._labels.shape[1]):
            if number in self._boxes:
                touched.add(number)
                self._boxes[number] = hull((box, self._boxes[number]))
            else:
                self._boxes[number] = box
        for number in touched:
            self._tighten(number, number in alive)

    def _tighten(self, number: int, alive: bool) -> None:
        box = self._boxes.pop(number)
        if not alive:
            return
        here = self._labels[box] == number
        rows, columns = (np.flatnonzero(here.any(axis)) for axis in (1, 0))
        if rows.size:
            top, left = box[0].start, box[1].start
            self._boxes[number] = (
                slice(top + int(rows[0]), top + int(rows[-1]) + 1),
                slice(left + int(columns[0]), left + int(columns[-1]) + 1),
            )


def _boxes_of(
    at: NDArray[np.int64], ids: NDArray[np.uint16], width: int
) -> Iterator[tuple[int, Window]]:
    """Each id with the box of its pixels, given as places in flattened labels and their ids."""
    order = np.argsort(ids, kind="stable")
    order = order[np.count_nonzero(ids == 0) :]
    if not order.size:
        return
    sorted_ids = ids[order]
    y, x = np.divmod(at[order], width)
    firsts = np.flatnonzero(np.diff(sorted_ids, prepend=np.uint16(0)))
    edges = (
        np.minimum.reduceat(y, firsts),
        np.maximum.reduceat(y, firsts) + 1,
        np.minimum.reduceat(x, firsts),
        np.maximum.reduceat(x, firsts) + 1,
    )
    numbers = sorted_ids[firsts].tolist()
    for number, y0, y1, x0, x1 in zip(numbers, *(edge.tolist() for edge in edges), strict=True):
        yield number, (slice(y0, y1), slice(x0, x1))
