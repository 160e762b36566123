"""When a field counts for the run on show, and what it says of that run's model."""

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from annotating import Annotator
from quick_segmenter import DarkPixels

from napari_glioma_density.annotation.field import Start
from napari_glioma_density.estimate import prepare
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.annotation.field_box import MORE_IS_READ

pytestmark = pytest.mark.window


def test_done_said_and_taken_back_changes_no_number(at_desk: Annotator) -> None:
    model, patches = at_desk.session.snapshot.totals, at_desk.session.snapshot.patches
    at_desk.begin()
    at_desk.press(at_desk.dock.field_box._done)
    at_desk.wait(lambda: at_desk.session.snapshot.corrected.any())
    assert np.array_equal(at_desk.session.snapshot.patches.count, patches.count)
    assert at_desk.session.snapshot.totals == model
    at_desk.press(at_desk.dock.field_box._done)
    at_desk.wait(lambda: not at_desk.session.snapshot.corrected.any())
    at_desk.document.delete(min(at_desk.document.nuclei))
    at_desk.wait(lambda: at_desk.session.snapshot.corrected.any())
    at_desk.document.undo()
    at_desk.wait(lambda: not at_desk.session.snapshot.corrected.any())


def test_a_field_with_another_models_outlines_waits_for_done_and_says_whose_they_are(
    at_work: Annotator,
) -> None:
    """An estimate by other weights comes to lie beside the one that the field began with."""
    at_work.begin()
    name = at_work.field.record.name
    at_work.document.delete(min(at_work.document.nuclei))
    at_work.saved()
    estimate_as_another(at_work.session.slides.slide)
    at_work.session.choose_model("another")
    at_work.wait(lambda: at_work.session.shown is not None and at_work.rows())
    at_work.wait(lambda: not at_work.session.overlays._waiting)
    assert at_work.session.shown.spec.model == "another"
    assert not at_work.session.snapshot.corrected.any()
    at_work.annotation.open_field(name)
    at_work.wait(lambda: at_work.field is not None)
    told = at_work.dock.field_box._numbers
    assert "Begun with the outlines of dark: it counts here once it is done." in told.text()
    at_work.press(at_work.dock.field_box._done)
    at_work.wait(lambda: at_work.session.snapshot.corrected.any())
    assert "it tells how far that model is off, not this one" in told.text()
    assert at_work.annotation.fields[0].drawn_by_other


def test_a_field_of_which_more_is_read_since_says_that_it_waits(at_desk: Annotator) -> None:
    annotation, told = at_desk.annotation, at_desk.dock.field_box._numbers
    at_desk.begin()
    at_desk.document.delete(min(at_desk.document.nuclei))
    at_desk.wait(lambda: at_desk.session.snapshot.corrected.any())
    assert MORE_IS_READ not in told.text()
    (row,) = annotation.fields
    seen = replace(row.values, read_px=row.values.read_px - 1)
    annotation.fields = (replace(row, values=seen),)
    at_desk.session.measured.emit()
    assert MORE_IS_READ in told.text()
    at_desk.document.delete(min(at_desk.document.nuclei))
    at_desk.wait(lambda: MORE_IS_READ not in told.text())


def test_a_second_reader_begins_with_the_outlines_that_the_first_began_with(
    at_work: Annotator,
) -> None:
    for place in ((1, 0), (1, 1)):
        at_work.begin(*place)
    name = at_work.field.record.name
    estimate_as_another(at_work.session.slides.slide)
    at_work.session.choose_model("another")
    at_work.wait(lambda: at_work.session.shown is not None and len(at_work.rows()) == 2)
    at_work.dock.review_box._blinded.setChecked(True)
    at_work.wait(lambda: [row[2] for row in at_work.rows()] == ["to read"] * 2)
    at_work.annotation.open_field(name)
    at_work.wait(lambda: at_work.field is not None)
    record = at_work.field.record
    assert at_work.session.shown.spec.model == "another"
    assert (record.start, record.model) == (Start.MODEL, "dark")


def estimate_as_another(slide: Slide) -> None:
    """Estimate a slide by a model of the same look and another name."""
    segmenter = DarkPixels()
    segmenter.spec = replace(DarkPixels.spec, name="another")
    segmenter.sha256 = "1" * 64
    with closing(prepare(slide, segmenter)) as estimation:
        for _ in estimation.blocks(estimation.scope_of(None)):
            pass
