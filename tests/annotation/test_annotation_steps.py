"""Hundreds of random steps: all can be taken back and done again, and nothing goes astray."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from drawn_fields import brush, disc, field_of, hints_of, scattered

from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.edits import Edit, History, PackedChange
from napari_glioma_density.annotation.field import FieldState, Origin
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.pixels import PixelChange
from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput

HEIGHT, WIDTH = 150, 190


def random_place(random: np.random.Generator) -> tuple[int, int]:
    return int(random.integers(HEIGHT)), int(random.integers(WIDTH))


def some_id(field: AnnotatedField, random: np.random.Generator) -> int:
    return int(random.choice(sorted(field.nuclei)))


def random_stroke(field: AnnotatedField, random: np.random.Generator) -> None:
    kind = random.integers(3)
    value = (0, field.next_id(), some_id(field, random) if field.nuclei else 0)[kind]
    y, x = random_place(random)
    places = [(y + step, x + int(random.integers(-1, 2))) for step in range(random.integers(1, 30))]
    places = [(min(y, HEIGHT - 1), min(max(x, 0), WIDTH - 1)) for y, x in places]
    field.painted(brush(field, places, int(random.integers(0, 5)), value))


def random_discs(random: np.random.Generator) -> list[np.ndarray]:
    count = int(random.integers(1, 5))
    return [
        disc(*random_place(random), int(random.integers(2, 9)), (HEIGHT, WIDTH))
        for _ in range(count)
    ]


def random_hints(field: AnnotatedField, random: np.random.Generator) -> None:
    hints = hints_of(*random_discs(random))
    field.accept(hints, [hint.id for hint in hints.hints])


def random_shaping(field: AnnotatedField, random: np.random.Generator) -> None:
    if not field.nuclei:
        return
    number = some_id(field, random)
    kind = random.integers(4)
    if kind == 0:
        field.delete_many(random.choice(sorted(field.nuclei), 2))
    elif kind == 1:
        field.split(number)
    elif kind == 2:
        field.split(number, (*random_place(random), *random_place(random)))
    else:
        near = {field.id_at(y, x) for y, x in np.argwhere(field.labels == number) + 6}
        try:
            field.merge({number, *near} - {0})
        except BadInput:
            return


def random_step(field: AnnotatedField, random: np.random.Generator) -> None:
    kind = random.integers(6)
    if kind == 0:
        field.add(random_discs(random)[0], Origin.GROWN)
    elif kind == 1:
        random_hints(field, random)
    elif kind == 2:
        random_shaping(field, random)
    elif kind == 3:
        field.reject(*random_place(random))
    elif kind == 4:
        field.set_done(not field.done)
    else:
        random_stroke(field, random)


def assert_sound(field: AnnotatedField) -> None:
    assert [int(n) for n in np.unique(field.labels) if n] == sorted(field.nuclei)
    for number in field.nuclei:
        y, x = np.nonzero(field.labels == number)
        box = slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1)
        assert field.window_of(number) == box


def assert_measured(field: AnnotatedField) -> None:
    """The sums that are kept up equal those of a field measured anew."""
    what = field.labels, field.nuclei, field.ground, field.record.block
    kept, anew = field.values(), measure_field(*what)
    for name in ("nucleus_px", "tissue_px", "count"):
        assert np.array_equal(getattr(kept, name), getattr(anew, name))
    assert np.array_equal(field.nucleus_records(), field_nuclei(*what))


def content(state: FieldState) -> tuple[object, ...]:
    return state.labels.tobytes(), dict(state.nuclei), state.rejected, state.done


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_steps_can_all_be_taken_back_and_done_again(seed: int) -> None:
    random = np.random.default_rng(seed)
    field = field_of(scattered(HEIGHT, WIDTH, 40, random))
    array = field.labels
    told: list[tuple[slice, slice]] = []
    field.changed.connect(told.append)
    past, future = [content(field.state())], list[tuple[object, ...]]()
    for _ in range(150):
        before, told_before, revision = field.labels.copy(), len(told), field.revision
        kind = random.random()
        if kind < 0.15:
            assert field.undo() == (len(past) > 1)
            if len(past) > 1:
                future.append(past.pop())
        elif kind < 0.25:
            assert field.redo() == bool(future)
            if future:
                past.append(future.pop())
        else:
            random_step(field, random)
            if field.revision > revision:
                past.append(content(field.state()))
                future.clear()
        assert len(told) - told_before == field.revision - revision <= 1
        if len(told) > told_before:
            before[told[-1]] = field.labels[told[-1]]
        assert np.array_equal(before, field.labels)
        assert content(field.state()) == past[-1]
        assert_sound(field)
        assert_measured(field)
    steps = len(past) - 1
    assert steps > 50
    last = future[0] if future else past[-1]
    while field.undo():
        future.append(past.pop())
        assert content(field.state()) == past[-1]
    assert len(past) == 1
    while field.redo():
        past.append(future.pop())
        assert content(field.state()) == past[-1]
    assert content(field.state()) == last
    assert field.labels is array


def test_a_thousand_steps_are_kept() -> None:
    field = field_of(scattered(HEIGHT, WIDTH, 5, np.random.default_rng(4)))
    for place in range(1100):
        field.reject(place // WIDTH, place % WIDTH)
    steps = 0
    while field.undo():
        steps += 1
    assert steps == 1000
    assert len(field.rejected) == 100


def large_edit(random: np.random.Generator) -> Edit:
    noise = random.integers(0, 60_000, 40_000, dtype=np.uint16)
    change = PixelChange(np.arange(noise.size), np.zeros_like(noise), noise)
    return Edit(PackedChange.of(change), {}, ((), ()), (False, False))


def test_the_oldest_steps_go_when_memory_runs_out() -> None:
    random = np.random.default_rng(5)
    edits = [large_edit(random) for _ in range(6)]
    history = History(most_bytes=int(3.5 * max(edit.size_bytes for edit in edits)))
    for edit in edits:
        history.add(edit)
    assert [history.back() for _ in range(4)] == [*reversed(edits[3:]), None]
    assert [history.forth() for _ in range(2)] == edits[3:5]
    history.add(edits[0])  # what was taken back, edits[5], is gone for good
    assert history.forth() is None
    assert [history.back() for _ in range(4)] == [edits[0], edits[4], edits[3], None]


def test_a_large_change_is_kept_small_and_whole() -> None:
    labels = scattered(960, 960, 2000, np.random.default_rng(6))
    at = np.flatnonzero(labels)
    change = PixelChange(at, labels.reshape(-1)[at], np.zeros(at.size, np.uint16))
    packed = PackedChange.of(change)
    assert len(packed.packed) < labels.nbytes / 10
    emptied = np.zeros_like(labels)
    packed.apply(emptied)
    assert np.array_equal(emptied, labels)


def milliseconds(step: Callable[[], object]) -> float:
    """Time of this process alone: others must not fail the test."""
    began = time.process_time()
    step()
    return 1000 * (time.process_time() - began)


def test_edits_of_the_largest_field_are_quick() -> None:
    random = np.random.default_rng(7)
    field = field_of(scattered(1920, 1920, 9000, random), Block(0, 0, 4, 4))
    mask = disc(900, 900, 4, field.labels.shape)
    atoms = brush(field, [(905, x) for x in range(900, 930)], 4, 65_000)
    steps = (
        lambda: field.painted(atoms),
        lambda: field.delete(some_id(field, random)),
        lambda: field.split(some_id(field, random)),
        lambda: field.add(mask, Origin.GROWN),
        field.undo,
        field.redo,
        field.values,
    )
    assert np.median([milliseconds(step) for step in steps]) < 50
