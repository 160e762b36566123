"""What a block holds, measured from its mask."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
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


def test_the_ground_of_a_block_is_that_of_the_slide_where_it_lies() -> None:
    lattice = Lattice.over(2 * PATCH_PX + 87, PATCH_PX + 300, 0.5)
    kinds = np.random.default_rng(5).choice(3, (66, 49)).astype(np.uint8)
    kinds[30:60, :30] = kinds[60:, 30:] = TissueKind.BACKGROUND  # patches of bare glass
    ground = Ground(lattice, kinds)
    px = np.kron(kinds, np.ones((TISSUE_PX, TISSUE_PX), np.uint8))[:1047, :780]
    glass = np.zeros(px.shape, bool)
    glass[480:960, :480] = glass[960:, 480:] = True
    for block in (Block(0, 0, 2, 1), Block(1, 1, 1, 1), Block(1, 0, 2, 2)):
        there = lattice.window(block)
        assert np.array_equal(ground.tissue_of(block), px[there] == TissueKind.TISSUE)
        assert np.array_equal(ground.glass_of(block), glass[there])
    for y, x in ((-50, 301), (487, -8), (1000, 700)):
        beyond = np.pad(px != TissueKind.BACKGROUND, 200)[y + 200 :, x + 200 :][:150, :200]
        assert np.array_equal(ground.may_hold_nuclei((y, x, 150, 200)), beyond)


def test_a_halo_of_less_than_the_margin_has_no_rim() -> None:
    assert [unseen_rim_px(px) for px in (HALO_PX, 33, 32, 16)] == [64, 1, 0, 0]


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


def made_up_ground(size_px: tuple[int, int], random: np.random.Generator) -> Ground:
    """A slide of glass with few places of tissue, and few not looked at."""
    places = tuple(-(-px // TISSUE_PX) for px in size_px)
    kinds = random.choice(3, places, p=[0.998, 0.001, 0.001]).astype(np.uint8)
    kinds[tuple(random.integers(places))] = TissueKind.TISSUE
    return Ground(Lattice.over(*size_px, 0.5), kinds)


def blocks_with_tissue(ground: Ground, random: np.random.Generator) -> Iterator[Block]:
    for row, column in np.argwhere(~ground.bare).tolist():
        left = np.subtract(ground.bare.shape, (row, column))
        rows, columns = random.integers(1, 3, 2).clip(max=left).tolist()
        yield Block(row, column, rows, columns)


def least_part(
    measured: NDArray[np.bool_], first_px: int, halo_px: int, step_px: int
) -> tuple[int, int]:
    """From where to where a window's side is needed, which begins at this px of the slide."""
    px = first_px + np.flatnonzero(measured)
    start, stop = px[0], -(-(px[-1] + 1) // TISSUE_PX) * TISSUE_PX  # places end beyond the slide
    before = max(0, start - halo_px - first_px) // step_px * step_px
    after = max(0, first_px + len(measured) - stop - halo_px) // step_px * step_px
    return before, len(measured) - after


@pytest.mark.parametrize("step_px", [WINDOW_LATTICE_PX, 240, 960])
@pytest.mark.parametrize("halo_px", [HALO_PX, 112])
@pytest.mark.parametrize("size_px", [(1667, 2123), (2123, 1667), (100, 1441), (331, 90)])
def test_all_that_is_measured_is_given_with_its_context_and_not_a_step_more(
    size_px: tuple[int, int], halo_px: int, step_px: int
) -> None:
    random = np.random.default_rng(halo_px + step_px)
    rim = unseen_rim_px(halo_px)
    for ground in (made_up_ground(size_px, random) for _ in range(4)):
        for block in blocks_with_tissue(ground, random):
            y, x, height, width = block_window(block, ground.lattice, halo_px)
            measured = ground.may_hold_nuclei((y, x, height, width))
            measured[:rim] = measured[height - rim :] = False
            measured[:, :rim] = measured[:, width - rim :] = False
            down, across = segmented_part(block, ground, halo_px, step_px)
            sides = (measured.any(axis=1), y), (measured.any(axis=0), x)
            expected = [least_part(*side, halo_px, step_px) for side in sides]
            assert [(down.start, down.stop), (across.start, across.stop)] == expected


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
