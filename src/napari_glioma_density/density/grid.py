"""Square cells of whole patches with names such as B6, and what was measured in each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.bands import PAPER_BANDS, BandScale, band_of
from napari_glioma_density.density.lattice import PATCH_PX, Block, Lattice
from napari_glioma_density.density.patches import PatchState, PatchTable, share_percent
from napari_glioma_density.errors import BadInput

CELL_SIDES_MM = (0.25, 0.5, 1, 2, 5, 10)
MOST_CELLS = 12
"""Cells along the slide's longer side, unless the user asks for a cell size."""

_NUMBER = "0*([1-9][0-9]*)"
_ADDRESS = re.compile(rf"\s*(?:[Ss]\s*{_NUMBER}\s*)?([A-Za-z]+)\s*{_NUMBER}\s*")


@dataclass(frozen=True)
class CellGrid:
    """Square cells of `patches_per_cell` patches a side, clipped where the grid ends.

    Attributes
    ----------
    lattice
        The patches of the slide.
    patches_per_cell
        Side of a cell in patches.
    extent
        The patches that the grid covers, from whose corner cells are counted; all when None.
    section
        The piece of tissue that the grid belongs to, such as `S2`; empty for the whole slide's.
    """

    lattice: Lattice
    patches_per_cell: int
    extent: Block | None = None
    section: str = ""

    @property
    def covered(self) -> Block:
        """The patches of all cells."""
        return self.extent or Block(0, 0, self.lattice.rows, self.lattice.columns)

    @property
    def rows(self) -> int:
        """Number of rows of cells."""
        return -(-self.covered.rows // self.patches_per_cell)

    @property
    def columns(self) -> int:
        """Number of columns of cells."""
        return -(-self.covered.columns // self.patches_per_cell)

    @property
    def cell_mm(self) -> float:
        """Side of a whole cell in mm."""
        return self.patches_per_cell * self.lattice.patch_mm

    def block(self, row: int, column: int) -> Block:
        """Return the patches of a cell."""
        side, covered = self.patches_per_cell, self.covered
        down, across = row * side, column * side
        return Block(
            covered.row + down,
            covered.column + across,
            min(side, covered.rows - down),
            min(side, covered.columns - across),
        )

    def cell_of(self, patch_row: int, patch_column: int) -> tuple[int, int]:
        """Return row and column of the cell that holds a patch of the grid."""
        covered, side = self.covered, self.patches_per_cell
        return (patch_row - covered.row) // side, (patch_column - covered.column) // side

    def address(self, row: int, column: int) -> str:
        """Return the name of a cell, such as `B6`, or `S2 B6` in the grid of a section."""
        return cell_address(row, column, self.section)

    def edges_um(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the y of every row's edge and the x of every column's, in µm on the slide.

        They are one more than rows and columns; the last ones are clipped at the slide's edge.
        """
        down, across = self.lattice.window(self.covered)
        side = self.patches_per_cell * PATCH_PX
        ys = np.append(np.arange(down.start, down.stop, side), down.stop)
        xs = np.append(np.arange(across.start, across.stop, side), across.stop)
        return ys * self.lattice.um_per_px, xs * self.lattice.um_per_px


def cell_grid(
    lattice: Lattice,
    cell_mm: float | None = None,
    *,
    extent: Block | None = None,
    section: str = "",
) -> CellGrid:
    """Lay cells over a lattice.

    Parameters
    ----------
    lattice
        The patches.
    cell_mm
        Wanted side in mm; the whole number of patches nearest to it is taken. By default the
        smallest of `CELL_SIDES_MM` that gives at most twelve cells along the longer side.
    extent, section
        For the grid of one piece of tissue: its patches, which are those whose longer side
        counts, and its name.

    Raises
    ------
    BadInput
        When the wanted side is not a positive number.
    """
    if cell_mm is not None:
        if not 0 < cell_mm < float("inf"):
            raise BadInput(f"cell size {cell_mm} mm cannot be used: give a positive number, as 1")
        return CellGrid(lattice, _nearest_patches(lattice, cell_mm), extent, section)
    covered = extent or lattice
    longer = max(covered.rows, covered.columns)
    sides = (_nearest_patches(lattice, side) for side in CELL_SIDES_MM)
    fitting = (side for side in sides if longer <= side * MOST_CELLS)
    return CellGrid(lattice, next(fitting, -(-longer // MOST_CELLS)), extent, section)


def _nearest_patches(lattice: Lattice, side_mm: float) -> int:
    longer = max(lattice.rows, lattice.columns)
    return max(1, int(min(side_mm / lattice.patch_mm, longer) + 0.5))


@dataclass(frozen=True)
class Address:
    """Where a cell is: its section, empty in the grid of the whole slide, and row and column."""

    section: str
    row: int
    column: int


def cell_address(row: int, column: int, section: str = "") -> str:
    """Return the name of a cell: letters for rows (A…Z, AA…), numbers from 1 for columns.

    The name of a section, such as `S2`, stands before it: `S2 B6`.
    """
    letters, rest = "", row + 1
    while rest:
        rest, letter = divmod(rest - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{section} {letters}{column + 1}".lstrip()


def parse_address(text: str) -> Address:
    """Return the cell, from 0, that a name such as `B6` or `S2 B6` means.

    Case and spaces do not matter. `S2` alone is a cell, the second of row S.

    Raises
    ------
    ValueError
        When the text names no cell; the message says what is expected.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} names no cell: give a letter and a number, as in B6, "
            "or a section before them, as in S2 B6"
        )
    section, letters, number = match.groups()
    row = 0
    for letter in letters.upper():
        row = row * 26 + ord(letter) - ord("A") + 1
    return Address(f"S{section}" if section else "", row - 1, int(number) - 1)


@dataclass(frozen=True)
class Cell:
    """What was measured in one cell.

    Position and extent are in µm on the slide, clipped at its edge. The densities are those of
    `PatchTable` over the cell's read patches; those per tissue are None where there is no tissue.
    `tissue_share` is tissue px / read px. `band` is that of `density_percent`. Not `complete`
    means that patches of the cell are still to come. `row` and `column` count in the grid of
    `section`, which is empty in the grid of the whole slide.
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
    section: str = ""


def measure_cells(
    patches: PatchTable,
    grid: CellGrid,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
) -> tuple[Cell, ...]:
    """Measure the cells in which something was read, row by row.

    `scope` (bool, shape (lattice rows, lattice columns)) limits the patches that count: to those
    of a section, for one, when the grid is a section's.
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
    rows = np.arange(0, grid.covered.rows, grid.patches_per_cell)
    columns = np.arange(0, grid.covered.columns, grid.patches_per_cell)
    by_row = np.add.reduceat(values[grid.covered.patches], rows, axis=0, dtype=np.int64)
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
            address=self.grid.address(row, column),
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
            section=self.grid.section,
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
