"""A second reader, who sees neither the model nor the first reader."""

from pathlib import Path

import numpy as np
import pytest
from annotating import Annotator
from qtpy.QtCore import Qt

from napari_glioma_density.annotation.field import Start
from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.ui.annotation.actions import VEILED
from napari_glioma_density.ui.annotation.field_layers import ANNOTATION
from napari_glioma_density.ui.annotation.hint_box import VEILED as VEILED_BOX
from napari_glioma_density.ui.annotation.review_box import NO_CELL, Walk
from napari_glioma_density.ui.hotspots import HIDDEN

pytestmark = pytest.mark.window
FOUND = ("density", "nuclei")


def test_second_reader_begins_without_the_firsts_outlines_and_some_fields_blank(
    at_work: Annotator,
) -> None:
    model = {}
    for place in ((1, 0), (1, 1)):
        at_work.begin(*place)
        model[at_work.field.record.name] = at_work.document.labels > 0
        at_work.document.delete_many(list(at_work.document.nuclei)[:10])
    at_work.annotation.actions.toggle_done()
    at_work.annotation.tick()
    at_work.wait(lambda: at_work.session.snapshot.corrected.sum() == 2)
    at_work.session.cells.go_to("B2")
    review = at_work.dock.review_box
    review._comment.setText("mitoses")
    at_work.press(review._mark)
    at_work.wait(lambda: "reviewed 1" in review._count.text())
    review._blinded.setChecked(True)
    at_work.wait(lambda: len(at_work.rows()) == 2)
    assert not {"density", "nuclei"} & {layer.name for layer in at_work.viewer.layers}
    told = [review._cell.text(), review._comment.text(), review._state.text()]
    assert told == [NO_CELL, "", ""], "what the first reader thought of a cell"
    assert not review._count.text()
    assert at_work.field is None
    assert [row[2] for row in at_work.rows()] == ["to read"] * 2
    at_work.wait(lambda: not at_work.session.snapshot.corrected.any())
    assert at_work.session.overlays._nuclei._fields == ()
    blank = 0
    for name, mask in model.items():
        at_work.annotation.open_field(name)
        at_work.wait(lambda name=name: at_work.field and at_work.field.record.name == name)
        drawn = at_work.document.labels > 0
        blank += not drawn.any()
        assert not drawn.any() or np.array_equal(drawn, mask)
        assert "by the model" not in at_work.dock.field_box._numbers.text()
    assert blank == 1
    review._blinded.setChecked(False)
    at_work.wait(lambda: at_work.session.snapshot.corrected.sum() == 2)
    assert review._comment.text() == "mitoses"


def test_the_key_that_hides_overlays_shows_a_second_reader_no_results(
    at_desk: Annotator,
) -> None:
    def visible() -> set[str]:
        return {layer.name for layer in at_desk.viewer.layers if layer.visible}

    found, before = {"density", "nuclei"}, visible()
    assert before >= found | {"grid"}
    at_desk.key(Qt.Key.Key_H)
    assert not visible() & (found | {"grid"})
    at_desk.dock.review_box._blinded.setChecked(True)
    for _ in range(3):
        at_desk.key(Qt.Key.Key_H)
        assert not visible() & found
    assert "grid" in visible()
    at_desk.dock.review_box._blinded.setChecked(False)
    assert visible() == before


def test_a_second_reader_walks_all_cells_and_none_by_its_rank(at_work: Annotator) -> None:
    review, session = at_work.dock.review_box, at_work.session
    review._walk.value = Walk.CELLS
    review.go_on()
    first = session.cells.chosen
    at_work.press(review._mark)
    at_work.wait(lambda: "reviewed 1" in review._count.text())
    session.cells.forget()
    review._blinded.setChecked(True)
    review.go_on()
    assert session.cells.chosen == first, "that the first reader looked at it is not known"
    session.cells.forget()
    before = session.viewer.scene.camera.center
    review._walk.value = Walk.HOTSPOTS
    review.go_on()
    assert (session.cells.chosen, session.viewer.scene.camera.center) == (None, before)
    assert at_work.annotation.session.blinded
    assert at_work.problem == HIDDEN


