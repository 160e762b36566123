"""What a block holds, measured from its mask."""

import numpy as np
import pytest
from skimage.measure import block_reduce

from napari_glioma_density.density import PATCH_PX, Block, Lattice
from napari_glioma_density.estimate.measurement import (
    Ground,
    block_window,
    measure_block,
    patch_sums,
    segmented_part,
    unseen_rim_px,
)
from napari_glioma_density.nuclei.spec import WINDOW_LATTICE_PX
from napari_glioma_density.nuclei.table import NUCLEUS_MARGIN_PX
from napari_glioma_density.slides import TISSUE_PX, Pixels, TissueKind

HALO_PX = 96


def test_patch_sums_are_those_of_block_reduce() -> None:
    pixels = np.random.default_rng(0).random((2 * PATCH_PX, 3 * PATCH_PX - 100)) < 0.3
    expected = block_reduce(pixels, (PATCH_PX, PATCH_PX), np.sum)
    assert np.array_equal(patch_sums(pixels, Block(0, 0, 2, 3)), expected)


def test_nothing_is_taken_from_the_rim_that_the_network_may_leave_empty() -> None:
    lattice = Lattice.over(PATCH_PX, PATCH_PX, 0.5)
    ground = Ground(lattice, np.ones((30, 30), np.uint8))
    side, rim = PATCH_PX + 2 * HALO_PX, unseen_rim_px(HALO_PX)
    mask = np.zeros((side, side), np.uint8)
    mask[::40, ::40] = 1
    mask = np.kron(mask[::40, ::40], np.pad(np.ones((14, 14), np.uint8), 13))[:side, :side]
    mask = np.ascontiguousarray(mask)
    pixels = Pixels(np.full((side, side, 3), 255, np.uint8), np.ones((side, side), bool))
    spared = np.zeros_like(mask)
    spared[rim:-rim, rim:-rim] = mask[rim:-rim, rim:-rim]
    whole, less = (
        measure_block(Block(0, 0, 1, 1), pixels.read, each, ground, HALO_PX)
        for each in (mask, spared)
    )
    assert whole.count.sum() > 100
    assert np.array_equal(whole.mask, less.mask)
    assert np.array_equal(whole.nuclei, less.nuclei)


def test_at_the_slides_edge_the_window_ends_a_halo_beyond_it() -> None:
    lattice = Lattice.over(2 * PATCH_PX + 87, PATCH_PX, 0.5)
    assert block_window(Block(0, 0, 2, 1), lattice, HALO_PX) == (-96, -96, 960 + 192, 480 + 192)
    # 87 px are left of the last row of patches: 96 on the lattice.
    assert block_window(Block(2, 0, 1, 1), lattice, HALO_PX) == (960 - 96, -96, 96 + 192, 480 + 192)


def test_the_network_is_given_tissue_and_its_context_alone() -> None:
    lattice = Lattice.over(3 * PATCH_PX, 3 * PATCH_PX, 0.5)
    kinds = np.full((90, 90), TissueKind.BACKGROUND, np.uint8)
    kinds[40:42, 50:53] = TissueKind.TISSUE
    block = Block(0, 0, 2, 2)
    down, across = segmented_part(block, Ground(lattice, kinds), HALO_PX)
    # Tissue lies at 640 to 672 and 800 to 848 px, in the window a halo further, which is its
    # context on either side; what is cut off is a multiple of 48 px.
    assert (down.start, down.stop) == (624, 1152 - 288)
    assert (across.start, across.stop) == (768, 1152 - 96)


def test_where_sizes_cost_memory_there_are_few() -> None:
    lattice = Lattice.over(3 * PATCH_PX, 3 * PATCH_PX, 0.5)
    kinds = np.full((90, 90), TissueKind.BACKGROUND, np.uint8)
    kinds[40:42, 50:53] = TissueKind.TISSUE
    down, across = segmented_part(Block(0, 0, 2, 2), Ground(lattice, kinds), HALO_PX, step_px=240)
    assert (down.start, down.stop) == (480, 1152 - 240)
    assert (across.start, across.stop) == (720, 1152)


def test_tissue_beyond_a_block_is_given_as_far_as_its_nuclei_may_reach_into_it() -> None:
    lattice = Lattice.over(3 * PATCH_PX, 3 * PATCH_PX, 0.5)
    kinds = np.full((90, 90), TissueKind.BACKGROUND, np.uint8)
    kinds[:10, :10] = kinds[61, 5] = kinds[5, 62] = TissueKind.UNKNOWN
    down, across = segmented_part(Block(0, 0, 2, 2), Ground(lattice, kinds), HALO_PX)
    assert (down.start, down.stop) == (0, 1152), "place 61 begins 16 px below the block"
    assert (across.start, across.stop) == (0, 352 + 32), "place 62 lies beyond the margin"


