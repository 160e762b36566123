"""Random fields: patches drawn from all tissue that counts."""

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block, PatchTable


def is_sampled(patches: PatchTable) -> NDArray[np.bool_]:
    """Which patches a random field may fall on, read and half tissue: bool, (rows, columns)."""
    return patches.is_read & patches.is_mostly_tissue


def draw_fields(
    patches: PatchTable, taken: NDArray[np.bool_], number: int = 10, seed: int = 0
) -> tuple[Block, ...]:
    """Draw patches at random, each as likely as any other, none twice.

    Parameters
    ----------
    patches
        What was measured; patches that were read and are at least half tissue can be drawn.
    taken
        Patches that belong to a field already, bool of shape (rows, columns); never drawn.
    number
        How many; fewer come where there are no more.
    seed
        The same seed gives the same fields of the same patches.
    """
    places = np.argwhere(is_sampled(patches) & ~taken)
    drawn = np.random.default_rng(seed).permutation(places)[:number]
    return tuple(Block(row, column, 1, 1) for row, column in drawn.tolist())
