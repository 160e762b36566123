"""Tissue drawn on a working plane of 0.5 µm/px, its mask in memory."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.results import NUCLEUS_DTYPE
from napari_glioma_density.results.unread import UnreadMaps, packed
from napari_glioma_density.slides import TISSUE_PX

UM_PER_PX = 0.5
LEVEL0_PX = 2.0
"""Level-0 px along a working px."""


def measured_of(
    mask: NDArray[np.uint8], tissue: NDArray[np.bool_] | None = None, unread: float = 0.0
) -> Measured:
    """What a run measures that found `mask`; tissue is everywhere unless given, by 16 px."""
    height, width = mask.shape
    lattice = Lattice.over(height, width, UM_PER_PX)
    if tissue is None:
        tissue = np.ones((-(-height // TISSUE_PX), -(-width // TISSUE_PX)), bool)
    is_tissue = tissue.repeat(TISSUE_PX, 0).repeat(TISSUE_PX, 1)[:height, :width] | (mask > 0)
    read = (lattice.patch_px() * (1 - unread)).astype(np.int64)
    sums = [np.zeros_like(read), np.zeros_like(read)]
    for row, column in np.ndindex(read.shape):
        window = lattice.window(Block(row, column, 1, 1))
        for total, pixels in zip(sums, (mask, is_tissue), strict=True):
            total[row, column] = int((1 - unread) * np.count_nonzero(pixels[window]))
    patches = PatchTable(
        lattice, np.full(read.shape, PatchState.READ, np.uint8), sums[0], read, sums[1],
        lattice.patch_px() - read, np.zeros_like(read),
    )  # fmt: skip
    plane = Plane(lattice, LEVEL0_PX)
    nuclei = np.zeros(0, NUCLEUS_DTYPE)
    return Measured(plane, patches, mask, nuclei, tissue.astype(np.uint8))


def read_in_part(mask: NDArray[np.uint8], unread: NDArray[np.bool_]) -> Measured:
    """What a run measures of a slide that is all tissue, some px of which cannot be read."""
    measured, lattice = measured_of(mask), Lattice.over(*mask.shape, UM_PER_PX)
    maps, gone = {}, np.zeros_like(measured.patches.read_px)
    for patch in np.ndindex(gone.shape):
        here = unread[lattice.window(Block(*patch, 1, 1))]
        gone[patch] = np.count_nonzero(here)
        if here.any():
            maps[patch] = packed(here)
    read = measured.patches.read_px - gone
    patches = replace(measured.patches, read_px=read, tissue_px=read, unread_px=gone)
    return replace(measured, patches=patches, unread=UnreadMaps(maps))


def scattered_nuclei(
    share: NDArray[np.float64], seed: int, radius_px: int = 4
) -> NDArray[np.uint8]:
    """Draw discs, overlapping at will, that cover `share` (0–1, of every px) of the plane.

    Where discs fall at random with intensity i, 1 − exp(−i · area) is covered (Stoyan, Kendall and
    Mecke, Stochastic Geometry and its Applications, 1995, ch. 3).
    """
    disc = np.zeros((2 * radius_px + 1,) * 2, np.uint8)
    cv2.circle(disc, (radius_px, radius_px), radius_px, 1, -1)
    intensity = -np.log1p(-share) / np.count_nonzero(disc)
    centres = np.random.default_rng(seed).random(share.shape, np.float32) < intensity
    return cv2.dilate(centres.astype(np.uint8), disc)


def patch_table(nucleus_percent: NDArray[np.float64], tissue_share: float = 1.0) -> PatchTable:
    """Patches of these densities, % of tissue."""
    rows, columns = nucleus_percent.shape
    lattice = Lattice.over(rows * PATCH_PX, columns * PATCH_PX, UM_PER_PX)
    read = lattice.patch_px()
    tissue = (read * tissue_share).astype(np.int64)
    nucleus = np.round(tissue * nucleus_percent / 100).astype(np.int64)
    state = np.full(read.shape, PatchState.READ, np.uint8)
    return PatchTable(lattice, state, nucleus, read, tissue, 0 * read, nucleus // 100)
