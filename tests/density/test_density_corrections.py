"""Corrected cells beside the model's."""

import numpy as np
from chosen_patches import FULL, make_patches

from napari_glioma_density.density import (
    Block,
    CorrectedPatches,
    cell_grid,
    measure_cells,
    measure_corrected_cells,
)

MODEL = make_patches([[100, 200, 300, 400]])
CORRECTED = make_patches([[100, 250, 300, 390]])
PATCHES = CorrectedPatches(
    CORRECTED, np.array([[False, True, False, True]]), MODEL, (Block(0, 1, 1, 1), Block(0, 3, 1, 1))
)
GRID = cell_grid(MODEL.lattice, 0.48)


def test_cells_carry_both_values_and_a_mark() -> None:
    pairs = measure_corrected_cells(PATCHES, GRID)
    assert tuple(pair.cell for pair in pairs) == measure_cells(CORRECTED, GRID)
    assert tuple(pair.model for pair in pairs) == measure_cells(MODEL, GRID)
    assert [pair.corrected_patches for pair in pairs] == [1, 1]
    assert [pair.cell.density_percent for pair in pairs] == [
        100 * 350 / (2 * FULL),
        100 * 690 / (2 * FULL),
    ]


def test_a_scope_leaves_corrections_out() -> None:
    scope = np.array([[True, False, True, True]])
    assert [pair.corrected_patches for pair in measure_corrected_cells(PATCHES, GRID, scope)] == [
        0,
        1,
    ]
    assert PATCHES.fields_in(scope) == 1
    assert PATCHES.fields_in(None) == 2
