"""A made-up run in memory: discs of nucleus on ragged tissue, counted pixel by pixel."""

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from made_up_spec import made_up_spec
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.results import NUCLEUS_DTYPE, BlockResult, ResultStore


@dataclass(frozen=True)
class MadeUpGround:
    """What was measured, and the pixels it was counted from."""

    measured: Measured
    nucleus: NDArray[np.uint8]
    tissue: NDArray[np.bool_]

    def with_states(self, state: NDArray[np.uint8]) -> "MadeUpGround":
        """Give the patches other states."""
        patches = replace(self.measured.patches, state=state)
        return replace(self, measured=replace(self.measured, patches=patches))


def make_ground(
    nuclei: NDArray[np.float64],
    kinds: NDArray[np.uint8],
    *,
    height_px: int,
    width_px: int,
    um_per_px: float = 1.0,
) -> MadeUpGround:
    """Draw nuclei (y, x, radius in working px) on a tissue map (16 working px a value)."""
    lattice = Lattice.over(height_px, width_px, um_per_px)
    nucleus = np.zeros((height_px, width_px), np.uint8)
    for y, x, radius in np.rint(nuclei).astype(int).tolist():
        cv2.circle(nucleus, (x, y), radius, 1, -1)
    tissue = kinds.repeat(16, axis=0).repeat(16, axis=1)[:height_px, :width_px] == 1
    tissue |= nucleus > 0
    table = PatchTable(
        lattice,
        np.full((lattice.rows, lattice.columns), PatchState.READ, np.uint8),
        nucleus_px=_by_patch(nucleus),
        read_px=lattice.patch_px(),
        tissue_px=_by_patch(tissue),
        unread_px=np.zeros((lattice.rows, lattice.columns), np.int64),
        count=_by_patch(_centres(nuclei, nucleus.shape)),
    )
    records = np.zeros(len(nuclei), NUCLEUS_DTYPE)
    records["y_px"], records["x_px"] = np.rint(nuclei[:, :2]).T + 0.5
    measured = Measured(Plane(lattice, 2.0), table, nucleus, records, kinds)
    return MadeUpGround(measured, nucleus, tissue)


def store_ground(ground: MadeUpGround, path: Path) -> Path:
    """Write what was measured as a run, in one block, into a new result store."""
    measured = ground.measured
    patches, lattice = measured.patches, measured.plane.lattice
    size = (round(px * measured.plane.level0_px_per_px) for px in ground.nucleus.shape[::-1])
    store = ResultStore.open(path, "made up", "slide 1", *size)
    spec = made_up_spec(
        lattice.height_px,
        lattice.width_px,
        architecture="unet_dropblock",
        um_per_px=lattice.um_per_px / measured.plane.level0_px_per_px,
        working_um_per_px=lattice.um_per_px,
        block_patches=max(lattice.rows, lattice.columns),
    )
    values = {
        name: getattr(patches, name)
        for name in ("nucleus_px", "read_px", "tissue_px", "unread_px", "count", "state")
    }
    block = Block(0, 0, lattice.rows, lattice.columns)
    with store.begin(spec, measured.tissue) as run:
        run.commit(BlockResult(block, mask=ground.nucleus, nuclei=measured.nuclei, **values))
        run.finish()
    return path


def _by_patch(pixels: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.int64]:
    rows, columns = (range(0, length, PATCH_PX) for length in pixels.shape)
    by_row = np.add.reduceat(pixels, rows, axis=0, dtype=np.int64)
    return np.add.reduceat(by_row, columns, axis=1)


def _centres(nuclei: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    centres = np.zeros(shape, np.uint8)
    y, x = np.rint(nuclei[:, :2]).astype(int).T
    np.add.at(centres, (y, x), 1)
    return centres