def test_of_tissue_all_over_everything_is_given() -> None:
    lattice = Lattice.over(2 * PATCH_PX + 87, PATCH_PX, 0.5)
    ground = Ground(lattice, np.full((66, 30), TissueKind.TISSUE, np.uint8))
    for block in (Block(0, 0, 2, 1), Block(2, 0, 1, 1)):
        *_, height, width = block_window(block, lattice, HALO_PX)
        parts = segmented_part(block, ground, HALO_PX)
        assert [(part.start, part.stop) for part in parts] == [(0, height), (0, width)]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_tissue_its_context_is_given_and_no_more_than_the_steps_ask(seed: int) -> None:
    chance = np.random.default_rng(seed)
    down, across = (int(side) for side in chance.integers(1, 3 * PATCH_PX, 2))  # or under a patch
    lattice = Lattice.over(down, across, 0.5)
    kinds = np.zeros((-(-down // TISSUE_PX), -(-across // TISSUE_PX)), np.uint8)
    own = chance.integers((0, 0), kinds.shape)
    block = Block(*(int(place) * TISSUE_PX // PATCH_PX for place in own), 1, 1)
    sides = lattice.window(block)
    reach = np.array([(side.start // TISSUE_PX - 3, side.stop // TISSUE_PX + 4) for side in sides])
    others = np.clip(chance.integers(*reach.T, (3, 2)), 0, np.array(kinds.shape) - 1)
    for place in (own, *others):
        kinds[tuple(place)] = chance.choice([TissueKind.TISSUE, TissueKind.UNKNOWN])
    step_px = int(chance.choice([WINDOW_LATTICE_PX, 5 * WINDOW_LATTICE_PX]))

    parts = segmented_part(block, Ground(lattice, kinds), HALO_PX, step_px)

    first = np.argwhere(kinds) * TISSUE_PX
    begin, end = np.array([(side.start, side.stop) for side in sides]).T
    near = (first < end + NUCLEUS_MARGIN_PX) & (first + TISSUE_PX > begin - NUCLEUS_MARGIN_PX)
    first = first[near.all(axis=1)]
    window = np.reshape(block_window(block, lattice, HALO_PX), (2, 2))
    for places, origin, length, part in zip(first.T, *window, parts, strict=True):
        start = max(0, places.min() - origin - HALO_PX)
        stop = min(length, places.max() - origin + TISSUE_PX + HALO_PX)
        assert part.start % step_px == (length - part.stop) % step_px == 0
        assert 0 <= start - part.start < step_px
        assert 0 <= part.stop - stop < step_px


def test_specks_on_glass_count_in_no_patch_whatever_else_it_holds() -> None:
    lattice = Lattice.over(PATCH_PX, 2 * PATCH_PX, 0.5)
    kinds = np.full((30, 60), TissueKind.BACKGROUND, np.uint8)
    kinds[:, :10], kinds[:, 50:] = TissueKind.TISSUE, TissueKind.UNKNOWN
    mask = np.zeros((PATCH_PX + 2 * HALO_PX, 2 * PATCH_PX + 2 * HALO_PX), np.uint8)
    for x in (50, 400, 600, 900):  # on tissue, on glass of either patch, where it is not known
        mask[HALO_PX + 200 : HALO_PX + 220, HALO_PX + x : HALO_PX + x + 20] = 1
    pixels = Pixels(np.full((*mask.shape, 3), 255, np.uint8), np.ones(mask.shape, bool))

    found = measure_block(Block(0, 0, 1, 2), pixels.read, mask, Ground(lattice, kinds), HALO_PX)

    assert found.count.tolist() == found.nucleus_px.clip(max=1).tolist() == [[1, 1]]
    assert found.nucleus_px.tolist() == [[400, 400]]
    assert found.nuclei["x_px"].tolist() == [60, 910]
    assert found.tissue_px.tolist() == [[PATCH_PX * 160, 400]]
    assert found.read_px.tolist() == [[PATCH_PX**2] * 2]


def test_px_that_could_not_be_read_are_told_one_by_one() -> None:
    lattice = Lattice.over(PATCH_PX, 2 * PATCH_PX, 0.5)
    kinds = np.ones((30, 60), np.uint8)
    kinds[:, 30:] = TissueKind.BACKGROUND
    ground, mask = (
        Ground(lattice, kinds),
        np.zeros((480 + 2 * HALO_PX, 960 + 2 * HALO_PX), np.uint8),
    )
    read = np.ones(mask.shape, bool)
    assert measure_block(Block(0, 0, 1, 2), read, mask, ground, HALO_PX).unread is None
    read[HALO_PX + 400 : HALO_PX + 490, HALO_PX + 300 : HALO_PX + 900] = False
    found = measure_block(Block(0, 0, 1, 2), read, mask, ground, HALO_PX)
    expected = np.zeros((PATCH_PX, 2 * PATCH_PX), bool)
    expected[400:, 300:480] = True  # the other patch is bare glass
    assert np.array_equal(found.unread, expected)
    assert found.unread_px.tolist() == [[80 * 180, 0]]


def test_a_nucleus_that_reaches_onto_glass_is_counted_as_the_mask_shows_it() -> None:
    lattice = Lattice.over(PATCH_PX, PATCH_PX, 0.5)
    kinds = np.zeros((30, 30), np.uint8)
    kinds[:, :10] = TissueKind.TISSUE
    side = PATCH_PX + 2 * HALO_PX
    mask = np.zeros((side, side), np.uint8)
    mask[HALO_PX + 200 : HALO_PX + 220, HALO_PX + 150 : HALO_PX + 170] = 1
    pixels = Pixels(np.full((side, side, 3), 255, np.uint8), np.ones((side, side), bool))

    found = measure_block(Block(0, 0, 1, 1), pixels.read, mask, Ground(lattice, kinds), HALO_PX)

    assert found.mask.sum() == found.nuclei["area_px"].sum() == 20 * 10
    assert found.nuclei["x_px"].tolist() == [155]
