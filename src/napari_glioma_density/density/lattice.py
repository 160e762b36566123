"""The lattice of patches laid over a slide, and the blocks of patches a network sees at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

PATCH_PX = 480
"""Side of a patch in px at the model's resolution (P1)."""


@dataclass(frozen=True, order=True)
class Block:
    """A rectangle of patches; row, column and extent count patches."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def patches(self) -> tuple[slice, slice]:
        """Where the block lies in arrays of shape (lattice rows, lattice columns)."""
        return (
            slice(self.row, self.row + self.rows),
            slice(self.column, self.column + self.columns),
        )

    def meets(self, other: "Block") -> bool:
        """Whether the blocks share a patch."""
        return (
            self.row < other.row + other.rows
            and other.row < self.row + self.rows
            and self.column < other.column + other.columns
            and other.column < self.column + self.columns
        )


@dataclass(frozen=True)
class Lattice:
    """Patches of 480 px anchored at the slide's corner; the last ones may hang over the edge.

    `height_px` and `width_px` are those of the slide at `um_per_px`, the working resolution.
    """

    rows: int
    columns: int
    height_px: int
    width_px: int
    um_per_px: float

    @classmethod
    def over(cls, height_px: int, width_px: int, um_per_px: float) -> "Lattice":
        """Return the smallest lattice that covers a slide of this size in working px."""
        return cls(
            -(-height_px // PATCH_PX), -(-width_px // PATCH_PX), height_px, width_px, um_per_px
        )

    @property
    def patch_mm(self) -> float:
        """Side of a full patch in mm."""
        return PATCH_PX * self.um_per_px / 1000

    @property
    def px_mm2(self) -> float:
        """Area of one working px in mm²."""
        return (self.um_per_px / 1000) ** 2

    def holds(self, block: Block) -> bool:
        """Whether the block has patches, all of them on the lattice."""
        return (
            min(block.row, block.column) >= 0
            and min(block.rows, block.columns) >= 1
            and block.row + block.rows <= self.rows
            and block.column + block.columns <= self.columns
        )

    def touched(self, x: float, y: float, width: float, height: float) -> NDArray[np.bool_]:
        """Tell which patches a rectangle of working px touches: bool, shape (rows, columns)."""
        touched = np.zeros((self.rows, self.columns), bool)
        top, bottom = (min(max(0.0, edge), self.height_px) for edge in (y, y + height))
        left, right = (min(max(0.0, edge), self.width_px) for edge in (x, x + width))
        if top < bottom and left < right:
            down = slice(int(top // PATCH_PX), ceil(bottom / PATCH_PX))
            touched[down, int(left // PATCH_PX) : ceil(right / PATCH_PX)] = True
        return touched

    def window(self, block: Block) -> tuple[slice, slice]:
        """Where a block lies on the working plane, in px, clipped at the slide's edge."""
        bottom = min((block.row + block.rows) * PATCH_PX, self.height_px)
        right = min((block.column + block.columns) * PATCH_PX, self.width_px)
        return slice(block.row * PATCH_PX, bottom), slice(block.column * PATCH_PX, right)

    def patch_px(self) -> NDArray[np.int64]:
        """Count the px of every patch that lie on the slide: shape (rows, columns)."""
        heights = np.diff(np.append(np.arange(self.rows) * PATCH_PX, self.height_px))
        widths = np.diff(np.append(np.arange(self.columns) * PATCH_PX, self.width_px))
        return np.multiply.outer(heights, widths).astype(np.int64)


def patches_of(nuclei: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column, (n,) each, of the patch that counts each nucleus: it holds its centre.

    Parameters
    ----------
    nuclei
        (n,) records with `y_px` and `x_px`, working px.
    """
    row, column = ((nuclei[axis] // PATCH_PX).astype(np.int64) for axis in ("y_px", "x_px"))
    return row, column


def patch_numbers(nuclei: NDArray[np.void], columns: int) -> NDArray[np.int64]:
    """Return the number, row by row, of the patch that counts each nucleus: (n,).

    Parameters
    ----------
    nuclei
        As `patches_of` takes them.
    columns
        Patches a row.
    """
    row, column = patches_of(nuclei)
    return row * columns + column


def partition(
    lattice: Lattice, block_patches: int, split: frozenset[tuple[int, int]] = frozenset()
) -> tuple[Block, ...]:
    """Divide the lattice into blocks that cover every patch once, row by row.

    Parameters
    ----------
    lattice
        The patches to divide.
    block_patches
        Side of a block in patches; blocks at the lattice's edge are clipped.
    split
        Blocks, as (row // block_patches, column // block_patches), to divide into single patches.
    """
    if block_patches < 1:
        raise ValueError(f"a block has at least one patch a side, not {block_patches}")
    return tuple(_blocks(lattice, block_patches, split))


def _blocks(lattice: Lattice, side: int, split: frozenset[tuple[int, int]]) -> Iterator[Block]:
    for row in range(0, lattice.rows, side):
        for column in range(0, lattice.columns, side):
            rows, columns = min(side, lattice.rows - row), min(side, lattice.columns - column)
            if (row // side, column // side) in split:
                yield from _single_patches(Block(row, column, rows, columns))
            else:
                yield Block(row, column, rows, columns)


def _single_patches(block: Block) -> Iterator[Block]:
    for row in range(block.row, block.row + block.rows):
        for column in range(block.column, block.column + block.columns):
            yield Block(row, column, 1, 1)
