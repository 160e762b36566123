"""The density map of a slide as a picture: a coloured square a patch, cells, legend, scale bar."""

from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    NO_BAND,
    PAPER_BANDS,
    PATCH_PX,
    BandScale,
    CellGrid,
    Lattice,
    PatchState,
    PatchTable,
    band_of,
    cell_address,
)
from napari_glioma_density.results.drawing import (
    BACKGROUND,
    DAMAGED,
    INK,
    LEFT_OUT,
    PAPER,
    Picture,
    canvas,
    hatch,
    rgb,
    write_centred,
)
from napari_glioma_density.results.legend import draw_legend
from napari_glioma_density.results.pictures import write_png

_MAP_PX = 1600
_SQUARE_PX = (2, 64)
_MARGIN_PX = 40
_NAMED_CELL_PX = 52
_NUMBERED_CELL_PX = 18


def write_heatmap(
    path: Path,
    patches: PatchTable,
    grid: CellGrid,
    scale: BandScale = PAPER_BANDS,
    scope: NDArray[np.bool_] | None = None,
) -> None:
    """Draw the density map as a PNG.

    Background is light grey, pending patches white; patches that are less than half tissue are
    hatched in their colour, unread ones in grey, those left out in grey-blue.

    Parameters
    ----------
    path
        The file to replace.
    patches
        What was measured.
    grid
        Cells whose lines and names are drawn.
    scale
        Bands, whose colours, limits and name the legend gives.
    scope
        Patches to draw, bool of shape (rows, columns); others look like background.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    write_png(path, draw_heatmap(patches, grid, scale, scope))


def draw_heatmap(
    patches: PatchTable,
    grid: CellGrid,
    scale: BandScale = PAPER_BANDS,
    scope: NDArray[np.bool_] | None = None,
) -> Picture:
    """Return the density map that `write_heatmap` writes: uint8, (height, width, 3), RGB."""
    square = _square_px(patches.lattice)
    density_map = _draw_map(patches, scale, scope, square)
    _draw_lines(density_map, grid, square)
    _name_cells(density_map, patches, grid, square)
    left_out = bool(_is_excluded(patches).any())
    totals = patches.totals(scope, scale)
    legend = draw_legend(totals, grid, scale, square, left_out=left_out)
    height = max(density_map.shape[0] + 2 * _MARGIN_PX, legend.shape[0])
    picture = canvas(height, density_map.shape[1] + 2 * _MARGIN_PX + legend.shape[1])
    rows, columns = density_map.shape[:2]
    picture[_MARGIN_PX : _MARGIN_PX + rows, _MARGIN_PX : _MARGIN_PX + columns] = density_map
    picture[: legend.shape[0], -legend.shape[1] :] = legend
    _number_cells(picture, grid, square)
    return picture


def _square_px(lattice: Lattice) -> int:
    smallest, largest = _SQUARE_PX
    return min(max(_MAP_PX // max(lattice.rows, lattice.columns), smallest), largest)


def _draw_map(
    patches: PatchTable, scale: BandScale, scope: NDArray[np.bool_] | None, square: int
) -> Picture:
    lattice = patches.lattice
    scaled = _enlarge(_patch_colours(patches, scale), square)
    hatched = _is_damaged(patches) | _is_excluded(patches) | _is_sparse(patches)
    hatch(scaled, _enlarge(hatched, square), step=max(4, square // 4))
    if scope is not None:
        scaled[~_enlarge(scope, square)] = BACKGROUND
    height, width = (round(px / PATCH_PX * square) for px in (lattice.height_px, lattice.width_px))
    return np.ascontiguousarray(scaled[:height, :width])


def _patch_colours(patches: PatchTable, scale: BandScale) -> Picture:
    bands = band_of(patches.density_percent(), scale)
    palette = np.full((NO_BAND + 1, 3), PAPER, np.uint8)
    palette[: len(scale.colours)] = [rgb(colour) for colour in scale.colours]
    colours = palette[bands]
    colours[patches.state == PatchState.BACKGROUND] = BACKGROUND
    colours[_is_damaged(patches)] = DAMAGED
    colours[_is_excluded(patches)] = LEFT_OUT
    return colours


def _is_damaged(patches: PatchTable) -> NDArray[np.bool_]:
    return np.equal(patches.state, PatchState.UNREAD)


def _is_excluded(patches: PatchTable) -> NDArray[np.bool_]:
    return np.equal(patches.state, PatchState.EXCLUDED)


def _is_sparse(patches: PatchTable) -> NDArray[np.bool_]:
    return patches.is_read & ~patches.is_mostly_tissue


def _enlarge(values: NDArray[Any], square: int) -> NDArray[Any]:
    return values.repeat(square, axis=0).repeat(square, axis=1)


def _draw_lines(density_map: Picture, grid: CellGrid, square: int) -> None:
    height, width = density_map.shape[:2]
    for y in (*range(0, height, grid.patches_per_cell * square), height - 1):
        cv2.line(density_map, (0, y), (width, y), INK, 1)
    for x in (*range(0, width, grid.patches_per_cell * square), width - 1):
        cv2.line(density_map, (x, 0), (x, height), INK, 1)


def _cell_window(grid: CellGrid, row: int, column: int, square: int) -> tuple[slice, slice]:
    """Where a cell lies on the map, in px of the picture, clipped at the slide's edge."""
    down, across = (
        slice(part.start * square // PATCH_PX, part.stop * square // PATCH_PX)
        for part in grid.lattice.window(grid.block(row, column))
    )
    return down, across


def _name_cells(density_map: Picture, patches: PatchTable, grid: CellGrid, square: int) -> None:
    """Write the names of cells that hold more than background, where they fit."""
    for row, column in product(range(grid.rows), range(grid.columns)):
        down, across = _cell_window(grid, row, column, square)
        roomy = min(down.stop - down.start, across.stop - across.start) >= _NAMED_CELL_PX
        states = patches.state[grid.block(row, column).patches]
        if roomy and np.any(states != PatchState.BACKGROUND):
            centre = (across.start + across.stop) // 2, down.start + 16
            write_centred(density_map, cell_address(row, column), centre, on_plate=True)


def _number_cells(picture: Picture, grid: CellGrid, square: int) -> None:
    """Write letters down the left margin and numbers along the upper one."""
    every = -(-_NUMBERED_CELL_PX // (grid.patches_per_cell * square))
    for row in range(0, grid.rows, every):
        down, _ = _cell_window(grid, row, 0, square)
        y = _MARGIN_PX + (down.start + down.stop) // 2
        write_centred(picture, cell_address(row, 0)[:-1], (_MARGIN_PX // 2, y))
    for column in range(0, grid.columns, every):
        _, across = _cell_window(grid, 0, column, square)
        x = _MARGIN_PX + (across.start + across.stop) // 2
        write_centred(picture, str(column + 1), (x, _MARGIN_PX // 2))
