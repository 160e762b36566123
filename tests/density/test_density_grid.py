"""Cell names, cell sizes and what is measured in cells."""

import numpy as np
import pytest
from chosen_patches import FULL, make_patches

from napari_glioma_density.density import (
    PATCH_PX,
    Address,
    Block,
    CellGrid,
    Lattice,
    PatchState,
    cell_address,
    cell_grid,
    measure_cells,
    parse_address,
)
from napari_glioma_density.errors import BadInput

PENDING, BACKGROUND, READ, UNREAD, EXCLUDED = PatchState


@pytest.mark.parametrize(
    ("row", "column", "address"),
    [(0, 0, "A1"), (1, 5, "B6"), (25, 0, "Z1"), (26, 9, "AA10"), (51, 0, "AZ1"), (702, 0, "AAA1")],
)
def test_letters_name_rows_and_numbers_columns(row: int, column: int, address: str) -> None:
    assert cell_address(row, column) == address
    assert parse_address(address) == Address("", row, column)


def test_every_address_is_parsed_back() -> None:
    for row in range(1500):
        assert parse_address(cell_address(row, row % 13)) == Address("", row, row % 13)
        section = f"S{row + 1}"
        named = parse_address(cell_address(row, row % 13, section))
        assert named == Address(section, row, row % 13)


@pytest.mark.parametrize("text", ["b6", " B6 ", "B 6", "b06"])
def test_case_and_spaces_do_not_matter(text: str) -> None:
    assert parse_address(text) == Address("", 1, 5)


@pytest.mark.parametrize("text", ["S2 B6", "s2b6", "S2B6", " s 2 b 6 ", "s02 b06"])
def test_a_section_may_stand_before_a_cell(text: str) -> None:
    assert parse_address(text) == Address("S2", 1, 5)


def test_a_letter_s_alone_names_a_row() -> None:
    assert parse_address("S2") == Address("", 18, 1)


@pytest.mark.parametrize(
    "text", ["", "6B", "B", "6", "B0", "B-1", "B6C", "É1", "B٣", "T2 B6", "S0 B6"]
)
def test_nonsense_is_told_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match="as in B6"):
        parse_address(text)


@pytest.mark.parametrize(
    ("patches", "um_per_px", "side_patches"),
    [
        (4, 0.5, 1),  # 0.24 mm is nearest to 0.25
        (12, 0.5, 1),
        (13, 0.5, 2),  # 0.48 mm is nearest to 0.5
        (25, 0.5, 4),  # 0.96 mm
        (96, 0.5, 8),  # 1.92 mm are nearest to 2 and give twelve
        (97, 0.5, 21),  # 5.04 mm: 2 mm are 8 patches and would give 13 cells
        (253, 0.5, 42),  # 10.08 mm
        (505, 0.5, 43),  # one patch longer than twelve cells of 10 mm
        (600, 0.5, 50),  # longer than twelve cells of 10 mm
    ],
)
def test_a_grid_has_at_most_twelve_cells_along_the_longer_side(
    patches: int, um_per_px: float, side_patches: int
) -> None:
    grid = cell_grid(Lattice.over(3 * PATCH_PX, patches * PATCH_PX, um_per_px))
    assert grid.patches_per_cell == side_patches
    assert grid.columns <= 12


@pytest.mark.parametrize(("asked", "side"), [(0.01, 1), (0.37, 2), (1.0, 4), (2.5, 10)])
def test_an_asked_size_is_the_nearest_whole_number_of_patches(asked: float, side: int) -> None:
    grid = cell_grid(Lattice.over(20 * PATCH_PX, 20 * PATCH_PX, 0.5), asked)
    assert grid.patches_per_cell == side
    assert grid.cell_mm == pytest.approx(side * 0.24)


@pytest.mark.parametrize("asked", [0, -1, float("nan"), float("inf")])
def test_a_size_that_is_none_is_refused(asked: float) -> None:
    with pytest.raises(BadInput, match="positive number"):
        cell_grid(Lattice.over(1000, 1000, 0.5), asked)


def test_cells_sum_their_patches() -> None:
    patches = make_patches(
        [[10, 20, 30], [40, 50, 60]],
        read_px=[[100] * 3] * 2,
        tissue_px=[[50] * 3] * 2,
        count=[[1, 2, 3], [4, 5, 6]],
    )
    first, second = measure_cells(patches, cell_grid(patches.lattice, 0.48))
    assert (first.address, second.address) == ("A1", "A2")
    assert first.density_percent == pytest.approx(100 * 120 / 400)
    assert first.tissue_density_percent == pytest.approx(100 * 120 / 200)
    assert first.nuclei_per_mm2 == pytest.approx(12 / (200 * 0.0005**2))
    assert first.tissue_share == 0.5
    assert first.band == 5
    assert second.density_percent == pytest.approx(100 * 90 / 200)


