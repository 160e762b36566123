"""Nuclei matched one to one, against an assignment problem solved by SciPy."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from napari_glioma_density.training.object_metrics import ObjectCounts, match_objects


def discs(seed: int, number: int = 25, side: int = 96) -> NDArray[np.uint16]:
    random = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.uint16)
    for nucleus in random.permutation(number) * 3 + 1:
        at = tuple(int(place) for place in random.integers(0, side, 2))
        cv2.circle(labels, at, int(random.integers(3, 9)), int(nucleus), -1)
    return labels


def moved(labels: NDArray[np.uint16], seed: int) -> NDArray[np.uint16]:
    """Shifted a little, some nuclei gone, ids of the others anew."""
    random = np.random.default_rng(seed)
    ids = np.unique(labels)[1:]
    gone = random.choice(ids, 4, replace=False)
    other = np.roll(labels, tuple(random.integers(-2, 3, 2)), (0, 1))
    return np.where(np.isin(other, gone), 0, 1000 - other.astype(int) * (other > 0)) * (other > 0)


def by_brute_force(first: NDArray[Any], second: NDArray[Any], least: float) -> int:
    """Every pair's overlap by its masks, then the largest assignment."""
    mine, yours = (np.unique(labels[labels > 0]) for labels in (first, second))
    good = np.zeros((len(mine), len(yours)))
    for i, a in enumerate(mine):
        for j, b in enumerate(yours):
            both, either = (first == a) & (second == b), (first == a) | (second == b)
            good[i, j] = both.sum() / either.sum() >= least
    rows, columns = linear_sum_assignment(good, maximize=True)
    return int(good[rows, columns].sum())


@pytest.mark.parametrize("least", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_as_many_are_matched_as_an_assignment_allows(seed: int, least: float) -> None:
    first = discs(seed)
    second = moved(first, seed)
    found = match_objects(first, second, least)
    assert found.matched == by_brute_force(first, second, least)
    assert found.first == len(np.unique(first)) - 1
    assert found.second == len(np.unique(second)) - 1
    assert 0 < found.matched < found.first or least != 0.5


def test_a_nucleus_cut_into_two_halves_is_matched_once() -> None:
    whole = np.zeros((6, 8), np.uint16)
    whole[1:5, 2:6] = 7
    halves = whole.copy()
    halves[1:5, 4:6] = 9
    assert match_objects(whole, halves) == ObjectCounts(1, 0, 1)
    assert match_objects(halves, whole) == ObjectCounts(1, 1, 0)


def test_nothing_on_either_side_is_agreement() -> None:
    empty, one = np.zeros((5, 5), np.uint16), np.eye(5, dtype=np.uint16)
    assert match_objects(empty, empty).f1 == 1
    assert match_objects(one, empty) == ObjectCounts(0, 1, 0)
    assert match_objects(empty, one).f1 == 0


def test_f1_of_pooled_fields_counts_nuclei_not_fields() -> None:
    assert (ObjectCounts(1, 0, 0) + ObjectCounts(5, 4, 2)).f1 == pytest.approx(12 / 18)
