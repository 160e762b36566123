"""What fields change of a slide, and what becomes of them: on disk, over windows and readers."""

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotating import SHIFT, Annotator
from painted_slide import write_slide
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox
from shapely.geometry import shape
from watching import Listener, answer

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import Choice, Start
from napari_glioma_density.annotation.review import ReviewLog
from napari_glioma_density.density import Block, PatchState
from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.exchange.exporting import Format
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.random_fields import slide_factor
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.ui import words
from napari_glioma_density.ui.annotation.actions import LOOK_ONLY
from napari_glioma_density.ui.annotation.field_box import Where
from napari_glioma_density.ui.annotation.field_layers import ANNOTATION
from napari_glioma_density.ui.annotation.second_reading import FIRST, SECOND
from napari_glioma_density.ui.annotation.session import LOOKING
from napari_glioma_density.ui.annotation.shelf import FieldShelf
from napari_glioma_density.ui.annotation.shelved import Wanted, counting
from napari_glioma_density.ui.dock.export_box import ExportBox
from napari_glioma_density.ui.region import draw_region

pytestmark = pytest.mark.window


def test_an_edit_changes_numbers_but_no_rank_unless_corrected_values_rank(
    at_desk: Annotator,
) -> None:
    session, table = at_desk.session, at_desk.density.hotspot_box._table
    order = [cell.address for cell in session.snapshot.hotspots]
    totals, place = session.snapshot.totals, (1, 1)
    assert order.index("B2") < len(order) - 1
    at_desk.begin(*place)
    at_desk.document.delete_many(list(at_desk.document.nuclei)[5:])
    at_desk.wait(lambda: session.snapshot.cell(*place).nuclei_per_mm2 < 200)
    shot = session.snapshot
    values = at_desk.document.values()
    assert shot.patches.nucleus_px[place] == values.nucleus_px.item()
    assert shot.patches.count[place] == values.count.item()
    removed = shot.measured.nucleus_px[place] - values.nucleus_px.item()
    assert shot.patches.count.sum() < shot.measured.count.sum()
    assert shot.totals.tissue_density_percent < totals.tissue_density_percent
    assert shot.patches.nucleus_px.sum() == shot.measured.nucleus_px.sum() - removed
    assert shot.model_totals == totals
    assert [cell.address for cell in shot.hotspots] == order
    rank = order.index("B2")
    assert table.texts()[rank][1] == f"{words.CORRECTED} B2"
    percent = shot.cell(*place).tissue_density_percent
    assert table.texts()[rank][2] == words.percent(percent)
    model = words.percent(shot.model_cell(*place).tissue_density_percent)
    line = f"{model} by the model, {words.percent(percent)} corrected"
    assert line in at_desk.dock.field_box._numbers.text()
    assert at_desk.rows()[0][2:] == ("5", model, words.percent(percent))
    at_desk.density.hotspot_box._by_corrected.value = True
    at_desk.wait(lambda: session.snapshot.hotspots[-1].address == "B2")


def test_a_blank_field_counts_once_it_is_done(at_desk: Annotator) -> None:
    model = at_desk.session.snapshot.totals
    at_desk.dock.field_box._start.value = Start.BLANK
    at_desk.begin()
    assert not at_desk.document.nuclei
    at_desk.document.accept(at_desk.field.desk.found.missing, [at_desk.hints[0].id])
    at_desk.saved()
    at_desk.rest(200)
    assert at_desk.session.snapshot.totals == model
    assert not at_desk.session.snapshot.corrected.any()
    at_desk.press(at_desk.dock.field_box._done)
    at_desk.wait(lambda: at_desk.session.snapshot.corrected.any())
    assert at_desk.session.snapshot.patches.count[1, 1] == 1
    assert at_desk.rows()[0][0] == "✓"
    at_desk.press(at_desk.dock.field_box._done)
    at_desk.wait(lambda: not at_desk.session.snapshot.corrected.any())
    assert at_desk.session.snapshot.totals == model


