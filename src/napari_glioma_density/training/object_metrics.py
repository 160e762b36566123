"""Nuclei matched one to one between two annotations of the same picture."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

LEAST_IOU: Final = 0.5
"""Overlap from which two outlines are of one nucleus (Kirillov et al. 2019, panoptic quality)."""


@dataclass(frozen=True)
class ObjectCounts:
    """Nuclei by who outlined them; adding pools them."""

    matched: int = 0
    first_alone: int = 0
    second_alone: int = 0

    def __add__(self, other: "ObjectCounts") -> "ObjectCounts":
        return ObjectCounts(
            self.matched + other.matched,
            self.first_alone + other.first_alone,
            self.second_alone + other.second_alone,
        )

    @property
    def first(self) -> int:
        """Nuclei of the first annotation."""
        return self.matched + self.first_alone

    @property
    def second(self) -> int:
        """Nuclei of the second annotation."""
        return self.matched + self.second_alone

    @property
    def f1(self) -> float:
        """Share of nuclei that both outlined, 0–1; 1 where neither found any."""
        every = self.first + self.second
        return 2 * self.matched / every if every else 1.0


def match_objects(
    first: NDArray[Any], second: NDArray[Any], least_iou: float = LEAST_IOU
) -> ObjectCounts:
    """Match nuclei whose overlap over union is at least ``least_iou``, as many as can be.

    Above one half a nucleus has at most one partner; at exactly one half it may have two, and
    still one is matched.

    Parameters
    ----------
    first, second
        Labels (height, width) of one shape, ids from 1, 0 background; ids need not be
        consecutive.
    least_iou
        Above 0, up to 1.
    """
    mine, rows = np.unique(first, return_inverse=True)
    yours, columns = np.unique(second, return_inverse=True)
    rows, columns = rows.reshape(-1), columns.reshape(-1)
    area, other_area = np.bincount(rows), np.bincount(columns)
    pairs, shared = np.unique(rows * len(yours) + columns, return_counts=True)
    row, column = np.divmod(pairs, len(yours))
    iou = shared / (area[row] + other_area[column] - shared)
    partners = (iou >= least_iou) & (mine[row] > 0) & (yours[column] > 0)
    graph = csr_array(
        (np.ones(np.count_nonzero(partners)), (row[partners], column[partners])),
        shape=(len(mine), len(yours)),
    )
    matched = int(np.count_nonzero(maximum_bipartite_matching(graph) >= 0))
    mine_there, yours_there = int(np.count_nonzero(mine)), int(np.count_nonzero(yours))
    return ObjectCounts(matched, mine_there - matched, yours_there - matched)
