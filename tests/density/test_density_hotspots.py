"""Ranking of cells."""

from dataclasses import replace

import numpy as np
import pytest
from chosen_patches import FULL, make_patches

from napari_glioma_density.density import (
    PATCH_PX,
    Block,
    CellGrid,
    Lattice,
    cell_grid,
    measure_cells,
    rank_hotspots,
)

HALF = FULL // 2


def test_the_densest_tissue_comes_first() -> None:
    patches = make_patches([[300, 200, 500]], tissue_px=[[FULL, HALF, FULL]])
    ranked = rank_hotspots(measure_cells(patches, cell_grid(patches.lattice, 0.24)))
    assert [cell.address for cell in ranked] == ["A3", "A2", "A1"]


def test_ties_are_ranked_by_address() -> None:
    patches = make_patches([[5] * 12])
    ranked = rank_hotspots(measure_cells(patches, cell_grid(patches.lattice, 0.24)), most=11)
    assert [cell.address for cell in ranked] == [f"A{column}" for column in range(1, 12)]


def test_slivers_of_tissue_are_left_out() -> None:
    patches = make_patches([[100, 50]], tissue_px=[[HALF - 1, HALF]])
    ranked = rank_hotspots(measure_cells(patches, cell_grid(patches.lattice, 0.24)))
    assert [cell.address for cell in ranked] == ["A2"]


def test_cells_clipped_to_less_than_half_are_left_out() -> None:
    patches = make_patches([[100, 50]])
    first, second = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    strip, half = (replace(first, height_um=share * first.height_um) for share in (0.4, 0.5))
    assert [cell.address for cell in rank_hotspots((strip, second))] == ["A2"]
    assert [cell.address for cell in rank_hotspots((half, second))] == ["A1", "A2"]


@pytest.mark.parametrize("um_per_px", [0.4625, 0.47, 0.499, 0.5054, 0.50875])
@pytest.mark.parametrize(("height", "width"), [(360, 320), (450, 256), (400, 288), (384, 300)])
def test_a_cell_clipped_at_both_edges_to_just_half_is_kept(
    height: int, width: int, um_per_px: float
) -> None:
    lattice = Lattice.over(PATCH_PX + height, PATCH_PX + width, um_per_px)
    px = lattice.patch_px()
    patches = make_patches([[10, 10], [10, 100]])
    patches = replace(patches, lattice=lattice, read_px=px, tissue_px=px)
    ranked = rank_hotspots(measure_cells(patches, CellGrid(lattice, 1)))
    assert ranked[0].address == "B2"


def test_what_is_left_beside_an_exclusion_is_a_sliver() -> None:
    grid = cell_grid(make_patches([[1, 1]]).lattice, 0.24)
    left = make_patches([[120, 100]], tissue_px=[[HALF - 1, FULL]])
    cells = measure_cells(replace(left, read_px=np.array([[HALF - 1, FULL]])), grid)
    assert [cell.address for cell in rank_hotspots(cells)] == ["A2"]


def test_what_lies_beside_bare_glass_is_a_sliver() -> None:
    patches = make_patches([[300, 0], [100, 100]], tissue_px=[[HALF, 0], [FULL, FULL]])
    patches = replace(patches, read_px=np.array([[HALF, 0], [FULL, FULL]]))
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    less = [replace(cell, tissue_mm2=0.99 * cell.tissue_mm2) for cell in cells]
    assert rank_hotspots(cells)[0].address == "A1"
    assert [cell.address for cell in rank_hotspots(less)] == ["B1", "B2"]


def test_a_cell_without_any_tissue_is_no_hotspot() -> None:
    patches = make_patches([[0]], tissue_px=[[0]])
    assert rank_hotspots(measure_cells(patches, cell_grid(patches.lattice))) == ()


def test_a_slide_without_cells_has_no_hotspots() -> None:
    assert rank_hotspots(()) == ()


def test_corrected_cells_keep_the_rank_the_model_gives_them() -> None:
    model = make_patches([[300, 500, 200]])
    corrected = make_patches([[900, 500, 100]])
    grid = cell_grid(model.lattice, 0.24)
    ranked = rank_hotspots(measure_cells(corrected, grid), ranked_by=measure_cells(model, grid))
    assert [cell.address for cell in ranked] == ["A2", "A1", "A3"]
    assert [cell.density_percent for cell in ranked] == [100 * px / FULL for px in (500, 900, 100)]


def test_a_correction_neither_makes_nor_unmakes_a_hotspot() -> None:
    model = make_patches([[300, 200]], tissue_px=[[FULL, HALF - 1]])
    corrected = make_patches([[300, 200]], tissue_px=[[HALF - 1, FULL]])
    grid = cell_grid(model.lattice, 0.24)
    ranked = rank_hotspots(measure_cells(corrected, grid), ranked_by=measure_cells(model, grid))
    assert [cell.address for cell in ranked] == ["A1"]


def test_cells_of_several_sections_are_ranked_together() -> None:
    patches = make_patches([[300, 0, 500], [300, 0, 400]])
    left = CellGrid(patches.lattice, 1, Block(0, 0, 2, 1), "S2")
    right = CellGrid(patches.lattice, 1, Block(0, 2, 2, 1), "S10")
    cells = [cell for grid in (right, left) for cell in measure_cells(patches, grid)]
    ranked = rank_hotspots(cells)
    assert [cell.address for cell in ranked] == ["S10 A1", "S10 B1", "S2 A1", "S2 B1"]
    even = [replace(cell, tissue_density_percent=1.0) for cell in cells]
    names = [cell.address for cell in rank_hotspots(even)]
    assert names == ["S2 A1", "S2 B1", "S10 A1", "S10 B1"]
