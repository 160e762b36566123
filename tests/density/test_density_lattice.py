"""Lattice of patches and its partition into blocks."""

import numpy as np
import pytest

from napari_glioma_density.density import (
    PATCH_PX,
    Block,
    Lattice,
    partition,
    patch_numbers,
    patches_of,
)

LATTICE = Lattice.over(height_px=5 * PATCH_PX - 100, width_px=7 * PATCH_PX + 1, um_per_px=0.5)


def test_a_lattice_covers_the_last_px_of_the_slide() -> None:
    assert (LATTICE.rows, LATTICE.columns) == (5, 8)


def test_a_full_patch_has_its_side_in_mm() -> None:
    assert pytest.approx(0.24) == LATTICE.patch_mm


def test_patches_at_the_edge_count_only_px_on_the_slide() -> None:
    pixels = LATTICE.patch_px()
    assert pixels[0, 0] == PATCH_PX**2
    assert pixels[4, 0] == 380 * PATCH_PX
    assert pixels[0, 7] == PATCH_PX
    assert pixels.sum() == LATTICE.height_px * LATTICE.width_px


def test_a_nucleus_belongs_to_the_patch_that_holds_its_centre() -> None:
    centres = [(0.5, 0.5), (479.5, 480.0), (480.0, 479.5), (1000.0, 2500.0)]
    nuclei = np.array(centres, [("y_px", "<f4"), ("x_px", "<f4")])
    row, column = patches_of(nuclei)
    assert (row.tolist(), column.tolist()) == ([0, 0, 1, 2], [0, 1, 0, 5])
    assert patch_numbers(nuclei, columns=8).tolist() == [0, 1, 8, 21]


@pytest.mark.parametrize("block_patches", [1, 2, 3, 4, 100])
def test_a_partition_covers_every_patch_once(block_patches: int) -> None:
    covered = np.zeros((LATTICE.rows, LATTICE.columns), int)
    for block in partition(LATTICE, block_patches):
        assert LATTICE.holds(block)
        covered[block.patches] += 1
    assert np.all(covered == 1)


def test_split_blocks_become_single_patches() -> None:
    blocks = partition(LATTICE, 2, frozenset({(0, 1), (2, 3)}))
    covered = np.zeros((LATTICE.rows, LATTICE.columns), int)
    for block in blocks:
        covered[block.patches] += 1
    assert np.all(covered == 1)
    assert {block for block in blocks if block.rows == block.columns == 1} == {
        Block(row, column, 1, 1) for row, column in [(0, 2), (0, 3), (1, 2), (1, 3), (4, 6), (4, 7)]
    }


def test_a_window_is_clipped_at_the_edge_of_the_slide() -> None:
    assert LATTICE.window(Block(4, 6, 1, 2)) == (slice(1920, 2300), slice(2880, 3361))


@pytest.mark.parametrize("block", [Block(-1, 0, 1, 1), Block(4, 0, 2, 1), Block(0, 0, 0, 1)])
def test_a_block_off_the_lattice_is_not_held(block: Block) -> None:
    assert not LATTICE.holds(block)


def test_a_block_needs_a_patch() -> None:
    with pytest.raises(ValueError, match="at least one patch"):
        partition(LATTICE, 0)
