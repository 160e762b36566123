"""Finding what can be read now and could not when a run began: the file was repaired."""

import numpy as np

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.estimate.measurement import Ground
from napari_glioma_density.results import Run
from napari_glioma_density.slides import TISSUE_PX, TissueKind, WorkingPlane

_SQUARES = PATCH_PX // TISSUE_PX


def readable_now(plane: WorkingPlane, run: Run) -> tuple[Block, ...]:
    """Return the finished blocks of which more can be read than when they were measured.

    In each block the patch that lacked most is tried. Blocks of which it is unknown whether they
    hold tissue stay as they are: tissue is looked for once, for the whole run.
    """
    unread, ground = run.patches().unread_px, Ground(run.lattice, run.tissue)
    found = []
    for block in sorted(run.finished, key=lambda each: (each.row, each.column)):
        lacking = unread[block.patches]
        if lacking.any():
            down, across = np.unravel_index(lacking.argmax(), lacking.shape)
            patch = Block(block.row + int(down), block.column + int(across), 1, 1)
            if _is_known(run, patch) and _unread_px(plane, ground, patch) < lacking.max():
                found.append(block)
    return tuple(found)


def _is_known(run: Run, patch: Block) -> bool:
    top, left = patch.row * _SQUARES, patch.column * _SQUARES
    kinds = run.tissue[top : top + _SQUARES, left : left + _SQUARES]
    return bool((kinds != TissueKind.UNKNOWN).all())


def _unread_px(plane: WorkingPlane, ground: Ground, patch: Block) -> int:
    """Count what cannot be read of a patch and is not bare glass."""
    counted = ~ground.glass_of(patch)
    read = plane.read(patch.row * PATCH_PX, patch.column * PATCH_PX, PATCH_PX, PATCH_PX).read
    height, width = counted.shape  # clipped at the slide's edge
    return int(np.count_nonzero(counted & ~read[:height, :width]))
