"""Which pixels and patches an outline covers, by one rule: a pixel belongs where its centre lies.

A centre exactly on an outline belongs to the region on the right of it or below it, so regions with
a common edge share no pixel and leave none out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import PATCH_PX, Block, Lattice

_CENTRE = 0.5
_ROUNDING_PX = 1e-6
"""How much nearer than its pixels' centres an edge counts as crossing a patch: far more than the
error of its coordinates, so a patch that is not crossed has all its pixels on one side."""


@dataclass(frozen=True)
class Outline:
    """The edges of polygons, holes included.

    `edges` is float64, (n, 4): x, y of the upper end and x, y of the lower, in working px. All
    edges go down, so that two polygons see a shared one alike.
    """

    edges: NDArray[np.float64]

    @classmethod
    def of(cls, geometry: BaseGeometry) -> Self:
        """Return the outline of a valid polygon or multi-polygon; lines and points have none."""
        rings = shapely.get_rings(shapely.get_parts(geometry))
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        joined = ring[1:] == ring[:-1]
        edges = np.hstack([xy[:-1][joined], xy[1:][joined]])
        upwards = edges[:, 1] > edges[:, 3]
        edges[upwards] = edges[upwards][:, [2, 3, 0, 1]]
        return cls(edges)

    def within_rows(self, rows: slice) -> "Outline":
        """Return the edges that matter to some rows of pixels."""
        reach = (self.edges[:, 1] < rows.stop) & (self.edges[:, 3] > rows.start)
        return Outline(self.edges[reach])

    def covered_pixels(self, window: tuple[slice, slice]) -> NDArray[np.bool_]:
        """Tell which pixels of a window (rows, columns; working px) have their centre inside."""
        down, across = window
        size = down.stop - down.start, across.stop - across.start
        return self._covered_points(down.start, across.start, size, 1)

    def patches_met(self, lattice: Lattice) -> "MetPatches":
        """Tell the patches with all their pixels inside from those the outline divides."""
        block = self._block(lattice)
        crossed = self._crossed(lattice)[block.patches]
        top, left = block.row * PATCH_PX, block.column * PATCH_PX
        inside = self._covered_points(top, left, (block.rows, block.columns), PATCH_PX)
        return MetPatches(block, inside & ~crossed, crossed)

    def crossed_patches(
        self, met: "MetPatches", lattice: Lattice
    ) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
        """Row, column and covered pixels of every patch that the outline divides."""
        for row in np.flatnonzero(met.crossed.any(axis=1)).tolist():
            patch_row = met.block.row + row
            rows, _ = lattice.window(Block(patch_row, 0, 1, 1))
            near = self.within_rows(rows)
            for column in np.flatnonzero(met.crossed[row]).tolist():
                window = lattice.window(Block(patch_row, met.block.column + column, 1, 1))
                yield patch_row, met.block.column + column, near.covered_pixels(window)

    def _block(self, lattice: Lattice) -> Block:
        """Patches around all edges; none, when the outline is empty or off the slide."""
        if not len(self.edges):
            return Block(0, 0, 0, 0)
        ends = self.edges.reshape(-1, 2)
        limits = lattice.columns, lattice.rows
        first = np.clip(np.floor(ends.min(axis=0) / PATCH_PX), 0, limits).astype(int)
        last = np.clip(np.floor(ends.max(axis=0) / PATCH_PX) + 1, first, limits).astype(int)
        (left, top), (right, bottom) = first.tolist(), last.tolist()
        return Block(top, left, bottom - top, right - left)

    def _covered_points(
        self, top: int, left: int, size: tuple[int, int], step: int
    ) -> NDArray[np.bool_]:
        """Even-odd rule for the centres of every `step`-th pixel from (top, left)."""
        rows, columns = size
        x_upper, y_upper, x_lower, y_lower = self.edges.T
        first, stop = (
            np.clip(np.ceil((y - top - _CENTRE) / step), 0, rows).astype(np.int64)
            for y in (y_upper, y_lower)
        )
        edge, row = _spread(first, stop)
        drop = row * step + top + _CENTRE - y_upper[edge]
        slope = (x_lower - x_upper)[edge] / (y_lower - y_upper)[edge]
        column = np.ceil((x_upper[edge] + drop * slope - left - _CENTRE) / step)
        turns = np.zeros((rows, columns + 1), np.uint8)
        at = row, np.clip(column, 0, columns).astype(np.int64)
        np.bitwise_xor.at(turns, at, np.uint8(1))
        return np.bitwise_xor.accumulate(turns[:, :columns], axis=1).view(bool)

    def _crossed(self, lattice: Lattice) -> NDArray[np.bool_]:
        """Patches with an edge between the centres of their pixels: (lattice rows, columns)."""
        x_upper, y_upper, x_lower, y_lower = self.edges.T
        edge, row = _spread(*_patches_along(y_upper, y_lower, lattice.height_px))
        top = np.maximum(row * PATCH_PX, y_upper[edge])
        bottom = np.minimum((row + 1) * PATCH_PX, y_lower[edge])
        height, run = y_lower - y_upper, x_lower - x_upper
        slope = np.divide(run, height, out=np.zeros_like(run), where=height > 0)[edge]
        start = x_upper[edge] + slope * (top - y_upper[edge])
        end = x_upper[edge] + slope * (bottom - y_upper[edge])
        end = np.where(height[edge] > 0, end, x_lower[edge])
        first, stop = _patches_along(
            np.minimum(start, end), np.maximum(start, end), lattice.width_px
        )
        steps = np.zeros((lattice.rows, lattice.columns + 1), np.int64)
        np.add.at(steps, (row, first), 1)
        np.add.at(steps, (row, np.maximum(first, stop)), -1)
        return np.cumsum(steps, axis=1)[:, :-1] > 0


class MetPatches(NamedTuple):
    """What an outline is to the patches around it; arrays are of shape (block rows, columns)."""

    block: Block
    inside: NDArray[np.bool_]
    crossed: NDArray[np.bool_]


def covered_pixels(geometry: BaseGeometry, window: tuple[slice, slice]) -> NDArray[np.bool_]:
    """Tell which pixels of a window have their centre in a geometry.

    Parameters
    ----------
    geometry
        A valid polygon or multi-polygon in working px (x, y); lines and points cover nothing.
    window
        Rows and columns of the working plane.

    Returns
    -------
    ndarray
        bool, of the window's shape.
    """
    return Outline.of(geometry).within_rows(window[0]).covered_pixels(window)


def patches_met(
    geometry: BaseGeometry, lattice: Lattice
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which patches a geometry holds whole, and which it divides.

    Only pixels on the slide matter: an outline beyond its edge divides no patch there.

    Parameters
    ----------
    geometry
        A valid polygon or multi-polygon in working px (x, y).
    lattice
        The patches.

    Returns
    -------
    inside, crossed
        bool, shape (lattice rows, lattice columns) each; no patch is both.
    """
    met = Outline.of(geometry).patches_met(lattice)
    inside, crossed = np.zeros((2, lattice.rows, lattice.columns), bool)
    inside[met.block.patches], crossed[met.block.patches] = met.inside, met.crossed
    return inside, crossed


def _patches_along(
    low: NDArray[np.float64], high: NDArray[np.float64], length_px: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First patch, and the one after the last, whose span of pixel centres meets [low, high]."""
    reach = _CENTRE + _ROUNDING_PX
    count = -(-length_px // PATCH_PX)
    first = np.ceil((low + reach) / PATCH_PX) - 1
    stop = np.floor((high - _CENTRE + _ROUNDING_PX) / PATCH_PX) + 1
    stop = np.where(low > length_px - _CENTRE + _ROUNDING_PX, 0, stop)
    return (
        np.clip(first, 0, count).astype(np.int64),
        np.clip(stop, 0, count).astype(np.int64),
    )


def _spread(
    first: NDArray[np.int64], stop: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs (i, n) with first[i] <= n < stop[i]."""
    counts = np.maximum(stop - first, 0)
    which = np.repeat(np.arange(counts.size), counts)
    begins = np.cumsum(counts) - counts
    return which, np.arange(which.size) - begins[which] + first[which]