def test_random_fields_give_a_factor_for_the_slide(at_desk: Annotator) -> None:
    at_desk.press(at_desk.dock.field_box._sample)
    at_desk.wait(lambda: at_desk.field is not None and at_desk.rows())
    rows = at_desk.rows()
    assert len(rows) == 10
    assert all(row[0] == "⚄" for row in rows)
    line = at_desk.dock.fields_box._factor
    assert (
        line.text()
        == "Random fields: 0 of 10 done; with three done they tell how far the slide is off."
    )
    for _ in range(3):
        at_desk.hints_settle()
        at_desk.document.delete_many(list(at_desk.document.nuclei)[::2])
        at_desk.annotation.actions.toggle_done()
        at_desk.annotation.tick()
        before = at_desk.field
        at_desk.press(at_desk.dock.fields_box._next)
        at_desk.wait(lambda before=before: at_desk.field is not before)
    done = [field for field in at_desk.annotation.fields if field.done]
    factor = slide_factor(at_desk.session.snapshot.measured, counting(done))
    assert 0.4 < factor.factor < 0.6
    assert line.text() == (
        f"Slide, from 3 random fields: nuclear area × {factor.factor:.2f} "
        f"(95 % interval {factor.interval.low:.2f} to {factor.interval.high:.2f})"
    )
    # Nothing is known of this model but what these fields tell; the dock follows them at once.
    sureness = at_desk.session.sureness
    at_desk.wait(lambda: sureness.error is not None)
    assert str(sureness.error.basis) == "3 random corrected fields of this slide"
    at_desk.wait(lambda: "95 % interval" in at_desk.density.scope_box._nuclei.text())
    at_desk.annotation.actions.toggle_done()
    at_desk.annotation.tick()
    at_desk.wait(lambda: str(sureness.error.basis).startswith("4 random"))
    assert not line.isHidden()
    at_desk.dock.review_box._blinded.setChecked(True)
    at_desk.wait(lambda: line.isHidden())
    assert line.text() == "", "a second reader is not told how the model compares with them"
    at_desk.dock.review_box._blinded.setChecked(False)
    at_desk.wait(lambda: not line.isHidden())
    at_desk.press(at_desk.dock.field_box._sample)
    at_desk.wait(lambda: len(at_desk.rows()) == 12)
    at_desk.press(at_desk.dock.field_box._sample)
    at_desk.wait(lambda: at_desk.problem)
    assert "No patch is left" in at_desk.problem


def test_the_screen_says_saved_once_the_file_on_disk_holds_the_edit(at_work: Annotator) -> None:
    at_work.begin()
    at_work.document.delete(1)
    at_work.saved()
    labels, notes = at_work.on_disk()
    assert notes.revision == at_work.document.revision
    assert np.array_equal(labels, at_work.document.labels)
    assert 1 not in labels
    at_work.key(Qt.Key.Key_U)
    at_work.saved()
    labels, notes = at_work.on_disk()
    assert 1 in labels
    assert notes.revision == at_work.document.revision == 2


def test_windows_on_one_slide_take_turns_and_lose_nothing(
    at_work: Annotator, another: Annotator, estimated_slide: Path
) -> None:
    at_work.begin()
    at_work.document.delete(3)
    at_work.saved()
    another.open(estimated_slide)
    another.wait(lambda: another.rows())
    another.look_at(1, 2)
    another.press(another.dock.field_box._annotate)
    another.wait(lambda: another.problem)
    assert "is being annotated in another window" in another.problem
    assert "\n" not in another.problem
    assert another.field is None
    at_work.document.delete(7)
    at_work.saved()
    look_only(another, at_work.field.record.name)
    another.wait(lambda: another.rows() == at_work.rows())
    assert another.session.snapshot.corrected.any()
    at_work.document.delete(4)
    at_work.saved()
    labels, notes = at_work.on_disk()
    assert notes.revision == 3
    assert not {3, 4, 7} & set(np.unique(labels))
    at_work.begin(1, 0)
    at_work.document.delete(max(at_work.document.nuclei))
    at_work.saved()
    rows = at_work.rows()

    at_work.leave()
    another.begin(1, 1)  # the one that is looked at, now to be edited
    another.wait(lambda: another.rows() == rows)  # the other one, too, as it was saved last
    assert another.session.snapshot.corrected.sum() == 2
    assert another.problem == ""
    assert not another.field.read_only
    assert np.array_equal(another.document.labels, labels)
    another.document.delete_many((5, 6))
    labels = another.document.labels.copy()
    counted = another.document.values().count.item()
    another.close_window()
    at_work.open(estimated_slide)
    at_work.wait(lambda: at_work.rows())
    assert at_work.rows()[0][2] == str(counted)
    at_work.begin(1, 1)
    assert np.array_equal(at_work.document.labels, labels)
    assert at_work.document.revision == 4


