"""What one block holds: patch sums, states and nuclei, from its pixels and its mask."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, patches_of
from napari_glioma_density.nuclei.spec import WINDOW_LATTICE_PX
from napari_glioma_density.nuclei.table import (
    NUCLEUS_MARGIN_PX,
    centred_on,
    measure_nuclei,
    separate_nuclei,
)
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, patches_with_tissue
from napari_glioma_density.slides import TISSUE_PX, TissueKind, tissue_px

COUNTING: Final = 2
"""Which way of counting a run was measured by: 1 took nuclei from the glass of patches that hold
tissue besides, 2 takes them from tissue alone."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What is known of the slide before any block: where there is tissue, where bare glass.

    Attributes
    ----------
    lattice
        The slide's patches.
    kinds
        uint8 `TissueKind`, one value per :data:`TISSUE_PX` working px.
    """

    lattice: Lattice
    kinds: NDArray[np.uint8]

    @cached_property
    def bare(self) -> NDArray[np.bool_]:
        """Patches with neither tissue nor places not looked at: (lattice rows, columns)."""
        return ~patches_with_tissue(self.kinds)

    def patch_tissue_mm2(self) -> NDArray[np.float64]:
        """Tissue of every patch as the tissue map has it, mm²: (lattice rows, columns)."""
        lattice = self.lattice
        px = tissue_px(self.kinds, lattice.height_px, lattice.width_px, PATCH_PX)
        return px.astype(np.float64) * lattice.px_mm2

    def tissue_of(self, block: Block) -> NDArray[np.bool_]:
        """Pixels of a block on tissue: bool, (height, width), clipped at the slide's edge."""
        return np.equal(self._kinds_of(*self.lattice.window(block)), TissueKind.TISSUE)

    def glass_of(self, block: Block) -> NDArray[np.bool_]:
        """Pixels of a block in patches of bare glass: bool, (height, width), clipped too."""
        down, across = self.lattice.window(block)
        patches = self.bare[block.patches]
        return _enlarged(patches, PATCH_PX, down.stop - down.start, across.stop - across.start)

    def may_hold_nuclei(self, window: tuple[int, int, int, int]) -> NDArray[np.bool_]:
        """Pixels of a window on tissue, or where that is not known; none beyond the slide.

        Parameters
        ----------
        window
            ``(y, x, height, width)`` in working px.
        """
        y, x, height, width = window
        allowed = np.zeros((height, width), bool)
        down, across = (
            slice(max(start, 0), min(start + length, end))
            for start, length, end in (
                (y, height, self.lattice.height_px),
                (x, width, self.lattice.width_px),
            )
        )
        there = np.s_[down.start - y : down.stop - y, across.start - x : across.stop - x]
        allowed[there] = self._kinds_of(down, across) != TissueKind.BACKGROUND
        return allowed

    def _kinds_of(self, down: slice, across: slice) -> NDArray[np.uint8]:
        rows, columns = (
            slice(part.start // TISSUE_PX, -(-part.stop // TISSUE_PX)) for part in (down, across)
        )
        kinds = self.kinds[rows, columns].repeat(TISSUE_PX, axis=1).repeat(TISSUE_PX, axis=0)
        y, x = down.start % TISSUE_PX, across.start % TISSUE_PX
        return kinds[y : y + down.stop - down.start, x : x + across.stop - across.start]


def block_window(block: Block, lattice: Lattice, halo_px: int) -> tuple[int, int, int, int]:
    """What the network is shown of a block: ``(y, x, height, width)`` in working px.

    That is its px and a halo. At the slide's edge the window takes in no more of the white beyond
    than the halo, and what it needs to be a multiple of ``WINDOW_LATTICE_PX``.
    """
    down, across = lattice.window(block)
    height, width = (
        -(-(part.stop - part.start) // WINDOW_LATTICE_PX) * WINDOW_LATTICE_PX + 2 * halo_px
        for part in (down, across)
    )
    return down.start - halo_px, across.start - halo_px, height, width


def segmented_part(
    block: Block, ground: Ground, halo_px: int, step_px: int = WINDOW_LATTICE_PX
) -> tuple[slice, slice]:
    """The part of a block's window that the network is given: its tissue and the context of that.

    :func:`measure_block` takes nuclei from tissue alone, so the mask of the glass around it, most
    of a block at the edge of a section or on a needle biopsy, need not be computed.

    Parameters
    ----------
    block
        One that holds tissue, or places not looked at.
    ground
        The slide's tissue.
    halo_px
        Context on each side of the block.
    step_px
        What is cut off on each side is a multiple of this, which is one of ``WINDOW_LATTICE_PX``,
        so that the network pools the same px together.

    Returns
    -------
    tuple of slice
        Rows and columns in px of :func:`block_window`.
    """
    y, x, height, width = block_window(block, ground.lattice, halo_px)
    down, across = (_places_near(part) for part in ground.lattice.window(block))
    holds = ground.kinds[down, across] != TissueKind.BACKGROUND
    return (
        _around(holds.any(axis=1), down.start * TISSUE_PX - y, height, halo_px, step_px),
        _around(holds.any(axis=0), across.start * TISSUE_PX - x, width, halo_px, step_px),
    )


def _places_near(part: slice) -> slice:
    """Places of the tissue map in which nuclei of these px may lie, margin and all."""
    start, stop = part.start - NUCLEUS_MARGIN_PX, part.stop + NUCLEUS_MARGIN_PX
    return slice(max(0, start) // TISSUE_PX, -(-stop // TISSUE_PX))


def _around(
    holds: NDArray[np.bool_], first_px: int, length_px: int, halo_px: int, step_px: int
) -> slice:
    """The part of a window's side around the places along it that hold something.

    The first place begins at ``first_px`` of ``length_px``.
    """
    places = np.flatnonzero(holds)
    start = first_px + int(places[0]) * TISSUE_PX - halo_px
    stop = first_px + int(places[-1] + 1) * TISSUE_PX + halo_px
    before, after = (max(0, px) // step_px * step_px for px in (start, length_px - stop))
    return slice(before, length_px - after)


def unseen_rim_px(halo_px: int) -> int:
    """How much of a block's halo :func:`measure_block` does not look at."""
    return max(0, halo_px - NUCLEUS_MARGIN_PX)


def measure_block(
    block: Block,
    read: NDArray[np.bool_],
    mask: NDArray[np.uint8],
    ground: Ground,
    halo_px: int,
) -> BlockResult:
    """Measure the patches of a block.

    Parameters
    ----------
    block
        Which patches.
    read, mask
        (height, width) of the block and its halo at the working resolution: which px could be read,
        and where there is nucleus, 0/1. Of `mask` the outer :func:`unseen_rim_px` px are not looked
        at.
    ground
        The slide's tissue and bare glass.
    halo_px
        Context on each side of ``read`` and ``mask``.

    Returns
    -------
    BlockResult
        Its mask has nuclei only where something was read and there is tissue, or may be. Specks on
        glass are dropped: they would count in patches that also hold tissue and not in others, so
        the count would depend on where patches begin. Density is that of what was read (P1 eq. 6).
    """
    tissue, counted = ground.tissue_of(block), ~ground.glass_of(block)
    core = np.s_[halo_px : halo_px + tissue.shape[0], halo_px : halo_px + tissue.shape[1]]
    counted_read = read[core] & counted
    unread = counted & ~counted_read
    corner = block.row * PATCH_PX - halo_px, block.column * PATCH_PX - halo_px
    allowed = ground.may_hold_nuclei((*corner, *mask.shape))
    nuclear = mask * (allowed & read)
    nucleus = nuclear[core] > 0
    read_px = patch_sums(counted_read, block)
    nuclei = _nuclei_of(block, nuclear, ground.lattice, halo_px)
    top, left = block.row * PATCH_PX, block.column * PATCH_PX
    nuclei = nuclei[centred_on(counted_read, nuclei["y_px"] - top, nuclei["x_px"] - left)]
    return BlockResult(
        block=block,
        mask=nucleus.astype(np.uint8),
        state=_states(ground.bare[block.patches], read_px),
        nucleus_px=patch_sums(nucleus, block),
        read_px=read_px,
        tissue_px=patch_sums(counted_read & (tissue | nucleus), block),
        unread_px=patch_sums(unread, block),
        count=_patch_counts(nuclei, block),
        nuclei=nuclei,
        unread=unread if unread.any() else None,
    )


def patch_sums(pixels: NDArray[np.bool_], block: Block) -> NDArray[np.int64]:
    """Count the true pixels of each patch of a block: (block rows, block columns)."""
    rows, columns = (range(0, length, PATCH_PX) for length in pixels.shape)
    sums = [
        np.count_nonzero(pixels[y : y + PATCH_PX, x : x + PATCH_PX])
        for y, x in product(rows, columns)
    ]
    return np.array(sums, np.int64).reshape(block.rows, block.columns)


def _states(bare: NDArray[np.bool_], read_px: NDArray[np.int64]) -> NDArray[np.uint8]:
    seen = np.where(read_px > 0, PatchState.READ, PatchState.UNREAD)
    return np.where(bare, PatchState.BACKGROUND, seen).astype(np.uint8)


def _nuclei_of(
    block: Block, mask: NDArray[np.uint8], lattice: Lattice, halo_px: int
) -> NDArray[np.void]:
    """All nuclei of the block and a margin around it, in working px of the slide."""
    rim = unseen_rim_px(halo_px)
    inner = np.ascontiguousarray(mask[rim : mask.shape[0] - rim, rim : mask.shape[1] - rim])
    found = measure_nuclei(separate_nuclei(inner, lattice.um_per_px))
    records = np.zeros(len(found.area_px), NUCLEUS_DTYPE)
    records["y_px"] = found.y_px + block.row * PATCH_PX - halo_px + rim
    records["x_px"] = found.x_px + block.column * PATCH_PX - halo_px + rim
    records["area_px"] = found.area_px
    return records


def _patch_counts(nuclei: NDArray[np.void], block: Block) -> NDArray[np.int64]:
    row, column = patches_of(nuclei)
    patch = (row - block.row) * block.columns + column - block.column
    counts = np.bincount(patch, minlength=block.rows * block.columns)
    return counts.reshape(block.rows, block.columns)


def _enlarged(values: NDArray[np.bool_], factor: int, height: int, width: int) -> NDArray[np.bool_]:
    enlarged = values.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.asarray(enlarged[:height, :width])
