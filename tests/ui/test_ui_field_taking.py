"""A field asked for where there is one already, or by a second reader."""

import numpy as np
import pytest
from annotating import Annotator

from napari_glioma_density.annotation.field import Start
from napari_glioma_density.ui.annotation.field_box import Where
from napari_glioma_density.ui.annotation.words import opened_instead
from napari_glioma_density.ui.region import draw_region, put_down

pytestmark = pytest.mark.window
CORNERS_PX = np.array([[250, 10], [250, 300], [470, 300], [470, 10]])
"""A rectangle over the patches r1 c0 and r1 c1."""


def test_a_rectangle_drawn_over_a_field_says_that_this_one_is_opened(at_desk: Annotator) -> None:
    at_desk.begin(1, 1)
    field = at_desk.field
    at_desk.dock.field_box._where.value = Where.DRAWN
    draw_region(at_desk.viewer)
    at_desk.viewer.layers["region"].add_rectangles(CORNERS_PX)
    at_desk.press(at_desk.dock.field_box._annotate)
    at_desk.wait(lambda: at_desk.problem)
    assert at_desk.problem == opened_instead("Cell B2")
    assert at_desk.field is field
    selected = at_desk.viewer.layers.selection.active
    assert selected is field.layers.annotation, "the rectangle tool is put down"
    at_desk.annotation.close_field()
    at_desk.session.problem.emit("")
    at_desk.press(at_desk.dock.field_box._annotate)
    at_desk.wait(lambda: at_desk.field is not None)
    assert at_desk.problem == opened_instead("Cell B2")


def test_the_rectangle_tool_is_put_down_when_another_place_is_taken(at_desk: Annotator) -> None:
    where = at_desk.dock.field_box._where
    where.value = Where.DRAWN
    assert at_desk.viewer.layers["region"].mode == "add_rectangle"
    where.value = Where.VIEW
    assert at_desk.viewer.layers["region"].mode == "pan_zoom"


def test_the_rectangle_tool_is_back_where_a_rectangle_is_chosen_once_more(
    at_desk: Annotator,
) -> None:
    where = at_desk.dock.field_box._where
    where.value = Where.DRAWN
    put_down(at_desk.viewer)
    where.native.activated.emit(where.native.currentIndex())
    assert at_desk.viewer.layers["region"].mode == "add_rectangle"
    where.value = Where.VIEW


def test_the_colours_of_the_legend_are_those_of_the_outlines(at_desk: Annotator) -> None:
    assert at_desk.dock.field_box._legend.graphicsEffect() is None, "a veil would dull them"


def test_a_layer_is_selected_after_a_field_is_closed(at_desk: Annotator) -> None:
    at_desk.begin(1, 1)
    at_desk.press(at_desk.dock.field_box._close)
    assert at_desk.viewer.layers.selection.active is at_desk.session.slides.current


def test_a_field_taken_off_the_list_along_with_its_slide_leaves_nothing(
    at_work: Annotator,
) -> None:
    at_work.begin(1, 1)
    layers = at_work.viewer.layers
    for layer in (at_work.field.layers.annotation, at_work.session.slides.current):
        layers.remove(layer)
    layers.selection.clear()
    at_work.wait(lambda: at_work.field is None and at_work.session.slides.current is None)
    assert layers.selection.active is None


def test_random_fields_are_listed_as_they_are_walked(at_desk: Annotator) -> None:
    at_desk.press(at_desk.dock.field_box._sample)
    at_desk.wait(lambda: at_desk.field is not None and at_desk.rows())
    names = [one.record.name for one in at_desk.annotation.fields]
    assert at_desk.field.record.name == names[0]


def test_a_blank_field_asked_for_where_one_was_begun_says_so(at_desk: Annotator) -> None:
    at_desk.begin(1, 1)
    at_desk.press(at_desk.dock.field_box._annotate)
    at_desk.rest(300)
    assert not at_desk.problem
    at_desk.dock.field_box._start.value = Start.BLANK
    at_desk.press(at_desk.dock.field_box._annotate)
    at_desk.wait(lambda: at_desk.problem)
    assert at_desk.problem == opened_instead("Cell B2")


def test_what_a_second_reader_takes_elsewhere_is_blank_and_what_waits_is_read_by_the_rules(
    at_desk: Annotator,
) -> None:
    for place in ((1, 0), (1, 1)):
        at_desk.begin(*place)
    at_desk.dock.review_box._blinded.setChecked(True)
    at_desk.wait(lambda: len(at_desk.rows()) == 2)
    starts = []
    for place in ((1, 0), (1, 1), (0, 0)):
        at_desk.look_at(*place)
        before = at_desk.field
        at_desk.press(at_desk.dock.field_box._annotate)
        at_desk.wait(lambda before=before: at_desk.field not in (None, before))
        starts.append(at_desk.field.record.start)
        assert not at_desk.problem
    assert starts == [Start.BLANK, Start.MODEL, Start.BLANK]
    at_desk.wait(lambda: [row[2] for row in at_desk.rows()].count("to read") == 0)
    at_desk.wait(lambda: len(at_desk.rows()) == 3)
    for row in at_desk.annotation.fields:
        at_desk.annotation.remove(row.record.name)
    at_desk.wait(lambda: [row[2] for row in at_desk.rows()] == ["to read"] * 2)