def look_only(another: Annotator, name: str) -> None:
    """Open a field that another window edits, and try in vain to change it."""
    another.annotation.open_field(name)
    another.wait(lambda: another.field is not None)
    assert not another.problem
    assert 3 not in another.document.nuclei, "as it was saved last"
    another.wait(lambda: another.dock.field_box._saving.text() == LOOKING)
    assert not another.dock.field_box._done.isEnabled()
    assert not another.field.layers.annotation.editable
    another.hints_settle()
    for edit in (Qt.Key.Key_W, Qt.Key.Key_K, Qt.Key.Key_U):
        another.session.problem.emit("")
        another.key(edit)
        assert another.problem == LOOK_ONLY
    another.key(Qt.Key.Key_D, SHIFT)
    assert another.document.revision == 2


def test_another_slide_and_another_model_put_the_field_away_with_its_edits_saved(
    at_work: Annotator, tmp_path: Path
) -> None:
    first = at_work.session.slides.current
    at_work.begin()
    name, store = at_work.field.record.name, at_work.session.shown.store
    at_work.document.delete(3)
    at_work.session.choose_model("another")
    at_work.wait(lambda: at_work.field is None)
    assert at_work.rows() == []
    at_work.session.choose_model("dark")
    at_work.wait(lambda: len(at_work.rows()) == 1)
    at_work.annotation.open_field(name)
    at_work.wait(lambda: at_work.field is not None)
    assert 3 not in at_work.document.nuclei
    at_work.document.delete(4)
    second = write_slide(tmp_path / "second.tiff", 700, 900)
    at_work.add(second)
    assert at_work.field is None
    assert at_work.rows() == []
    assert ANNOTATION not in at_work.viewer.layers
    assert not {3, 4} & set(np.unique(at_work.on_disk(name, store=store)[0]))
    at_work.session.slides.choose(first)
    at_work.wait(lambda: len(at_work.rows()) == 1)


def test_excluded_cells_leave_the_numbers_and_come_back(at_work: Annotator) -> None:
    session, box = at_work.session, at_work.dock.review_box
    totals, first = session.snapshot.totals, session.snapshot.hotspots[0]
    box.go_on()
    at_work.wait(lambda: box._note is not None)
    assert box._cell.text() == f"Cell {first.address}"
    box._exclude_for(Reason.NECROSIS)
    place = (first.row, first.column)
    at_work.wait(lambda: session.snapshot.patches.state[place] == PatchState.EXCLUDED)
    assert first.address not in [cell.address for cell in session.snapshot.hotspots]
    assert session.snapshot.totals.tissue_mm2 < totals.tissue_mm2
    assert "excluded: necrosis" in box._state.text()
    at_work.press(box._include)
    at_work.wait(lambda: session.snapshot.totals == totals)
    cells = len(session.snapshot.hotspots)
    assert box._count.text() == f"reviewed 0 of {cells}"
    at_work.press(box._mark)
    at_work.wait(lambda: box._count.text() == f"reviewed 1 of {cells}")
    box.go_on()
    assert box._cell.text() == f"Cell {session.snapshot.hotspots[1].address}"