def test_cells_agree_with_sums_over_slices() -> None:
    chance = np.random.default_rng(5)
    nucleus = chance.integers(0, FULL, (7, 11))
    state = chance.integers(0, 5, (7, 11))
    patches = make_patches(nucleus.tolist(), state=state.tolist())
    for cell in measure_cells(patches, cell_grid(patches.lattice, 0.72)):
        part = np.s_[cell.row * 3 : cell.row * 3 + 3, cell.column * 3 : cell.column * 3 + 3]
        read = state[part] == READ
        expected = 100 * nucleus[part][read].sum() / (FULL * read.sum())
        assert cell.density_percent == pytest.approx(expected)
        assert cell.complete == (not np.any(state[part] == PENDING))


def test_cells_where_nothing_was_read_are_left_out() -> None:
    patches = make_patches([[1, 1, 1, 1]], state=[[READ, UNREAD, BACKGROUND, PENDING]])
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    assert [cell.address for cell in cells] == ["A1"]


def test_cells_are_clipped_at_the_slide() -> None:
    patches = make_patches([[1, 1, 1]])
    lattice = Lattice.over(PATCH_PX - 80, 2 * PATCH_PX + 100, 0.5)
    clipped = type(patches)(**{**vars(patches), "lattice": lattice})
    last = measure_cells(clipped, cell_grid(lattice, 0.48))[-1]
    assert (last.x_um, last.y_um) == (480.0, 0.0)
    assert (last.width_um, last.height_um) == (50.0, 200.0)


def test_a_cell_is_complete_when_no_patch_of_the_scope_is_pending() -> None:
    patches = make_patches([[1, 1]], state=[[READ, PENDING]])
    grid = cell_grid(patches.lattice, 0.48)
    assert not measure_cells(patches, grid)[0].complete
    assert measure_cells(patches, grid, scope=np.array([[True, False]]))[0].complete


def test_the_grid_of_a_section_begins_at_its_corner() -> None:
    patches = make_patches((100 * np.arange(6 * 8).reshape(6, 8)).tolist())
    part = np.zeros((6, 8), bool)
    part[2:5, 3:8] = True
    part[2, 3] = False
    grid = cell_grid(patches.lattice, 0.48, extent=Block(2, 3, 3, 5), section="S2")
    cells = measure_cells(patches, grid, scope=part)
    assert [cell.address for cell in cells] == [
        *("S2 A1", "S2 A2", "S2 A3"),
        *("S2 B1", "S2 B2", "S2 B3"),
    ]
    first, last = cells[0], cells[-1]
    assert first.density_percent == pytest.approx(100 * (2000 + 2700 + 2800) / (3 * FULL))
    assert (first.x_um, first.y_um) == (3 * 240, 2 * 240)
    assert last.density_percent == pytest.approx(100 * 3900 / FULL)
    assert (last.width_um, last.height_um) == (240, 240)


def test_cells_keep_names_and_numbers_when_a_section_lies_elsewhere() -> None:
    chance = np.random.default_rng(8)
    tissue = chance.integers(0, FULL, (4, 5))
    cells = []
    for row, column in ((0, 0), (3, 1)):
        nucleus = np.zeros((7, 7), int)
        nucleus[row : row + 4, column : column + 5] = tissue
        patches = make_patches(nucleus.tolist())
        grid = CellGrid(patches.lattice, 2, Block(row, column, 4, 5), "S1")
        cells.append({cell.address: cell.density_percent for cell in measure_cells(patches, grid)})
    assert cells[0] == cells[1]
    assert len(cells[0]) == 6


def test_a_section_chooses_its_cells_by_its_own_size() -> None:
    lattice = Lattice.over(97 * PATCH_PX, 97 * PATCH_PX, 0.5)
    assert cell_grid(lattice, extent=Block(50, 50, 4, 12)).patches_per_cell == 1


def test_edges_lie_between_cells_and_end_at_the_slide() -> None:
    lattice = Lattice.over(3 * PATCH_PX, 4 * PATCH_PX - 80, 0.5)
    ys, xs = CellGrid(lattice, 2, Block(1, 1, 2, 3), "S1").edges_um()
    assert ys.tolist() == [240, 720]
    assert xs.tolist() == [240, 720, 920]
    ys, xs = CellGrid(lattice, 2).edges_um()
    assert ys.tolist() == [0, 480, 720]
    assert xs.tolist() == [0, 480, 920]


def test_a_patch_is_found_in_its_cell() -> None:
    grid = CellGrid(Lattice.over(9 * PATCH_PX, 9 * PATCH_PX, 0.5), 2, Block(3, 1, 5, 5), "S1")
    for row, column in np.ndindex(grid.rows, grid.columns):
        block = grid.block(row, column)
        assert grid.cell_of(block.row, block.column) == (row, column)
        last = block.row + block.rows - 1, block.column + block.columns - 1
        assert grid.cell_of(*last) == (row, column)
