"""Nuclei found again by where their centres lie."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

REACH_UM: Final = 2.0
"""How far the centre found again may lie from the one in a run's table. At the seam of two blocks
the mask beyond the edge was the block's own, so what is cut off there may differ by a few px."""


def match_centres(
    wanted: NDArray[np.float64], there: NDArray[np.float64], reach: float
) -> NDArray[np.int64]:
    """Give each wanted point the nearest of those there, none of them twice, nearest first.

    Parameters
    ----------
    wanted, there
        Points of shape (n, 2) and (m, 2).
    reach
        Points farther apart than this are not the same.

    Returns
    -------
    ndarray
        Index into `there` of each wanted point; -1 where none is left within reach.
    """
    given = np.full(len(wanted), -1, np.int64)
    free = np.arange(len(there))
    seeking = np.arange(len(wanted))
    while len(free) and len(seeking):
        distance, nearest = KDTree(there[free]).query(wanted[seeking], distance_upper_bound=reach)
        order = np.argsort(distance, kind="stable")
        order = order[np.isfinite(distance[order])]
        taken, first = np.unique(nearest[order], return_index=True)
        given[seeking[order[first]]] = free[taken]
        if len(taken) == len(order):
            break
        free, seeking = np.delete(free, taken), np.delete(seeking, order[first])
    return given
