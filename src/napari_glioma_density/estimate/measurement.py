"""What one block holds: patch sums, states and nuclei, from its pixels and its mask."""

from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState
from napari_glioma_density.nuclei.table import NUCLEUS_MARGIN_PX, measure_nuclei, separate_nuclei
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, Run
from napari_glioma_density.slides import Pixels, TissueKind

_LATTICE_PX = 16
"""Windows begin and end on this lattice: the pooling of the networks and the reader ask for it."""


@dataclass(frozen=True)
class Ground:
    """What is known of the slide before any block: where there is tissue, where bare glass."""

    lattice: Lattice
    tissue: NDArray[np.bool_]
    """One value per `tissue_px` working px."""
    background: NDArray[np.bool_]
    """(lattice rows, lattice columns)"""
    tissue_px: int

    @classmethod
    def of(cls, run: Run) -> Self:
        """The ground of a run."""
        background = run.patches().state == PatchState.BACKGROUND
        side = -(-run.lattice.height_px // run.tissue.shape[0])
        return cls(run.lattice, run.tissue == TissueKind.TISSUE, background, side)

    def patch_tissue_mm2(self) -> NDArray[np.float64]:
        """Tissue of every patch as the tissue map has it, mm²: (lattice rows, columns)."""
        per_patch = PATCH_PX // self.tissue_px
        rows, columns = (range(0, length, per_patch) for length in self.tissue.shape)
        by_row = np.add.reduceat(self.tissue, rows, axis=0, dtype=np.int64)
        spots = np.add.reduceat(by_row, columns, axis=1)
        return spots * (self.tissue_px**2 * self.lattice.px_mm2)

    def tissue_of(self, block: Block) -> NDArray[np.bool_]:
        """Tissue of a block's pixels, clipped at the slide's edge."""
        down, across = self.lattice.window(block)
        spots = self.tissue[_covering(down, self.tissue_px), _covering(across, self.tissue_px)]
        return _enlarged(spots, self.tissue_px, down.stop - down.start, across.stop - across.start)

    def glass_of(self, block: Block) -> NDArray[np.bool_]:
        """Pixels of a block whose patch is bare glass, clipped at the slide's edge."""
        down, across = self.lattice.window(block)
        patches = self.background[block.patches]
        return _enlarged(patches, PATCH_PX, down.stop - down.start, across.stop - across.start)


def block_window(block: Block, lattice: Lattice, halo_px: int) -> tuple[int, int, int, int]:
    """What the network is shown of a block: ``(y, x, height, width)`` in working px.

    Its px and a halo; at the slide's edge no more of the white beyond than that, and what brings
    the window to whole :data:`_LATTICE_PX`.
    """
    down, across = lattice.window(block)
    height, width = (
        -(-(part.stop - part.start) // _LATTICE_PX) * _LATTICE_PX + 2 * halo_px
        for part in (down, across)
    )
    return down.start - halo_px, across.start - halo_px, height, width


def unseen_rim_px(halo_px: int) -> int:
    """How much of a block's halo :func:`measure_block` does not look at."""
    return max(0, halo_px - NUCLEUS_MARGIN_PX)


def measure_block(
    block: Block, pixels: Pixels, mask: NDArray[np.uint8], ground: Ground, halo_px: int
) -> BlockResult:
    """Measure the patches of a block.

    Parameters
    ----------
    block
        Which patches.
    pixels, mask
        The block and its halo at the working resolution; the mask is 0/1 but for the outer
        :func:`unseen_rim_px` px, which are not looked at.
    ground
        The slide's tissue and bare glass.
    halo_px
        Context on each side of ``pixels`` and ``mask``.

    Returns
    -------
    BlockResult
        Its mask has no nucleus on bare glass or where pixels could not be read, and density is
        that of what was read (P1 eq. 6).
    """
    tissue, counted = ground.tissue_of(block), ~ground.glass_of(block)
    core = np.s_[halo_px : halo_px + tissue.shape[0], halo_px : halo_px + tissue.shape[1]]
    read = pixels.read[core] & counted
    nucleus = (mask[core] > 0) & read
    read_px = patch_sums(read, block)
    nuclei = _nuclei_of(block, mask, ground.lattice, halo_px)
    nuclei = nuclei[_centred_on(read, nuclei, block)]
    return BlockResult(
        block=block,
        mask=nucleus.astype(np.uint8),
        state=_states(ground.background[block.patches], read_px),
        nucleus_px=patch_sums(nucleus, block),
        read_px=read_px,
        tissue_px=patch_sums(read & (tissue | nucleus), block),
        unread_px=patch_sums(counted & ~read, block),
        count=_patch_counts(nuclei, block),
        nuclei=nuclei,
    )


def patch_sums(pixels: NDArray[np.bool_], block: Block) -> NDArray[np.int64]:
    """Count the true pixels of each patch of a block: (block rows, block columns)."""
    rows, columns = (range(0, length, PATCH_PX) for length in pixels.shape)
    sums = [
        np.count_nonzero(pixels[y : y + PATCH_PX, x : x + PATCH_PX])
        for y, x in product(rows, columns)
    ]
    return np.array(sums, np.int64).reshape(block.rows, block.columns)


def _states(background: NDArray[np.bool_], read_px: NDArray[np.int64]) -> NDArray[np.uint8]:
    seen = np.where(read_px > 0, PatchState.READ, PatchState.UNREAD)
    return np.where(background, PatchState.BACKGROUND, seen).astype(np.uint8)


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


def _centred_on(
    read: NDArray[np.bool_], nuclei: NDArray[np.void], block: Block
) -> NDArray[np.bool_]:
    """Whether each nucleus has its centre on pixels of the block that were read."""
    y = np.floor(nuclei["y_px"]).astype(np.int64) - block.row * PATCH_PX
    x = np.floor(nuclei["x_px"]).astype(np.int64) - block.column * PATCH_PX
    height, width = read.shape
    inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    inside[inside] = read[y[inside], x[inside]]
    return np.asarray(inside)


def _patch_counts(nuclei: NDArray[np.void], block: Block) -> NDArray[np.int64]:
    rows = np.floor(nuclei["y_px"] / PATCH_PX).astype(np.int64) - block.row
    columns = np.floor(nuclei["x_px"] / PATCH_PX).astype(np.int64) - block.column
    counts = np.bincount(rows * block.columns + columns, minlength=block.rows * block.columns)
    return counts.reshape(block.rows, block.columns)


def _covering(pixels: slice, side: int) -> slice:
    return slice(pixels.start // side, -(-pixels.stop // side))


def _enlarged(values: NDArray[np.bool_], factor: int, height: int, width: int) -> NDArray[np.bool_]:
    enlarged = values.repeat(factor, axis=0).repeat(factor, axis=1)
    return np.asarray(enlarged[:height, :width])
