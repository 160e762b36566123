"""The order of blocks: nearest first, and no tile decoded again and again."""

from collections import OrderedDict
from itertools import product
from types import SimpleNamespace

import pytest

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.estimate import Focus, NearestFirst


def squares(rows: int, columns: int, side: int = 2) -> list[Block]:
    places = product(range(0, rows, side), range(0, columns, side))
    return [Block(row, column, side, side) for row, column in places]


def taken(blocks: list[Block], focus: Focus | None) -> list[Block]:
    queue = NearestFirst(blocks, focus)
    return [queue.take() for _ in range(len(queue))]


def test_every_block_is_taken_once() -> None:
    blocks = squares(50, 34)
    assert sorted(taken(blocks, None)) == blocks


def test_none_is_left_to_take() -> None:
    with pytest.raises(IndexError):
        NearestFirst([], None).take()


def test_the_block_looked_at_comes_first_and_its_surroundings_next() -> None:
    focus = Focus(41 * PATCH_PX, 23 * PATCH_PX)
    order = taken(squares(80, 80), focus)
    assert order[0] == Block(40, 22, 2, 2)
    near = {b for b in order if max(abs(b.row - 40), abs(b.column - 22)) <= 4}
    assert near <= set(order[:36])


def test_a_moved_view_is_followed_at_once() -> None:
    focus = Focus(5 * PATCH_PX, 5 * PATCH_PX)
    queue = NearestFirst(squares(80, 80), focus)
    queue.take()
    focus.move(71 * PATCH_PX, 61 * PATCH_PX)
    assert queue.take() == Block(70, 60, 2, 2)


def test_what_comes_first_is_what_is_taken_next() -> None:
    focus = Focus(5 * PATCH_PX, 5 * PATCH_PX)
    queue = NearestFirst(squares(8, 8), focus)
    for position in (1.0, 7.0):
        focus.move(position * PATCH_PX, position * PATCH_PX)
        expected = queue.first(3)
        assert [queue.take() for _ in range(3)] == expected
    assert len(queue.first(100)) == len(queue) == 10


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time by which a view is said to rest; to be put on."""
    now = [100.0]
    clock = SimpleNamespace(monotonic=lambda: now[0])
    monkeypatch.setattr("napari_glioma_density.estimate.order.time", clock)
    return now


def test_a_view_that_moves_holds_the_queue_until_it_rests(now: list[float]) -> None:
    focus = Focus(0, 0)
    queue = NearestFirst(squares(8, 8), focus)
    assert not queue.is_held
    for _ in range(10):
        focus.stir()
        now[0] += 0.4
        assert queue.is_held
    now[0] += 0.2
    assert not queue.is_held
    assert not NearestFirst(squares(8, 8), None).is_held


def test_a_view_that_never_rests_holds_the_queue_for_a_while_only(now: list[float]) -> None:
    focus, held = Focus(0, 0), []
    for _ in range(300):
        focus.stir()
        now[0] += 0.1
        held.append(focus.is_moving)
    assert held.count(True) == pytest.approx(200, abs=1)
    assert not any(held[201:])
    now[0] += 1.0
    focus.stir()
    assert focus.is_moving, "a new movement"


@pytest.mark.parametrize("px_per_px", [1, 2])
@pytest.mark.parametrize("side", [2, 4])
def test_tiles_are_decoded_hardly_more_than_once(px_per_px: int, side: int) -> None:
    """A least-recently-used cache of 128 MB, tiles of 256 px, a halo of 96 working px."""
    room, held, decoded, needed = 128 * 2**20 // (3 * 256**2), OrderedDict(), 0, set()
    for block in taken(squares(80, 60, side), None):
        for tile in _tiles(block, px_per_px):
            needed.add(tile)
            decoded += tile not in held
            held[tile] = None
            held.move_to_end(tile)
            if len(held) > room:
                held.popitem(last=False)
    assert decoded / len(needed) <= 1.15


def _tiles(block: Block, px_per_px: int) -> list[tuple[int, int]]:
    spans = []
    for first, count in ((block.row, block.rows), (block.column, block.columns)):
        start = max(0, first * PATCH_PX - 96) * px_per_px // 256
        stop = -(-((first + count) * PATCH_PX + 96) * px_per_px // 256)
        spans.append(range(start, stop))
    return list(product(*spans))
