"""Strokes as napari's own Labels layer makes and tells them."""

from typing import Any

import numpy as np
import pytest
from drawn_fields import disc, field_of
from napari.layers import Labels

from napari_glioma_density.annotation.document import AnnotatedField

SHAPE = (100, 120)


@pytest.fixture
def field() -> AnnotatedField:
    labels = np.zeros(SHAPE, np.uint16)
    labels[disc(30, 30, 10, SHAPE)] = 1
    labels[disc(70, 80, 12, SHAPE)] = 2
    return field_of(labels)


@pytest.fixture
def layer(field: AnnotatedField) -> Labels:
    layer = Labels(field.labels)
    assert layer.data is field.labels
    return layer


def told(layer: Labels) -> list[Any]:
    events: list[Any] = []
    layer.events.paint.connect(lambda event: events.append(event.value))
    return events


def test_a_brush_stroke_of_many_stamps(field: AnnotatedField, layer: Labels) -> None:
    start, events = field.labels.copy(), told(layer)
    layer.brush_size = 7
    with layer.block_history():
        for x in range(20, 60, 3):
            layer.paint((30, x), 9)
    field.painted(*events)
    assert field.id_at(30, 50) == 9
    # The stroke runs through the middle of nucleus 1 and parts it.
    assert len(field.nuclei) == 4
    assert [int(n) for n in np.unique(field.labels) if n] == sorted(field.nuclei)
    assert field.undo()
    assert np.array_equal(field.labels, start)
    assert sorted(field.nuclei) == [1, 2]


def test_a_line_through_a_small_nucleus_leaves_its_halves_that_count_for_nothing(
    field: AnnotatedField, layer: Labels
) -> None:
    least = 8.0 / field.record.working_um_per_px**2
    side = round((1.5 * least) ** 0.5)
    events = told(layer)
    y, x = (5 + place.ravel() for place in np.indices((side, side)))
    with layer.block_history():
        layer.data_setitem((y, x), 9, refresh=False)
    field.painted(*events)
    before = field.labels.copy()
    assert field.nuclei[9].counted
    events.clear()
    cut = x == 5 + side // 2
    with layer.block_history():
        layer.data_setitem((y[cut], x[cut]), 0, refresh=False)
    field.painted(*events)
    halves = np.unique(field.labels[5 : 5 + side, 5 : 5 + side])
    halves = halves[halves > 0].tolist()
    assert len(halves) == 2
    assert not any(field.nuclei[half].counted for half in halves)
    assert field.undo()
    assert np.array_equal(field.labels, before)


def test_erasing_filling_and_filling_with_the_background(
    field: AnnotatedField, layer: Labels
) -> None:
    start, events = field.labels.copy(), told(layer)
    layer.brush_size = 4
    with layer.block_history():
        for y in range(55, 86, 2):
            layer.paint((y, 80), 0)
    field.painted(events.pop())
    assert sorted(field.nuclei) == [1, 2, 3]
    with layer.block_history():
        layer.fill((30, 30), 0)
    field.painted(events.pop())
    assert sorted(field.nuclei) == [2, 3]
    with layer.block_history():
        layer.fill((70, 72), 8)
    field.painted(events.pop())
    assert 8 in field.nuclei
    while field.undo():
        pass
    assert np.array_equal(field.labels, start)


def test_a_polygon_whose_event_comes_before_its_px(field: AnnotatedField, layer: Labels) -> None:
    start = field.labels.copy()
    at_the_event: list[int] = []
    layer.events.paint.connect(lambda: at_the_event.append(int(field.labels[50, 20])))
    events = told(layer)
    layer.paint_polygon([(45, 10), (45, 40), (60, 40), (60, 10)], 7)
    assert at_the_event == [0]
    field.painted(events.pop())
    assert field.id_at(50, 20) == 7
    assert sorted(field.nuclei) == [1, 2, 7]
    field.undo()
    assert np.array_equal(field.labels, start)


def test_single_px_set_by_a_program(field: AnnotatedField, layer: Labels) -> None:
    start, events = field.labels.copy(), told(layer)
    layer.data_setitem(np.nonzero(disc(50, 50, 6, SHAPE)), 6)
    field.painted(events.pop())
    assert np.array_equal(field.labels == 6, disc(50, 50, 6, SHAPE))
    field.undo()
    assert np.array_equal(field.labels, start)
