"""A field in a real window: opened, edited by mouse, keys and buttons, put away."""

import numpy as np
import pytest
from annotating import CONTROL, LEFT, NOTHING, SHIFT, Annotator
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy import ndimage

from napari_glioma_density.annotation.field import Origin
from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.results import ResultStore
from napari_glioma_density.ui import words
from napari_glioma_density.ui.annotation.actions import NO_EDIT
from napari_glioma_density.ui.annotation.field_layers import ANNOTATION, HINTS, OUTLINES
from napari_glioma_density.ui.annotation.keys import annotation_keys

pytestmark = pytest.mark.window
FIELD_LAYERS = {ANNOTATION, OUTLINES, HINTS}


def names(work: Annotator) -> set[str]:
    return {layer.name for layer in work.viewer.layers}


def disc(work: Annotator, y: int, x: int, radius: int = 8) -> np.ndarray:
    rows, columns = np.ogrid[: work.document.labels.shape[0], : work.document.labels.shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def free_place(work: Annotator, room: int = 20) -> tuple[int, int]:
    """A px of tissue with no nucleus within `room` px, well inside the field."""
    free = ndimage.distance_transform_edt(work.document.labels == 0)
    inside = np.zeros_like(free)
    inside[60:-60, 60:-60] = 1
    y, x = np.unravel_index(np.argmax(free * inside), free.shape)
    assert free[y, x] > room
    return int(y), int(x)


def origins(work: Annotator) -> list[Origin]:
    return [nucleus.origin for nucleus in work.document.nuclei.values()]


def draw(work: Annotator, mode: str) -> None:
    """Take a tool of the annotation layer."""
    layer = work.field.layers.annotation
    work.viewer.layers.selection.active = layer
    layer.mode = mode


def test_adding_by_click_puts_down_what_is_in_hand(at_desk: Annotator) -> None:
    at_desk.begin()
    draw(at_desk, "erase")
    at_desk.key(Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert at_desk.dock.adding.on
    assert at_desk.field.layers.annotation.mode == "pan_zoom"


def test_field_opens_with_the_models_nuclei_and_the_runs_number(at_desk: Annotator) -> None:
    at_desk.begin(1, 1)
    shown = at_desk.session.shown
    run = ResultStore(shown.store).run(shown.spec.run_id)
    mask = run.mask(0)[PATCH_PX : 2 * PATCH_PX, PATCH_PX : 2 * PATCH_PX]
    assert np.array_equal(at_desk.document.labels > 0, mask)
    assert set(origins(at_desk)) == {Origin.MODEL}
    assert at_desk.document.values().nucleus_px.item() == run.patches().nucleus_px[1, 1]
    assert at_desk.document.values().count.item() == run.patches().count[1, 1]
    percent = words.percent(run.patches().tissue_density_percent_of(at_desk.field.record.block))
    number = f"{percent} by the model, {percent} corrected"
    assert f"Field: {number}<br>Cell B2: {number}" in at_desk.dock.field_box._numbers.text()
    counted = str(run.patches().count[1, 1])
    assert at_desk.rows() == [("", "Cell B2", counted, percent, percent)]
    assert f"<b>Cell B2</b>: {counted} model<br>" in at_desk.dock.field_box._numbers.text()
    assert names(at_desk) >= FIELD_LAYERS
    assert at_desk.viewer.layers.selection.active is at_desk.field.layers.annotation


def test_hints_are_accepted_and_rejected_by_key_one_after_another(at_desk: Annotator) -> None:
    at_desk.begin()
    lost = list(at_desk.document.nuclei)[20:25]
    places = [at_desk.inside(number) for number in lost]
    at_desk.document.delete_many(lost)
    at_desk.hints_settle()
    labels = at_desk.field.desk.found.missing.labels
    assert {labels[place] for place in places} <= {hint.id for hint in at_desk.hints}
    number = len(at_desk.hints)
    assert number >= 5
    assert f"{number} hints left · 0 rejected" in at_desk.dock.hint_box._counts.text()
    at_desk.viewer.layers.selection.active = at_desk.session.slides.current

    at_desk.point(*places[0])
    at_desk.key(Qt.Key.Key_K)
    assert at_desk.document.id_at(*places[0]) == max(at_desk.document.nuclei)
    assert origins(at_desk)[-1] is Origin.HINT

    at_desk.point(*free_place(at_desk))
    asked = at_desk.field.desk.current
    assert asked is not None
    at_desk.key(Qt.Key.Key_K)
    assert at_desk.document.id_at(asked.y, asked.x) > 0
    asked = at_desk.field.desk.current
    at_desk.key(Qt.Key.Key_Q)
    assert at_desk.document.rejected == ((asked.y, asked.x),)
    at_desk.hints_settle()
    assert len(at_desk.hints) == number - 3
    assert f"{number - 3} hints left · 1 rejected" in at_desk.dock.hint_box._counts.text()

    asked = at_desk.field.desk.current
    at_desk.key(Qt.Key.Key_J)
    assert at_desk.field.desk.current.id in {hint.id for hint in at_desk.hints} - {asked.id}
    at_desk.dock.hint_box._sure.setValue(0)
    at_desk.press(at_desk.dock.hint_box._accept)
    assert origins(at_desk).count(Origin.HINT) == number - 1
    at_desk.hints_settle()
    assert not at_desk.hints
    at_desk.key(Qt.Key.Key_J)
    assert at_desk.problem == "No hint is left in this field."


def test_hints_are_found_again_after_a_source_that_failed(at_desk: Annotator) -> None:
    at_desk.begin()
    box, before = at_desk.dock.hint_box, at_desk.field.desk.found
    box._source.value = HintSource.MODEL  # this segmenter has no probability to give
    assert at_desk.field.desk.found is None, "the hints there were are of another source"
    at_desk.wait(lambda: at_desk.problem)
    assert "\n" not in at_desk.problem
    box._source.value = HintSource.LUMA
    at_desk.wait(lambda: at_desk.field.desk.found not in (None, before))


def test_a_hint_out_of_view_is_shown_before_it_is_answered(at_desk: Annotator) -> None:
    at_desk.begin()
    lost = list(at_desk.document.nuclei)[20:25]
    at_desk.document.delete_many(lost)
    at_desk.hints_settle()
    at_desk.key(Qt.Key.Key_J)
    asked, before = at_desk.field.desk.current, dict(at_desk.document.nuclei)
    far = next(
        (y, x)
        for y, x in ((8, 8), (470, 470))
        if abs(asked.y - y) > 100 and at_desk.field.desk.hint_at(y, x) is None
    )
    camera = at_desk.viewer.scene.camera
    camera.zoom, camera.center = 30.0, at_desk.field.world(*far)
    at_desk.point(*far)
    at_desk.key(Qt.Key.Key_K)
    assert at_desk.problem == "The hint asked about was out of view; here it is."
    assert at_desk.document.nuclei == before
    assert camera.center[-2:] == pytest.approx(at_desk.field.world(asked.y, asked.x))


def test_keys_act_under_the_pointer_also_after_the_view_has_moved_beneath_it(
    at_desk: Annotator,
) -> None:
    at_desk.begin()
    before, here, there = neighbours(at_desk)
    camera = at_desk.viewer.scene.camera
    camera.zoom, camera.center = 8.0, at_desk.field.world(*at_desk.inside(before))
    at_desk.point_at(before)
    camera.center = at_desk.field.world(*there)  # a flight: the mouse rests
    at_desk.key(Qt.Key.Key_W)
    assert before in at_desk.document.nuclei
    assert here not in at_desk.document.nuclei

    off_centre = at_desk.on_screen(*at_desk.inside(before))
    at_desk.point_at(before)
    camera.zoom = 24.0  # about the centre of the view
    assert at_desk.on_screen(*at_desk.inside(before)) != off_centre
    at_desk.key(Qt.Key.Key_W)
    assert before in at_desk.document.nuclei


def neighbours(at_desk: Annotator) -> tuple[int, int, tuple[int, int]]:
    """Two nuclei of the middle of the field that lie apart, and the place of the second."""
    place = {number: at_desk.inside(number) for number in at_desk.document.nuclei}
    middle = [number for number, at in place.items() if all(150 < side < 330 for side in at)]
    one, two = next(
        (one, two)
        for one in middle
        for two in middle
        if 40 < abs(place[one][0] - place[two][0]) + abs(place[one][1] - place[two][1]) < 90
    )
    return one, two, place[two]


def test_the_hint_asked_about_is_answered_and_not_one_the_view_brought_under_the_pointer(
    at_desk: Annotator,
) -> None:
    at_desk.begin()
    at_desk.document.delete_many(list(at_desk.document.nuclei)[20:30])
    at_desk.hints_settle()
    resting = max(at_desk.hints, key=lambda hint: hint.area_um2)
    at_desk.point(resting.y, resting.x)
    at_desk.key(Qt.Key.Key_J)
    at_desk.key(Qt.Key.Key_J)
    asked = at_desk.field.desk.current
    assert asked.id != resting.id
    at_desk.key(Qt.Key.Key_K)
    assert at_desk.document.id_at(asked.y, asked.x) > 0
    assert at_desk.document.id_at(resting.y, resting.x) == 0
    at_desk.hints_settle()
    at_desk.point(resting.y, resting.x + 1)
    at_desk.key(Qt.Key.Key_K)
    assert at_desk.document.id_at(resting.y, resting.x) > 0, "the mouse has moved: it points"


def test_nuclei_are_deleted_split_merged_and_grown_at_the_pointer(at_desk: Annotator) -> None:
    at_desk.begin()
    y, x = free_place(at_desk)
    one = at_desk.document.add(disc(at_desk, y, x - 8), Origin.HAND)
    two = at_desk.document.add(disc(at_desk, y, x + 8), Origin.HAND)
    before = at_desk.document.labels.copy()
    at_desk.point_at(one)
    at_desk.key(Qt.Key.Key_M, SHIFT)
    assert at_desk.document.id_at(y, x + 8) == at_desk.document.id_at(y, x - 8)
    at_desk.key(Qt.Key.Key_S, SHIFT)
    parts = {at_desk.document.id_at(y, x + 8), at_desk.document.id_at(y, x - 8)}
    assert len(parts) == 2
    assert 0 not in parts
    at_desk.key(Qt.Key.Key_U)
    at_desk.key(Qt.Key.Key_U)
    assert np.array_equal(at_desk.document.labels, before)
    assert {one, two} <= set(at_desk.document.nuclei)

    at_desk.point(y - 18, x)
    at_desk.key(Qt.Key.Key_W)
    assert at_desk.problem == "No nucleus is under the pointer."
    lost = next(number for number in at_desk.document.nuclei if number > 10)
    outline, place = at_desk.document.labels == lost, at_desk.inside(lost)
    at_desk.point(*place)
    at_desk.key(Qt.Key.Key_W)
    assert lost not in at_desk.document.nuclei
    assert at_desk.problem == ""
    at_desk.key(Qt.Key.Key_G)
    grown = at_desk.document.id_at(*place)
    assert at_desk.document.origin_of(grown) is Origin.GROWN
    shared = np.count_nonzero((at_desk.document.labels == grown) & outline)
    assert shared > 0.6 * np.count_nonzero(outline)
    at_desk.key(Qt.Key.Key_G)
    assert len(at_desk.document.nuclei) == len(set(at_desk.document.nuclei))


def test_a_click_adds_a_nucleus_while_that_is_switched_on(at_desk: Annotator) -> None:
    at_desk.begin()
    lost = list(at_desk.document.nuclei)[30]
    place = at_desk.inside(lost)
    at_desk.document.delete(lost)
    at_desk.hints_settle()
    draw(at_desk, "pan_zoom")
    at_desk.click(*place)
    assert at_desk.document.id_at(*place) == 0
    at_desk.key(Qt.Key.Key_G, SHIFT)
    assert at_desk.dock.field_box._add.isChecked()
    at_desk.click(*place)
    assert at_desk.document.origin_of(at_desk.document.id_at(*place)) is Origin.GROWN
    at_desk.click(*free_place(at_desk))
    at_desk.wait(lambda: "Nothing like a nucleus is here" in at_desk.problem)


def test_keys_work_whichever_layer_is_selected_and_leave_naparis_own_alone(
    at_desk: Annotator,
) -> None:
    from napari.utils.shortcuts import default_shortcuts

    at_desk.begin()
    viewer, layers = at_desk.viewer, at_desk.viewer.layers
    points = viewer.add_points(np.array([[10.0, 10], [20, 20], [30, 30]]), units=("um", "um"))
    shapes = viewer.add_shapes(units=("um", "um"))
    number = list(at_desk.document.nuclei)[40]
    at_desk.point_at(number)
    for layer in (None, at_desk.session.slides.current, points, shapes, layers[ANNOTATION]):
        layers.selection.active = layer
        if layer in (points, shapes):
            layer.mode = "select"
        at_desk.key(Qt.Key.Key_W)
        assert number not in at_desk.document.nuclei, layer
        at_desk.key(Qt.Key.Key_U)
        assert number in at_desk.document.nuclei, layer
        at_desk.key(Qt.Key.Key_U, SHIFT)
        assert number not in at_desk.document.nuclei, layer
        at_desk.key(Qt.Key.Key_U)
    layers.selection.active = points
    at_desk.key(Qt.Key.Key_A)
    assert set(points.selected_data) == {0, 1, 2}
    layers.selection.active = shapes
    at_desk.key(Qt.Key.Key_R)
    assert shapes.mode == "add_rectangle"
    layers.remove(points)
    layers.remove(shapes)
    own = {key.key.replace("-", "+") for key in annotation_keys(at_desk.annotation.actions)}
    taken = {str(binding) for bindings in default_shortcuts.values() for binding in bindings}
    assert not own & taken


def test_brush_polygon_and_eraser_draw_nuclei_that_can_be_taken_back(at_desk: Annotator) -> None:
    at_desk.begin()
    document, (y, x) = at_desk.document, free_place(at_desk)
    before = document.labels.copy()
    stroke = [(y, x - 12 + step) for step in range(0, 25, 4)]
    for undo in ((Qt.Key.Key_U, NOTHING), (Qt.Key.Key_Z, CONTROL)):
        draw(at_desk, "paint")
        at_desk.stroke(stroke)
        number = document.id_at(y, x)
        assert number == document.id_at(y, x - 8) > 0
        assert document.origin_of(number) is Origin.HAND
        assert number not in before
        at_desk.key(*undo)
        assert np.array_equal(document.labels, before)
        assert number not in document.nuclei

    at_desk.stroke(stroke)
    number, touched = document.id_at(y, x), document.revision
    draw(at_desk, "erase")
    at_desk.stroke([(y + step, x) for step in range(-16, 17, 4)])
    assert document.revision == touched + 1
    assert document.id_at(y, x) == 0
    halves = {document.id_at(y, x - 8), document.id_at(y, x + 8)}
    assert len(halves) == 2
    assert 0 not in halves
    at_desk.key(Qt.Key.Key_U)
    at_desk.key(Qt.Key.Key_U)
    assert np.array_equal(document.labels, before)

    number = next(iter(document.nuclei))
    y_on, x_on = at_desk.inside(number)
    draw(at_desk, "paint")
    at_desk.stroke([(y_on, x_on), (y_on, x_on + 6), (y_on, x_on + 12)])
    assert document.id_at(y_on, x_on + 12) == number
    assert document.origin_of(number) is Origin.HAND
    at_desk.key(Qt.Key.Key_U)

    draw(at_desk, "polygon")
    for corner in ((y - 10, x - 10), (y - 10, x + 10), (y + 10, x + 10), (y + 10, x - 10)):
        at_desk.click(*corner)
        at_desk.rest(30)
    at_desk.key(Qt.Key.Key_Return)
    at_desk.rest(50)
    number = document.id_at(y, x)
    assert document.origin_of(number) is Origin.HAND
    assert np.count_nonzero(document.labels == number) == pytest.approx(400, rel=0.15)
    at_desk.key(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(document.labels, before)


def test_field_put_away_without_its_layers_is_saved_and_opened_again_by_a_click(
    at_desk: Annotator,
) -> None:
    at_desk.begin()
    name, number = at_desk.field.record.name, list(at_desk.document.nuclei)[12]
    at_desk.point_at(number)
    for layer in (OUTLINES, HINTS):
        at_desk.viewer.layers.remove(layer)
    at_desk.key(Qt.Key.Key_W)
    assert number not in at_desk.document.nuclei
    labels = at_desk.document.labels.copy()
    at_desk.viewer.layers.remove(ANNOTATION)
    at_desk.wait(lambda: at_desk.field is None)
    assert at_desk.problem == ""
    assert not names(at_desk) & FIELD_LAYERS
    table = at_desk.dock.fields_box._table
    assert table.rowCount() == 1
    place = table.visualRect(table.model().index(0, 1)).center()
    QTest.mouseClick(table.viewport(), LEFT, pos=place)
    at_desk.wait(lambda: at_desk.field is not None)
    assert names(at_desk) >= FIELD_LAYERS
    assert at_desk.field.record.name == name
    assert np.array_equal(at_desk.document.labels, labels)
    assert at_desk.document.revision == 1


def test_edits_can_be_taken_back_after_the_field_was_closed_and_opened_again(
    at_desk: Annotator,
) -> None:
    at_desk.begin()
    name, labels = at_desk.field.record.name, at_desk.document.labels.copy()
    at_desk.key(Qt.Key.Key_U)
    assert at_desk.problem == NO_EDIT
    at_desk.point_at(list(at_desk.document.nuclei)[12])
    at_desk.key(Qt.Key.Key_W)
    edited = at_desk.document.labels.copy()
    at_desk.press(at_desk.dock.field_box._close)
    at_desk.wait(lambda: at_desk.field is None)
    at_desk.annotation.open_field(name)
    at_desk.wait(lambda: at_desk.field is not None)
    assert np.array_equal(at_desk.document.labels, edited)
    at_desk.key(Qt.Key.Key_U)
    assert np.array_equal(at_desk.document.labels, labels)
    at_desk.saved()
    assert np.array_equal(at_desk.on_disk()[0], labels)
    at_desk.key(Qt.Key.Key_U, SHIFT)
    assert np.array_equal(at_desk.document.labels, edited)