def test_a_note_that_is_not_on_disk_is_not_shown_as_if_it_were(
    at_work: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = at_work.dock.review_box
    at_work.session.cells.go_to("B2")
    review._comment.setText("mitoses")
    with monkeypatch.context() as disk:
        disk.setattr(ReviewLog, "mark", full)
        at_work.press(review._mark)
        at_work.wait(lambda: "full" in at_work.problem)
        at_work.wait(lambda: not review._state.text())
    assert review._mark.text() == "Mark reviewed"
    assert review._comment.text() == "mitoses"
    at_work.press(review._mark)
    at_work.wait(lambda: "reviewed 1" in review._count.text())
    assert review._comment.text() == "mitoses"
    assert review._state.text().startswith("reviewed")


def test_a_note_that_is_not_on_disk_is_not_told_of_another_slide(
    at_work: Annotator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, reviewing = threading.Event(), at_work.dock.reviewing
    told = Listener(reviewing.unwritten)

    def full_at_last(*_: Any, **_noted: Any) -> None:
        assert left.wait(60)
        full()

    monkeypatch.setattr(ReviewLog, "mark", full_at_last)
    at_work.session.cells.go_to("B2")
    at_work.dock.review_box._mark.click()
    log = reviewing._log
    at_work.add(write_slide(tmp_path / "other.tiff", 700, 900))
    assert reviewing._log is not log
    left.set()
    at_work.wait(lambda: "full" in at_work.problem)
    at_work.rest(400)
    assert told.heard == []


def test_a_comment_typed_without_enter_stays_with_its_slide_when_another_is_opened(
    at_work: Annotator, tmp_path: Path
) -> None:
    review, shown = at_work.dock.review_box, at_work.session.shown
    at_work.session.cells.go_to("B2")
    block = at_work.session.snapshot.grid.block(1, 1)
    # Opened by a file dialog or by dropping it, a slide leaves the line being typed into as it is.
    review._comment.setFocus()
    QTest.keyClicks(review._comment, "mitoses")
    at_work.add(write_slide(tmp_path / "other.tiff", 700, 900))
    at_work.wait(lambda: ReviewLog.open(shown.store, shown.lattice).latest(block) is not None)
    assert ReviewLog.open(shown.store, shown.lattice).latest(block).comment == "mitoses"
    assert review._comment.text() == ""


def full(*_: Any, **_noted: Any) -> None:
    raise StoreError("the disk is full")


def test_fields_are_cells_and_drawings_of_a_size_one_can_look_through(
    at_work: Annotator,
) -> None:
    box, session = at_work.dock.field_box, at_work.session
    box._where.value = Where.CELL
    at_work.press(box._annotate)
    assert at_work.problem == "No cell is chosen: click one on the slide."
    session.cells.go_to("A2")
    at_work.press(box._annotate)
    at_work.press(box._annotate)  # as a double click does
    at_work.wait(lambda: at_work.field is not None)
    at_work.rest(300)
    assert at_work.problem == ""
    assert len(at_work.rows()) == 1
    opened = at_work.field
    at_work.press(box._annotate)
    at_work.document.delete(next(iter(at_work.document.nuclei)))
    at_work.rest(500)
    assert at_work.field is opened
    assert at_work.field.record.name.endswith("r0-c1-1x1")
    at_work.density.boxes[4]._choose(2.0)
    at_work.wait(lambda: session.snapshot.grid.patches_per_cell > 4)
    session.cells.go_to("A1")
    at_work.press(box._annotate)
    assert "too much for one field" in at_work.problem

    box._where.value = Where.DRAWN
    at_work.viewer.layers.remove("region")
    at_work.press(box._annotate)
    assert "No region is drawn" in at_work.problem
    assert at_work.viewer.layers["region"].mode == "add_rectangle"
    draw_region(at_work.viewer)
    region = at_work.viewer.layers["region"]
    region.add_rectangles(np.array([[250, 10], [250, 300], [470, 300], [470, 10]]))
    at_work.press(box._annotate)
    at_work.wait(lambda: at_work.field.record.name.endswith("r1-c0-1x2"))
    assert at_work.document.labels.shape == (480, 960)
    region.add_rectangles(np.array([[0, 0], [0, 990], [740, 990], [740, 0]]))
    at_work.press(box._annotate)
    assert "This rectangle is 4 × 5 patches" in at_work.problem

    box._where.value = Where.VIEW
    at_work.viewer.scene.camera.center = (-500.0, -500.0)
    at_work.press(box._annotate)
    assert at_work.problem == "The view's centre is beyond the slide: move the view."


def test_a_field_asked_for_as_the_slide_is_left_keeps_nobody_out(at_desk: Annotator) -> None:
    open_here = at_desk.annotation.shelf
    left, again = (FieldShelf(open_here.slide, open_here.shown, SECOND) for _ in range(2))
    left.close()
    wanted = Wanted(Block(1, 1, 1, 1), Start.MODEL, Choice.BY_HAND, "")
    with pytest.raises(BadInput, match="field was left"):
        left.take(wanted)
    begun = again.take(wanted)
    again.remove(begun.record.name)
    again.close()


def test_an_import_writes_to_fields_that_this_window_has_edited(
    at_desk: Annotator, tmp_path: Path
) -> None:
    session = at_desk.session
    box = next(each for each in at_desk.density.boxes if isinstance(each, ExportBox))
    path = tmp_path / "out.geojson"
    at_desk.begin(1, 1)
    name = at_desk.annotation.field.record.name
    at_desk.document.delete_many(list(at_desk.document.nuclei)[:1])
    box._kind.value = Format.GEOJSON
    box.write(path)
    at_desk.wait(path.exists)
    collection = json.loads(path.read_text(encoding="utf-8"))
    nuclei = [f for f in collection["features"] if f["properties"]["objectType"] == "detection"]
    corrected = "Nucleus: Corrected by a person"
    outline = gather(session.shown.store).plane.block_outline(Block(1, 1, 1, 1))
    gone = next(f for f in nuclei if outline.covers(shape(f["geometry"]).centroid))
    assert corrected in gone["properties"]["measurements"]
    collection["features"].remove(gone)
    path.write_text(json.dumps(collection), encoding="utf-8")
    before = count_of(at_desk, name)
    box.read(path)
    at_desk.wait(lambda: count_of(at_desk, name) == before - 1)
    assert at_desk.annotation.field is None, "what is open would be written over what came"
    assert "in 1 field" in box._said.text()


def count_of(at_desk: Annotator, name: str) -> int:
    return next(one.nuclei for one in at_desk.annotation.fields if one.record.name == name)


def test_a_field_leaves_the_list_only_when_that_is_meant(at_desk: Annotator) -> None:
    at_desk.begin(1, 1)
    box, annotation = at_desk.dock.fields_box, at_desk.annotation
    name = annotation.field.record.name
    at_desk.wait(lambda: any(one.record.name == name for one in annotation.fields))
    before = len(annotation.fields)
    at_desk.press(box._remove)
    assert "its file is kept" in answer(box, QMessageBox.StandardButton.No)
    at_desk.rest(200)
    assert len(annotation.fields) == before
    at_desk.press(box._remove)
    answer(box, QMessageBox.StandardButton.Yes)
    at_desk.wait(lambda: len(annotation.fields) == before - 1)


def test_a_window_that_closes_takes_an_open_question_along(
    another: Annotator, estimated_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def waiting(*_: Any) -> None:
        pytest.fail("waits for the answer, while the window may close")

    monkeypatch.setattr(QMessageBox, "question", waiting)
    at_desk = another.open(estimated_slide)
    at_desk.begin(1, 1)
    at_desk.wait(at_desk.rows)
    window = at_desk.dock.window()
    at_desk.press(at_desk.dock.fields_box._remove)
    (question,) = window.findChildren(QMessageBox)
    assert question.isVisible()
    store = at_desk.session.shown.store
    at_desk.close_window()
    assert len(Corrections.open(store, FIRST, writable=False).records()) == 1


def test_only_finished_fields_are_known(at_desk: Annotator) -> None:
    session = at_desk.session
    at_desk.begin(1, 1)
    at_desk.document.delete_many(list(at_desk.document.nuclei)[5:])
    at_desk.wait(lambda: bool(session.snapshot.corrected[1, 1]))
    assert not session.snapshot.known.any()
    at_desk.document.set_done(True)
    at_desk.wait(lambda: bool(session.snapshot.known[1, 1]))
    assert session.snapshot.known.sum() == 1


def test_a_list_read_before_a_field_was_removed_does_not_bring_it_back(
    at_desk: Annotator,
) -> None:
    at_desk.begin(1, 1)
    at_desk.saved()
    annotation, shelf = at_desk.annotation, at_desk.annotation.shelf
    name = annotation.field.record.name
    annotation.close_field()
    before = shelf.fields()
    assert [one.record.name for one in before.fields] == [name]
    shelf.remove(name)
    annotation._take_fields(shelf, shelf.fields())
    annotation._take_fields(shelf, before)
    assert annotation.fields == ()