def test_a_dock_that_is_closed_ends_the_second_reading_and_takes_its_layers_along(
    another: Annotator, estimated_slide: Path
) -> None:
    at_desk, session = another.open(estimated_slide), another.session
    at_desk.begin(1, 1)
    at_desk.document.delete_many(list(at_desk.document.nuclei)[:10])
    at_desk.wait(lambda: session.snapshot.corrected.sum() == 1)
    at_desk.saved()
    assert "fields" in at_desk.viewer.layers
    at_desk.dock.review_box._blinded.setChecked(True)
    at_desk.wait(lambda: not session.snapshot.corrected.any())
    at_desk.viewer.window.remove_dock_widget(at_desk.dock)
    assert not session.blinded
    assert at_desk.viewer.layers["density"].visible
    at_desk.wait(lambda: session.snapshot.corrected.sum() == 1)
    assert not {"fields", ANNOTATION} & {layer.name for layer in at_desk.viewer.layers}
    assert at_desk.density.body.isVisibleTo(at_desk.density)


def test_the_list_of_layers_holds_nothing_that_a_second_reader_is_not_to_see(
    at_work: Annotator,
) -> None:
    def maps() -> list[str]:
        return [layer.name for layer in at_work.viewer.layers if layer.name in FOUND]

    layers, overlays = at_work.viewer.layers, at_work.session.overlays
    before = [layer.name for layer in layers]
    layers["nuclei"].visible = False
    at_work.session.blind(True)
    assert not maps(), "an eye in the list would bring them back"
    overlays.bring_back()
    at_work.session.show(at_work.session.shown)
    at_work.wait(lambda: not overlays._waiting)
    assert not maps()
    assert "grid" in layers
    at_work.session.blind(False)
    assert [layer.name for layer in layers] == before
    at_work.session.show(at_work.session.shown)
    at_work.wait(lambda: not overlays._waiting)
    del layers["density"]
    for blinded in (True, False):
        at_work.session.blind(blinded)
    assert maps() == ["nuclei"], "what was deleted stays away"


def test_a_field_that_begins_blank_for_a_second_reader_shows_no_hints(at_work: Annotator) -> None:
    at_work.begin(1, 1)
    at_work.dock.hint_box._source.value = HintSource.MODEL
    name = at_work.field.record.name
    at_work.dock.review_box._blinded.setChecked(True)
    at_work.wait(lambda: len(at_work.rows()) == 1)
    box = at_work.dock.hint_box
    assert box._source.value is not HintSource.MODEL
    assert HintSource.MODEL not in box._source.choices
    at_work.annotation.open_field(name)
    at_work.wait(lambda: at_work.field is not None)
    assert at_work.field.record.start is Start.BLANK
    at_work.wait(lambda: at_work.field.desk.score is not None and box.slider._bars)
    at_work.rest(300)
    assert not at_work.field.layers.hint_codes.any()
    assert box._counts.text() == VEILED_BOX
    assert not box._accept.isEnabled()
    for key in (Qt.Key.Key_J, Qt.Key.Key_K, Qt.Key.Key_Q):
        at_work.key(key)
        assert at_work.problem == VEILED
    assert not at_work.document.nuclei
    at_work.dock.review_box._blinded.setChecked(False)
    assert HintSource.MODEL in box._source.choices


def test_a_second_reader_grows_nuclei_where_no_hints_are_shown(at_work: Annotator) -> None:
    at_work.begin(1, 1)
    place = at_work.inside(max(at_work.document.nuclei))
    name = at_work.field.record.name
    at_work.dock.review_box._blinded.setChecked(True)
    at_work.wait(lambda: len(at_work.rows()) == 1)
    at_work.annotation.open_field(name)
    at_work.wait(lambda: at_work.field is not None)
    at_work.wait(lambda: at_work.field.desk.score is not None)
    at_work.annotation.actions.grow_in_field(*place)
    assert at_work.document.id_at(*place)
