"""Gathering parts of a picture in a smaller one, so that costly work is done on them alone."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

_GAP_PX = 1
"""Between parts: they must not touch, not even by a corner."""


@dataclass(frozen=True, eq=False)
class Atlas:
    """Where the px of some connected components lie in a picture, and in a smaller one.

    Components keep their shape and the order of their px; none touches another.

    Attributes
    ----------
    source, target
        Flat indices of the same px in the picture and in the atlas.
    shape
        Height and width of the atlas.
    """

    source: NDArray[np.intp]
    target: NDArray[np.intp]
    shape: tuple[int, int]

    @classmethod
    def of(cls, source: NDArray[np.intp], components: NDArray[np.int32], across: int) -> Self:
        """Move components together.

        Parameters
        ----------
        source
            Flat indices of all their px.
        components
            Which component each of these belongs to.
        across
            Width of the picture.
        """
        # Ids are small: to look each up takes a fraction of the time of sorting them.
        is_here = np.zeros(int(components.max()) + 1, bool)
        is_here[components] = True
        component = (np.cumsum(is_here) - 1)[components]
        count = int(np.count_nonzero(is_here))
        y, x = np.divmod(source, across)
        top, bottom = _extent(y, component, count)
        left, right = _extent(x, component, count)
        rows, columns, shape = _shelved(bottom - top, right - left)
        target = (y + (rows - top)[component]) * shape[1] + x + (columns - left)[component]
        return cls(source, target, shape)

    def filled(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The components' px of a picture, 0 elsewhere."""
        filled = np.zeros(self.shape, picture.dtype)
        filled.ravel()[self.target] = picture.ravel()[self.source]
        return filled

    def read(self, atlas: NDArray[Any]) -> NDArray[Any]:
        """The values of an atlas, one for each px of ``source``."""
        return np.asarray(atlas.ravel()[self.target])


def _extent(
    at: NDArray[np.intp], component: NDArray[np.intp], count: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First place of each component along an axis, and the one after the last."""
    first, last = np.full(count, at.max(), np.intp), np.zeros(count, np.intp)
    np.minimum.at(first, component, at)
    np.maximum.at(last, component, at)
    return first, last + 1


def _shelved(
    heights: NDArray[np.intp], widths: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], tuple[int, int]]:
    """Rows and columns of boxes laid on shelves, the tallest first, and the size of the whole."""
    order = np.argsort(-heights, kind="stable")
    wide, tall = widths[order] + _GAP_PX, heights[order] + _GAP_PX
    width = max(int(wide.max()), int(np.sqrt((wide * tall).sum())))
    rows, columns = np.empty_like(heights), np.empty_like(widths)
    row = column = shelf = 0
    for box, across, high in zip(order.tolist(), wide.tolist(), tall.tolist(), strict=True):
        if column + across > width:
            row, column, shelf = row + shelf, 0, 0
        rows[box], columns[box] = row, column
        column, shelf = column + across, max(shelf, high)
    return rows, columns, (row + shelf, width)
