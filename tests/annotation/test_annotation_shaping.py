"""Shapes of single nuclei."""

import numpy as np
import pytest
from drawn_fields import UM_PER_PX, disc

from napari_glioma_density.annotation.shaping import (
    joined,
    largest_piece,
    pieces,
    split_along,
    split_apart,
)

SHAPE = (60, 60)


def overlap(part: np.ndarray, whole: np.ndarray) -> float:
    return (part & whole).sum() / whole.sum()


def test_touching_discs_are_split_at_their_neck() -> None:
    left, right = disc(30, 18, 9, SHAPE), disc(30, 36, 10, SHAPE)
    first, second = split_apart(left | right, UM_PER_PX)
    assert overlap(first, right) > 0.95
    assert overlap(second, left) > 0.95
    assert np.array_equal(first ^ second, left | right)


@pytest.mark.parametrize("tilt", [0, 1])
def test_a_smooth_ellipse_is_halved_across_its_long_axis(tilt: int) -> None:
    y, x = np.mgrid[-30:30, -30:30] + 0.5
    along, across = (x + y, x - y) if tilt else (x * 1.4, y * 1.4)
    ellipse = (along / 28) ** 2 + (across / 14) ** 2 < 1
    first, second = split_apart(ellipse, UM_PER_PX)
    assert first.sum() + second.sum() == ellipse.sum()
    assert second.sum() > 0.4 * ellipse.sum()
    assert abs(along[first].mean() - along[second].mean()) > 20


def test_what_is_too_small_for_two_nuclei_stays_whole() -> None:
    speck = disc(10, 10, 3, (20, 20))
    assert len(split_apart(speck, UM_PER_PX)) == 1


def test_a_line_parts_a_nucleus_on_its_two_sides() -> None:
    round_one = disc(30, 30, 12, SHAPE)
    first, second = split_along(round_one, (10, 20, 50, 20 + 16), UM_PER_PX)
    y, x = np.mgrid[:60, :60]
    beyond = x - 28 > (y - 30) * 0.4
    assert np.array_equal(first | second, round_one)
    assert not (first & second).any()
    assert overlap(first, round_one & beyond) > 0.93
    assert overlap(second, round_one & ~beyond) > 0.9


@pytest.mark.parametrize("line", [(30, 10, 30, 30), (5, 5, 5, 50), (19, 20, 19, 40)])
def test_a_line_that_parts_nothing_off_leaves_it_whole(line: tuple[float, ...]) -> None:
    """It ends inside, passes by, or shaves off a speck."""
    round_one = disc(30, 30, 12, SHAPE)
    parts = split_along(round_one, line, UM_PER_PX)
    assert len(parts) == 1
    assert np.array_equal(parts[0], round_one)


def test_pieces_come_largest_first_and_together_are_the_mask() -> None:
    masks = [disc(10, 10, 4, SHAPE), disc(40, 40, 9, SHAPE), disc(10, 45, 6, SHAPE)]
    found = pieces(np.any(masks, axis=0))
    assert [piece.sum() for piece in found] == sorted((m.sum() for m in masks), reverse=True)
    assert np.array_equal(np.any(found, axis=0), np.any(masks, axis=0))
    assert np.array_equal(largest_piece(np.any(masks, axis=0)), masks[1])
    assert pieces(np.zeros(SHAPE, bool)) == []


def test_nuclei_two_px_apart_are_joined_and_ten_px_apart_are_not() -> None:
    left, free = disc(30, 15, 8, SHAPE), np.ones(SHAPE, bool)
    near, far = left | disc(30, 34, 8, SHAPE), left | disc(30, 42, 8, SHAPE)
    together = joined(near, free & ~near, UM_PER_PX)
    assert together is not None
    assert len(pieces(together)) == 1
    assert near.sum() < together.sum() < near.sum() + 40
    assert joined(far, free & ~far, UM_PER_PX) is None


def test_nuclei_with_another_between_are_not_joined() -> None:
    two = disc(30, 15, 8, SHAPE) | disc(30, 34, 8, SHAPE)
    assert joined(two, np.zeros(SHAPE, bool), UM_PER_PX) is None
