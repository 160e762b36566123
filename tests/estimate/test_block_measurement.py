"""What a block holds, measured from its mask."""

import numpy as np
from skimage.measure import block_reduce

from napari_glioma_density.density import PATCH_PX, Block, Lattice
from napari_glioma_density.estimate.measurement import (
    Ground,
    block_window,
    measure_block,
    patch_sums,
    unseen_rim_px,
)
from napari_glioma_density.slides import Pixels

HALO_PX = 96


def test_patch_sums_are_those_of_block_reduce() -> None:
    pixels = np.random.default_rng(0).random((2 * PATCH_PX, 3 * PATCH_PX - 100)) < 0.3
    expected = block_reduce(pixels, (PATCH_PX, PATCH_PX), np.sum)
    assert np.array_equal(patch_sums(pixels, Block(0, 0, 2, 3)), expected)


def test_nothing_is_taken_from_the_rim_that_the_network_may_leave_empty() -> None:
    lattice = Lattice.over(PATCH_PX, PATCH_PX, 0.5)
    ground = Ground(lattice, np.ones((30, 30), bool), np.zeros((1, 1), bool), 16)
    side, rim = PATCH_PX + 2 * HALO_PX, unseen_rim_px(HALO_PX)
    mask = np.zeros((side, side), np.uint8)
    mask[::40, ::40] = 1
    mask = np.kron(mask[::40, ::40], np.pad(np.ones((14, 14), np.uint8), 13))[:side, :side]
    mask = np.ascontiguousarray(mask)
    pixels = Pixels(np.full((side, side, 3), 255, np.uint8), np.ones((side, side), bool))
    spared = np.zeros_like(mask)
    spared[rim:-rim, rim:-rim] = mask[rim:-rim, rim:-rim]
    whole, less = (
        measure_block(Block(0, 0, 1, 1), pixels, each, ground, HALO_PX) for each in (mask, spared)
    )
    assert whole.count.sum() > 100
    assert np.array_equal(whole.mask, less.mask)
    assert np.array_equal(whole.nuclei, less.nuclei)


def test_at_the_slides_edge_the_window_ends_a_halo_beyond_it() -> None:
    lattice = Lattice.over(2 * PATCH_PX + 87, PATCH_PX, 0.5)
    assert block_window(Block(0, 0, 2, 1), lattice, HALO_PX) == (-96, -96, 960 + 192, 480 + 192)
    # 87 px are left of the last row of patches: 96 on the lattice.
    assert block_window(Block(2, 0, 1, 1), lattice, HALO_PX) == (960 - 96, -96, 96 + 192, 480 + 192)
