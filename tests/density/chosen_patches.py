"""Patch tables with chosen values."""

import numpy as np

from napari_glioma_density.density import PATCH_PX, Lattice, PatchState, PatchTable

FULL = PATCH_PX**2


def make_patches(nucleus_px: list[list[int]], **values: list[list[int]]) -> PatchTable:
    """Lay full patches of 0.5 µm/px out, all READ and all tissue unless said otherwise."""
    nucleus = np.array(nucleus_px, np.int64)
    rows, columns = nucleus.shape
    full = np.full(nucleus.shape, FULL, np.int64)
    given = {name: np.array(value, np.int64) for name, value in values.items()}
    state = given.get("state", np.full(nucleus.shape, PatchState.READ)).astype(np.uint8)
    return PatchTable(
        lattice=Lattice.over(rows * PATCH_PX, columns * PATCH_PX, 0.5),
        state=state,
        nucleus_px=nucleus,
        read_px=given.get("read_px", full),
        tissue_px=given.get("tissue_px", full),
        unread_px=given.get("unread_px", 0 * full),
        count=given.get("count", nucleus // 100),
    )
