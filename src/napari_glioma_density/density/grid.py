"""Square cells of whole patches with names such as B6, and what was measured in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.bands import PAPER_BANDS, BandScale, band_of
from napari_glioma_density.density.lattice import Block, Lattice
from napari_glioma_density.density.patches import PatchState, PatchTable, share_percent
from napari_glioma_density.errors import BadInput

CELL_SIDES_MM = (0.25, 0.5, 1, 2, 5, 10)
MOST_CELLS = 12
"""Cells along the slide's longer side, unless the user asks for a cell size."""

_ADDRESS = re.compile(r"\s*([A-Za-z]+)\s*0*([1-9][0-9]*)\s*")


@dataclass(frozen=True)
class CellGrid:
    """Square cells of `patches_per_cell` patches a side, clipped at the lattice's edge."""

    lattice: Lattice
    patches_per_cell: int

    @property
    def rows(self) -> int:
        """Number of rows of cells."""
        return -(-self.lattice.rows // self.patches_per_cell)

    @property
    def columns(self) -> int:
        """Number of columns of cells."""
        return -(-self.lattice.columns // self.patches_per_cell)

    @property
    def cell_mm(self) -> float:
        """Side of a whole cell in mm."""
        return self.patches_per_cell * self.lattice.patch_mm

    def block(self, row: int, column: int) -> Block:
        """Return the patches of a cell."""
        side, lattice = self.patches_per_cell, self.lattice
        top, left = row * side, column * side
        return Block(top, left, min(side, lattice.rows - top), min(side, lattice.columns - left))


def cell_grid(lattice: Lattice, cell_mm: float | None = None) -> CellGrid:
    """Lay cells over a lattice.

    Parameters
    ----------
    lattice
        The patches.
    cell_mm
        Wanted side in mm; the whole number of patches nearest to it is taken. By default the
        smallest of `CELL_SIDES_MM` that gives at most twelve cells along the longer side.

    Raises
    ------
    BadInput
        When the wanted side is not a positive number.
    """
    if cell_mm is not None:
        if not 0 < cell_mm < float("inf"):
            raise BadInput(f"cell size {cell_mm} mm cannot be used: give a positive number, as 1")
        return CellGrid(lattice, _nearest_patches(lattice, cell_mm))
    longer = max(lattice.rows, lattice.columns)
    sides = (_nearest_patches(lattice, side) for side in CELL_SIDES_MM)
    fitting = (side for side in sides if longer <= side * MOST_CELLS)
    return CellGrid(lattice, next(fitting, -(-longer // MOST_CELLS)))


def _nearest_patches(lattice: Lattice, side_mm: float) -> int:
    return max(1, int(side_mm / lattice.patch_mm + 0.5))


def cell_address(row: int, column: int) -> str:
    """Return the name of a cell: letters for rows (A…Z, AA…), numbers from 1 for columns."""
    letters, rest = "", row + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{column + 1}"


def parse_address(text: str) -> tuple[int, int]:
    """Return row and column, from 0, of a cell named as in `B6`; case and spaces do not matter.

    Raises
    ------
    ValueError
        When the text names no cell; the message says what is expected.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} names no cell: give a letter and a number, as in B6")
    row = 0
    for letter in match[1].upper():
        row = row * 26 + ord(letter) - ord("A") + 1
    return row - 1, int(match[2]) - 1


@dataclass(frozen=True)
class Cell:
    """What was measured in one cell.

    Position and extent are in µm on the slide, clipped at its edge. The densities are those of
    `PatchTable` over the cell's read patches; those per tissue are None where there is no tissue.
    `tissue_share` is tissue px / read px. `band` is that of `density_percent`. Not `complete`
    means that patches of the cell are still to come.
    """

    address: str
    row: int
    column: int
    x_um: float
    y_um: float
    width_um: float
    height_um: float
    density_percent: float
    tissue_density_percent: float | None
    nuclei_per_mm2: float | None
    tissue_mm2: float
    read_mm2: float
    band: int
    tissue_share: float
    complete: bool


def measure_cells(
    patches: PatchTable,
    grid: CellGrid,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
) -> tuple[Cell, ...]:
    """Measure the cells in which something was read, row by row.

    `scope` (bool, shape (lattice rows, lattice columns)) limits the patches that count.
    """
    asked = np.ones(patches.state.shape, bool) if scope is None else scope
    read = patches.is_read & asked
    sums = _CellSums(
        grid,
        nucleus_px=sum_cells(patches.nucleus_px * read, grid),
        read_px=sum_cells(patches.read_px * read, grid),
        tissue_px=sum_cells(patches.tissue_px * read, grid),
        count=sum_cells(patches.count * read, grid),
        pending=sum_cells((patches.state == PatchState.PENDING) & asked, grid),
    )
    return tuple(sums.cells(scale))


def sum_cells(values: NDArray[np.int64] | NDArray[np.bool_], grid: CellGrid) -> NDArray[np.int64]:
    """Sum values of shape (lattice rows, lattice columns) over each cell of a grid."""
    rows = np.arange(0, grid.lattice.rows, grid.patches_per_cell)
    columns = np.arange(0, grid.lattice.columns, grid.patches_per_cell)
    by_row = np.add.reduceat(values, rows, axis=0, dtype=np.int64)
    return np.add.reduceat(by_row, columns, axis=1, dtype=np.int64)


@dataclass(frozen=True)
class _CellSums:
    """Sums over each cell, as arrays of shape (grid rows, grid columns)."""

    grid: CellGrid
    nucleus_px: NDArray[np.int64]
    read_px: NDArray[np.int64]
    tissue_px: NDArray[np.int64]
    count: NDArray[np.int64]
    pending: NDArray[np.int64]

    def cells(self, scale: BandScale) -> Iterator[Cell]:
        some_read = self.read_px > 0
        density = 100 * self.nucleus_px[some_read] / self.read_px[some_read]
        bands = band_of(density, scale).tolist()
        for (row, column), band in zip(np.argwhere(some_read).tolist(), bands, strict=True):
            yield self._cell(row, column, band)

    def _cell(self, row: int, column: int, band: int) -> Cell:
        nucleus, read, tissue, count, pending = (
            int(sums[row, column])
            for sums in (self.nucleus_px, self.read_px, self.tissue_px, self.count, self.pending)
        )
        px_mm2 = self.grid.lattice.px_mm2
        return Cell(
            address=cell_address(row, column),
            row=row,
            column=column,
            **self._place(row, column),
            density_percent=100 * nucleus / read,
            tissue_density_percent=share_percent(nucleus, tissue),
            nuclei_per_mm2=count / (tissue * px_mm2) if tissue else None,
            tissue_mm2=tissue * px_mm2,
            read_mm2=read * px_mm2,
            band=band,
            tissue_share=tissue / read,
            complete=pending == 0,
        )

    def _place(self, row: int, column: int) -> dict[str, float]:
        lattice = self.grid.lattice
        down, across = lattice.window(self.grid.block(row, column))
        return {
            "x_um": across.start * lattice.um_per_px,
            "y_um": down.start * lattice.um_per_px,
            "width_um": (across.stop - across.start) * lattice.um_per_px,
            "height_um": (down.stop - down.start) * lattice.um_per_px,
        }
