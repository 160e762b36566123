"""As many pixels as statistics need."""

import numpy as np
from numpy.typing import NDArray


def some_pixels(rgb: NDArray[np.uint8], read: NDArray[np.bool_], most: int) -> NDArray[np.uint8]:
    """Every n-th of the pixels that were read, n as small as leaves at most so many.

    Parameters
    ----------
    rgb
        uint8, (…, 3).
    read
        bool, (…): which of them were read.
    most
        How many to take.

    Returns
    -------
    ndarray
        uint8, (taken, 3), in their order.
    """
    at = np.flatnonzero(read)
    every = max(1, -(-len(at) // most))
    return rgb.reshape(-1, 3)[at[::every]]
