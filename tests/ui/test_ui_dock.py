"""The dock in a real viewer: estimating, stopping, coming back, and all that may go wrong."""

import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from napari.layers import Layer, Vectors
from painted_slide import write_glow, write_slide
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QCloseEvent, QHideEvent, QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollBar,
)
from quick_segmenter import DarkPixels

from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    PAPER_BANDS,
    Block,
    PatchState,
    PatchTable,
)
from napari_glioma_density.estimate import prepare
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.sections import Section
from napari_glioma_density.findings.snapshot import Bands, Choices, Snapshot, take_snapshot
from napari_glioma_density.findings.tuning import TUNED_ELSEWHERE
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import ResultStore, find_store
from napari_glioma_density.results.location import places_of
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui import estimating as estimating_room
from napari_glioma_density.ui import session as session_room
from napari_glioma_density.ui import sureness, words
from napari_glioma_density.ui.annotation.dock import AnnotationDock
from napari_glioma_density.ui.camera import SCALE_BAR_PX, layer_view, visible_part
from napari_glioma_density.ui.dock import problem_line
from napari_glioma_density.ui.dock.dock import GliomaDensityDock
from napari_glioma_density.ui.dock.scope_box import NO_TISSUE
from napari_glioma_density.ui.dock.slide_box import SlideBox
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.keys import session_keys
from napari_glioma_density.ui.models import ModelChoice
from napari_glioma_density.ui.reader import read_slide
from napari_glioma_density.ui.region import Scope, draw_region, region_of
from napari_glioma_density.ui.regions.dock import RegionsDock
from napari_glioma_density.ui.sessions import borrow_session, give_back_session
from napari_glioma_density.ui.slide_layer import slide_of
from napari_glioma_density.ui.specimen import Specimen

pytestmark = pytest.mark.window
LONG = 60_000
MODELS = (ModelChoice("dark", "Dark px", ""),)
OVERLAYS = {"density", "nuclei", "grid", "cell names", "chosen cell"}


def start(dock: Any) -> None:
    dock.session.estimating.begin("dark", "auto", Scope.SLIDE)


def finish(dock: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: dock.session.estimating.phase is Phase.READY, timeout=LONG)


def names(dock: Any) -> set[str]:
    return {layer.name for layer in dock.session.viewer.layers}


@pytest.fixture
def finished(open_dock: Callable[..., Any], slide_path: Path, qtbot: Any) -> Any:
    dock = open_dock(slide_path)
    start(dock)
    finish(dock, qtbot)
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)
    return dock


def test_estimate_draws_every_overlay_and_fills_the_dock(finished: Any) -> None:
    session = finished.session
    totals = session.snapshot.totals
    assert totals.complete
    assert 2 < totals.tissue_density_percent < 10
    assert all(str(unit) == "micrometer" for layer in session.viewer.layers for unit in layer.units)
    assert session.viewer.layers["density"].data.any()
    rows = finished.hotspot_box._table.texts()
    assert len(rows) == len(session.snapshot.hotspots) > 0
    assert rows[0][1] == session.snapshot.hotspots[0].address


def test_nuclei_in_view_are_drawn_when_their_block_is_done(finished: Any, qtbot: Any) -> None:
    layer = finished.session.viewer.layers["nuclei"]
    finest = layer.data[0]
    _ = finest[0:480, 0:480]
    qtbot.waitUntil(lambda: finest[0:480, 0:480].any(), timeout=LONG)
    assert set(np.unique(finest[0:480, 0:480])) == {0, 1, 2}


def test_stop_keeps_what_is_done_and_a_second_start_goes_on(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    segmenter.gate.clear()
    start(dock)
    qtbot.waitUntil(lambda: segmenter.seen.acquire(blocking=False), timeout=LONG)
    dock.session.estimating.stop()
    assert dock.session.estimating.phase is Phase.STOPPING
    segmenter.gate.set()
    finish(dock, qtbot)
    stopped = dock.session.snapshot.totals
    assert stopped.patches > 0
    assert not stopped.complete
    start(dock)
    finish(dock, qtbot)
    assert dock.session.snapshot.totals.complete


def test_a_press_before_the_models_are_listed_is_not_lost(
    make_napari_viewer: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    listed = threading.Event()

    def list_models() -> tuple[ModelChoice, ...]:
        listed.wait()
        return MODELS

    viewer = make_napari_viewer()
    viewer.add_layer(Layer.create(*read_slide(str(slide_path))[0]))
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), list_models)
    try:
        dock.scope_box._estimate.click()
        assert dock.scope_box._state.text() == "Looking for models …"
        assert dock.session.estimating.phase is Phase.READY
        listed.set()
        qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
        finish(dock, qtbot)
        assert dock.session.snapshot.totals.complete
    finally:
        listed.set()
        dock.shut()


def test_without_any_model_a_press_says_so(
    make_napari_viewer: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    viewer.add_layer(Layer.create(*read_slide(str(slide_path))[0]))
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), tuple)
    try:
        dock.scope_box._estimate.click()
        qtbot.waitUntil(lambda: "No model is installed" in dock.problem.line.text(), timeout=LONG)
        dock.scope_box._estimate.click()
        assert dock.scope_box._state.text() == ""
    finally:
        dock.shut()


def test_layers_that_were_deleted_come_back_in_their_places_with_the_next_run(
    finished: Any, qtbot: Any
) -> None:
    layers = finished.session.viewer.layers
    before = [layer.name for layer in layers]
    for name in ("density", "grid"):
        layers.remove(name)
    start(finished)
    finish(finished, qtbot)
    qtbot.waitUntil(lambda: len(layers) == len(before), timeout=LONG)
    assert [layer.name for layer in layers] == before
    assert layers["density"].data.any()


def test_the_region_tool_is_put_down_when_the_run_begins(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    layers, scope = dock.session.viewer.layers, dock.scope_box._scope
    scope.value = Scope.DRAWN
    region = layers["region"]
    dock.scope_box.press()
    assert region.mode == "add_rectangle", "nothing is drawn yet"
    region.add_rectangles(np.array([[50, 50], [200, 250]]))
    dock.scope_box.press()
    assert (region.mode, region in layers.selection) == ("pan_zoom", False)
    finish(dock, qtbot)
    scope.value = Scope.SLIDE
    scope.value = Scope.DRAWN
    assert region.mode == "add_rectangle"
    scope.value = Scope.SLIDE
    assert region.mode == "pan_zoom"


def test_the_tool_is_back_where_a_drawn_region_is_chosen_once_more(
    finished: Any, qtbot: Any
) -> None:
    box, viewer = finished.scope_box, finished.session.viewer
    assert box._advice.isHidden()
    box._scope.value = Scope.DRAWN
    assert not box._advice.isHidden()
    region = viewer.layers["region"]
    region.add_rectangles(np.array([[50, 50], [200, 250]]))
    box.press()
    finish(finished, qtbot)
    assert region.mode == "pan_zoom"
    box._scope.native.activated.emit(box._scope.native.currentIndex())
    assert (region.mode, viewer.layers.selection.active) == ("add_rectangle", region)
    box._scope.value = Scope.SLIDE
    assert box._advice.isHidden()


def test_where_there_is_no_tissue_that_is_said(finished: Any) -> None:
    box, session = finished.scope_box, finished.session
    measured, part = session.snapshot.measured, session.snapshot.measured.state < 0
    part[0, 0] = True
    glass = replace(measured, state=np.full_like(measured.state, PatchState.BACKGROUND))
    session.show_snapshot(take_snapshot(glass, session.choices, part))
    assert session.snapshot.scope is not None
    assert NO_TISSUE in box._nuclei.text()
    assert "nuclei per mm²" not in box._nuclei.text()


def test_the_layer_to_draw_on_is_there_whenever_a_drawing_is_asked_for(
    finished: Any, add_slide: Callable[[Any, Path], Any], tmp_path: Path
) -> None:
    layers, box = finished.session.viewer.layers, finished.scope_box
    box._scope.value = Scope.DRAWN
    layers["region"].add_rectangles(np.array([[50, 50], [200, 250]]))
    add_slide(finished.session.viewer, write_slide(tmp_path / "other.tiff", 960, 960))
    assert not layers["region"].visible
    for _ in range(2):
        box.press()
        assert "draw a rectangle on the layer" in finished.problem.line.text()
        region = layers["region"]
        assert (region.visible, region.mode) == (True, "add_rectangle")
        assert len(region.data) == 0
        assert layers.selection.active is region
        layers.remove(region)
    box.press()
    assert layers["region"].mode == "add_rectangle"


def test_what_is_read_is_of_the_slide_though_the_figures_are_of_a_part(
    finished: Any, qtbot: Any
) -> None:
    box, session = finished.scope_box, finished.session
    whole = box._state.text()
    box._scope.value = Scope.DRAWN
    session.viewer.layers["region"].add_rectangles(np.array([[0, 0], [100, 100]]))
    box.press()
    finish(finished, qtbot)
    assert session.snapshot.scope is not None
    assert box._state.text() == whole.replace("of tissue", "of the slide's tissue") != whole
    assert "of the part asked for" in box._nuclei.text()


def test_tissue_that_cannot_be_read_is_not_said_to_be_read(finished: Any) -> None:
    box, session = finished.scope_box, finished.session
    whole, measured = box._state.text(), session.snapshot.measured
    state, unread = measured.state.copy(), measured.unread_px.copy()
    state[0, 0], unread[0, 0] = PatchState.UNREAD, measured.lattice.patch_px()[0, 0]
    damaged = replace(measured, state=state, unread_px=unread)
    session.show_snapshot(replace(session.snapshot, measured=damaged))
    read, of = box._state.text().split(" of ", 1)
    assert read == square_mm(damaged.totals().tissue_mm2) != whole.split(" of ")[0]
    assert of == whole.split(" of ", 1)[1]


def test_a_slide_smaller_than_a_tile_is_estimated_and_drawn(
    open_dock: Callable[..., Any], tmp_path: Path, qtbot: Any
) -> None:
    dock = open_dock(write_slide(tmp_path / "tiny.tiff", 16, 16))
    start(dock)
    finish(dock, qtbot)
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)


def test_reopening_a_slide_brings_its_results_back(
    finished: Any, open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    before = finished.session.snapshot.totals
    finished.shut()
    again = open_dock(slide_path)
    qtbot.waitUntil(lambda: names(again) >= OVERLAYS, timeout=LONG)
    assert again.session.snapshot.totals == before
    assert again.session.estimating.phase is Phase.READY


def test_what_is_chosen_before_stored_results_are_there_holds_for_them(
    open_dock: Callable[..., Any],
    add_slide: Callable[[Any, Path], Any],
    estimated_slide: Path,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dock, chosen, read = open_dock(), threading.Event(), session_room.stored_results

    def stored(*asked: Any) -> Any:
        assert chosen.wait(60)
        return read(*asked)

    monkeypatch.setattr(session_room, "stored_results", stored)
    add_slide(dock.session.viewer, estimated_slide)
    dock.boxes[3]._scale.value = Bands.SAFE
    dock.boxes[4]._side.value = 0.25
    chosen.set()
    session = dock.session
    qtbot.waitUntil(lambda: session.snapshot is not None, timeout=LONG)
    qtbot.waitUntil(lambda: session.snapshot.scale == COLOUR_BLIND_BANDS, timeout=LONG)
    assert session.snapshot.grid.cell_mm == pytest.approx(0.25, rel=0.1)


def test_the_estimate_stands_aside_while_the_view_moves(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    qtbot.wait(1000)  # until the slide is framed, and the view at rest
    segmenter.gate.clear()
    start(dock)
    qtbot.waitUntil(lambda: segmenter.seen.acquire(blocking=False), timeout=LONG)
    focus = dock.session.estimating._job._focus
    assert not focus.is_moving
    dock.session.viewer.scene.camera.zoom *= 2
    assert focus.is_moving
    segmenter.gate.set()
    finish(dock, qtbot)
    assert dock.session.snapshot.totals.complete


def test_the_last_of_two_choices_stays_though_the_first_takes_longer(
    finished: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, second_is_done, first_is_done = finished.session, threading.Event(), threading.Event()
    sum_up = session_room.take_snapshot

    def summed_up(patches: PatchTable, choices: Choices, asked: Any) -> Snapshot:
        if choices.bands is Bands.SAFE:
            assert second_is_done.wait(60)
        snapshot = sum_up(patches, choices, asked)
        (first_is_done if choices.bands is Bands.SAFE else second_is_done).set()
        return snapshot

    monkeypatch.setattr(session_room, "take_snapshot", summed_up)
    session.choose(replace(session.choices, bands=Bands.SAFE))
    session.choose(replace(session.choices, bands=Bands.SLIDE))
    qtbot.waitUntil(first_is_done.is_set, timeout=LONG)
    qtbot.wait(400)
    assert session.snapshot.scale not in (PAPER_BANDS, COLOUR_BLIND_BANDS)


def test_the_legend_writes_limits_as_every_export_does(finished: Any, qtbot: Any) -> None:
    session = finished.session
    session.choose(replace(session.choices, bands=Bands.SLIDE))
    qtbot.waitUntil(lambda: session.snapshot.scale.name == "this slide", timeout=LONG)
    said = {label.text() for label in finished.findChildren(QLabel)}
    assert {f"{span} %" for span in session.snapshot.scale.spans} <= said


def test_what_is_measured_while_a_choice_is_summed_up_is_not_lost(
    finished: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, may_go_on = finished.session, threading.Event()
    sum_up, older = session_room.take_snapshot, session.choices

    def summed_up(patches: PatchTable, choices: Choices, asked: Any) -> Snapshot:
        assert may_go_on.wait(60)
        return sum_up(patches, choices, asked)

    monkeypatch.setattr(session_room, "take_snapshot", summed_up)
    session.choose(replace(older, bands=Bands.SAFE))
    more = replace(session.snapshot.measured)
    session.show_snapshot(sum_up(more, older), summed_as=older)
    may_go_on.set()
    qtbot.waitUntil(lambda: session.snapshot.scale == COLOUR_BLIND_BANDS, timeout=LONG)
    assert session.snapshot.measured is more


def test_deleting_overlays_and_slide_while_it_runs_harms_nothing(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    segmenter.gate.clear()
    start(dock)
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)
    viewer = dock.session.viewer
    viewer.layers.remove("density")
    viewer.layers.remove("nuclei")
    segmenter.gate.set()
    finish(dock, qtbot)
    assert dock.session.snapshot.totals.complete
    viewer.layers.clear()
    qtbot.wait(300)
    assert dock.session.slides.slide is None
    assert not names(dock)


def test_all_layers_can_be_deleted_at_once(
    finished: Any, add_slide: Callable[[Any, Path], Any], tmp_path: Path, qtbot: Any
) -> None:
    session, layers = finished.session, finished.session.viewer.layers
    first = session.slides.current
    add_slide(session.viewer, write_slide(tmp_path / "second.tiff", 700, 900))
    session.slides.choose(first)
    qtbot.waitUntil(lambda: names(finished) >= OVERLAYS, timeout=LONG)
    layers.select_all()
    layers.remove_selected()
    qtbot.waitUntil(lambda: not layers, timeout=LONG)
    assert (session.slides.current, session.snapshot) == (None, None)


def test_second_slide_stops_the_first_and_takes_its_place(
    open_dock: Callable[..., Any],
    add_slide: Callable[[Any, Path], Any],
    slide_path: Path,
    tmp_path: Path,
    segmenter: DarkPixels,
    qtbot: Any,
) -> None:
    dock = open_dock(slide_path)
    first = dock.session.slides.current
    segmenter.gate.clear()
    start(dock)
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)
    second = add_slide(dock.session.viewer, write_slide(tmp_path / "second.tiff", 700, 900))
    assert dock.session.slides.current is second
    assert not first.visible
    assert not names(dock) & OVERLAYS
    start(dock)
    segmenter.gate.set()
    finish(dock, qtbot)
    assert dock.session.snapshot.patches.lattice.width_px == 900
    store = ResultStore(find_store(slide_path))
    assert store.run(store.runs()[0].run_id).patches().totals().patches > 0


def test_slide_without_resolution_asks_for_it_and_withholds_figures(
    open_dock: Callable[..., Any], tmp_path: Path, qtbot: Any
) -> None:
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    dock = open_dock(bare)
    start(dock)
    assert "µm/px" in dock.problem.line.text()
    assert dock.session.estimating.phase is Phase.READY
    (quick,) = [one for one in dock.boxes[0].findChildren(QPushButton) if one.text() == "20×"]
    quick.click()
    slide = dock.session.slides.slide
    assert slide.resolution.source == "estimated from 20×"
    assert np.allclose(dock.session.slides.current.scale, 0.5)
    start(dock)
    finish(dock, qtbot)
    assert dock.session.shown.spec.um_per_px_source == "estimated from 20×"


def test_the_question_for_um_per_px_is_brought_into_view(
    open_dock: Callable[..., Any], slide_path: Path, tmp_path: Path, qtbot: Any
) -> None:
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    dock = open_dock(slide_path, show=True)
    dock.window().resize(1200, 600)
    bar, question = dock.body.verticalScrollBar(), dock.boxes[0]._ask
    qtbot.waitUntil(lambda: bar.maximum() > 0, timeout=LONG)

    def is_asked_out_of_sight(ask: Callable[[], object]) -> None:
        bar.setValue(bar.maximum())
        ask()
        qtbot.waitUntil(lambda: not question.visibleRegion().isEmpty(), timeout=LONG)
        assert not dock.boxes[0]._resolution.visibleRegion().isEmpty()

    layer = Layer.create(*read_slide(str(bare))[0])
    is_asked_out_of_sight(lambda: dock.session.viewer.add_layer(layer))
    is_asked_out_of_sight(lambda: start(dock))


def test_a_region_that_was_drawn_lies_over_the_map(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    viewer = dock.session.viewer
    draw_region(viewer, dock.session.slides.slide)
    drawn = viewer.layers["region"]
    drawn.add_rectangles(np.array([[100, 50], [200, 250]]))
    start(dock)
    viewer.layers.selection.active = dock.session.slides.current
    finish(dock, qtbot)
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)
    qtbot.waitUntil(lambda: viewer.layers[-1] is drawn, timeout=LONG)
    assert viewer.layers.selection.active is dock.session.slides.current


def test_given_um_per_px_can_be_given_again(
    open_dock: Callable[..., Any], tmp_path: Path, slide_path: Path
) -> None:
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    dock = open_dock(bare)
    box = dock.boxes[0]
    quick = {one.text(): one for one in box.findChildren(QPushButton)}
    quick["20×"].click()
    assert not box._ask.isHidden()
    typed, (give,) = (
        box._um_per_px,
        [one for one in box.findChildren(QPushButton) if one.text() == "Set µm/px"],
    )
    typed.native.lineEdit().setText("0.2527")
    for _ in range(2):  # what is shown then is the same
        give.click()
        assert dock.session.slides.slide.um_per_px == 0.2527
    typed.native.lineEdit().setText("500")
    give.click()
    assert "500 µm/px is not a slide's resolution" in dock.problem.line.text()
    assert dock.session.slides.slide.pseudonym in dock.problem.line.text()
    assert "bare.tiff" not in dock.problem.line.text()
    quick["40×"].click()
    assert dock.session.slides.slide.um_per_px == 0.25
    assert dock.session.slides.slide.resolution.source == "estimated from 40×"
    dock.session.viewer.add_layer(Layer.create(*read_slide(str(slide_path))[0]))
    assert box._ask.isHidden()  # what a file states is not to be put right here


def test_a_slide_without_um_per_px_is_not_offered_those_of_another(
    open_dock: Callable[..., Any], tmp_path: Path, slide_path: Path
) -> None:
    dock = open_dock(slide_path)
    offered = dock.boxes[0]._um_per_px
    assert offered.value == dock.session.slides.slide.um_per_px != 0.25
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    dock.session.viewer.add_layer(Layer.create(*read_slide(str(bare))[0]))
    assert dock.session.slides.slide.um_per_px is None
    assert offered.value == 0.25


def test_overlays_go_with_one_collection_of_garbage_not_with_one_a_layer(finished: Any) -> None:
    collected: list[str] = []

    def note(phase: str, about: dict[str, int]) -> None:
        if phase == "start" and about["generation"] == 2:
            collected.append(phase)

    gc.callbacks.append(note)
    try:
        finished.session.clear_overlays()
    finally:
        gc.callbacks.remove(note)
    assert 1 <= len(collected) <= 2  # napari's, and perhaps one by chance


def test_the_grid_is_given_across_by_down_as_the_slide_is(finished: Any) -> None:
    grid = finished.session.snapshot.grid
    assert f"{grid.columns} × {grid.rows} cells of" in finished.boxes[4]._size.text()


def test_a_slide_with_and_one_without_um_per_px_are_switched_without_a_warning(
    finished: Any, tmp_path: Path, qtbot: Any
) -> None:
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    viewer, slides = finished.session.viewer, finished.session.slides
    viewer.add_layer(Layer.create(*read_slide(str(bare))[0]))
    assert viewer.layers.extent.units is not None
    slides.choose(slides.layers[0])
    qtbot.waitUntil(lambda: names(finished) >= OVERLAYS, timeout=LONG)
    # napari warns whenever it draws while it knows no units.
    assert viewer.layers.extent.units is not None
    slides.choose(slides.layers[1])
    assert viewer.layers.extent.units is not None
    assert [str(unit) for unit in slides.current.units] == ["pixel"] * 2
    slides.set_um_per_px(0.5)
    assert [str(unit) for unit in slides.current.units] == ["micrometer"] * 2
    assert viewer.layers.extent.units is not None


def test_napari_never_warns_of_mixed_units_where_slides_come_and_go(
    finished: Any, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("napari._vispy.canvas.show_warning", said.append)
    viewer, slides = finished.session.viewer, finished.session.slides
    draw_region(viewer, slides.slide)
    region = viewer.layers["region"]
    region.add_rectangles([[10, 10], [90, 90]])
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    viewer.add_layer(Layer.create(*read_slide(str(bare))[0]))
    for place, unit in ((1, "pixel"), (0, "micrometer"), (1, "pixel")):
        slides.choose(slides.layers[place])
        qtbot.wait(200)
        assert {str(each) for layer in viewer.layers for each in layer.units} == {unit}
    finished.scope_box._scope.value = Scope.DRAWN
    slides.set_um_per_px(0.5)
    qtbot.wait(200)
    assert region not in viewer.layers or str(region.units[0]) == "micrometer"
    assert said == []


def test_layers_of_others_are_in_um_again_when_no_slide_is_left(
    open_dock: Any, slide_path: Path, tmp_path: Path, qtbot: Any
) -> None:
    viewer = open_dock(slide_path).session.viewer
    others = viewer.add_points(np.array([[10.0, 10], [20, 20]]), units=("um", "um"))
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    viewer.add_layer(Layer.create(*read_slide(str(bare))[0]))
    assert {str(unit) for unit in others.units} == {"pixel"}
    for slide in [each for each in viewer.layers if each is not others]:
        if slide in viewer.layers:
            viewer.layers.remove(slide)
    qtbot.waitUntil(lambda: list(viewer.layers) == [others], timeout=LONG)
    qtbot.waitUntil(lambda: {str(each) for each in others.units} == {"micrometer"}, timeout=LONG)


def test_layers_of_others_are_in_um_again_when_the_dock_is_taken_out(
    open_dock: Any, slide_path: Path, tmp_path: Path
) -> None:
    dock = open_dock(slide_path)
    viewer = dock.session.viewer
    others = viewer.add_points(np.array([[10.0, 10], [20, 20]]), units=("um", "um"))
    bare = write_slide(tmp_path / "bare.tiff", 500, 700, resolution=None, resolutionunit=None)
    viewer.add_layer(Layer.create(*read_slide(str(bare))[0]))
    assert {str(unit) for unit in others.units} == {"pixel"}
    viewer.window.remove_dock_widget(dock)
    assert {str(unit) for unit in others.units} == {"micrometer"}


def test_a_dock_opened_late_shows_what_is_there(finished: Any) -> None:
    late = GliomaDensityDock(finished.session.viewer, lambda *_: DarkPixels(), tuple)
    try:
        assert late.session is finished.session
        said = [[label.text() for label in dock.findChildren(QLabel)] for dock in (finished, late)]
        shares = [text for text in said[0] if text.endswith(" %")]
        assert len(shares) >= 6
        assert [text for text in said[1] if text.endswith(" %")] == shares
    finally:
        late.shut()


def test_the_wheel_is_left_to_what_scrolls(open_dock: Callable[..., Any], slide_path: Path) -> None:
    dock = open_dock(slide_path, show=True)
    kinds = QComboBox, QAbstractSpinBox, QAbstractSlider
    controls = [one for kind in kinds for one in dock.findChildren(kind) if one.isVisible()]
    controls = [one for one in controls if not isinstance(one, QScrollBar)]
    before = [wheel_reads(one) for one in controls]
    assert len(controls) > 5
    # Qt hands on to the scroll area what nobody accepts, if it comes from the system.
    assert not any(map(takes_the_wheel, controls))
    assert [wheel_reads(one) for one in controls] == before


def wheel_reads(control: Any) -> Any:
    return control.currentIndex() if isinstance(control, QComboBox) else control.value()


def takes_the_wheel(control: Any) -> bool:
    """Turn the wheel by a notch over a control."""
    place = QPointF(control.rect().center())
    event = QWheelEvent(
        place, QPointF(control.mapToGlobal(place.toPoint())), QPoint(0, 0), QPoint(0, -120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,  # PySide6 knows it by place alone
    )  # fmt: skip
    QApplication.sendEvent(control, event)
    return bool(event.isAccepted())


def test_keys_work_while_a_list_has_the_focus(finished: Any) -> None:
    hotspots, table = finished.session.hotspots, finished.hotspot_box._table
    QTest.keyClick(table, Qt.Key.Key_Down)
    assert table.currentIndex().row() == 0
    QTest.keyClick(table, Qt.Key.Key_N)
    assert hotspots.chosen == hotspots.spots[0]
    QTest.keyClick(finished.findChild(QComboBox), Qt.Key.Key_N)
    assert hotspots.chosen == hotspots.spots[1]


def test_what_goes_wrong_is_one_line_and_goes_away_again(finished: Any) -> None:
    finished.session.cells.go_to("ZZ99")
    assert "ZZ99" in finished.problem.line.text()
    assert not finished.problem.isHidden()
    finished.session.cells.go_to("nonsense")
    assert "\n" not in finished.problem.line.text()
    finished.session.cells.go_to("a1")
    assert finished.problem.isHidden()
    assert finished.session.cells.chosen == (0, 0)


def test_doubted_slide_is_refused_in_one_line_and_estimated_when_the_user_insists(
    open_dock: Callable[..., Any], tmp_path: Path, qtbot: Any
) -> None:
    dock = open_dock(write_glow(tmp_path / "H24-00456.tiff"))
    start(dock)
    finish(dock, qtbot)
    told = dock.problem.line.text()
    assert "brightfield" in told
    assert "\n" not in told
    assert "--force" not in told
    assert "00456" not in told
    assert not dock.problem.anyway.isHidden()
    dock.problem.anyway.click()
    assert dock.problem.isHidden()
    finish(dock, qtbot)
    assert dock.problem.isHidden()
    assert dock.session.snapshot is not None
    assert "does not look like a brightfield H&E slide" in dock.scope_box._nuclei.text()
    start(dock)
    finish(dock, qtbot)
    assert dock.problem.isHidden()


def test_whoever_insists_on_a_doubted_slide_has_it_estimated_as_is_chosen_by_then(
    open_dock: Callable[..., Any], tmp_path: Path, qtbot: Any
) -> None:
    dock = open_dock(write_glow(tmp_path / "glow.tiff"))
    start(dock)
    finish(dock, qtbot)
    dock.boxes[0]._organ.value = "other"
    assert not dock.problem.anyway.isHidden()
    dock.problem.anyway.click()
    finish(dock, qtbot)
    assert dock.session.shown.spec.organ == "other"
    assert dock.boxes[0]._organ.value == "other"


def test_a_full_disk_is_told_by_a_folder_that_is_there_and_never_by_the_file_name(
    open_dock: Callable[..., Any], slide_path: Path
) -> None:
    dock = open_dock(slide_path)
    name = f"results of {dock.session.slides.slide.pseudonym}"
    for store in places_of(slide_path):
        for inside in ("", "/runs/ab12/nuclei/0"):
            dock.session.problem.emit(f"{store}{inside}: the disk is full; free some space")
            told = dock.problem.line.text()
            assert told == f"{name}, in {store.parent}: the disk is full; free some space"
            assert slide_path.name not in told


def test_other_problems_offer_no_way_around(open_dock: Callable[..., Any]) -> None:
    dock = open_dock()
    start(dock)
    assert "No slide is open" in dock.problem.line.text()
    assert dock.problem.anyway.isHidden()


def test_model_brings_its_own_results_back_and_hides_those_of_others(
    finished: Any, qtbot: Any
) -> None:
    session = finished.session
    session.choose_model("another")
    assert session.snapshot is None
    assert not names(finished) & OVERLAYS
    qtbot.wait(500)
    assert session.snapshot is None
    session.choose_model("dark")
    qtbot.waitUntil(lambda: names(finished) >= OVERLAYS, timeout=LONG)
    assert session.snapshot.totals.complete
    assert finished.model_box.chosen()[0] == "dark"


def test_brain_and_other_organ_have_results_of_their_own(
    finished: Any, qtbot: Any, open_dock: Callable[..., Any], slide_path: Path
) -> None:
    session, box, organ = finished.session, finished.model_box, finished.boxes[0]._organ
    of_brain = session.shown.spec.run_id
    assert organ.value == "brain"
    organ.value = "other"
    qtbot.waitUntil(lambda: not box._other.isHidden(), timeout=LONG)
    assert session.snapshot is None
    assert "What was found for “Brain” is kept" in box._other.text()
    start(finished)
    assert not organ.enabled, "while it is estimated it stays so"
    finish(finished, qtbot)
    assert session.shown.spec.organ == "other"
    assert session.shown.spec.run_id != of_brain
    assert organ.enabled
    organ.value = "brain"
    qtbot.waitUntil(lambda: session.snapshot is not None, timeout=LONG)
    assert session.shown.spec.run_id == of_brain
    assert box._other.isHidden()


@pytest.mark.parametrize("model", ["dark", "pale"])
def test_results_that_come_back_name_their_organ_and_stay(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any, model: str
) -> None:
    segmenter.spec = segmenter.spec.with_(name=model)
    with closing(prepare(open_slide(slide_path), segmenter, organ="other")) as estimation:
        for _ in estimation.blocks():
            pass
    dock = open_dock(slide_path)
    qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
    qtbot.wait(500)
    assert dock.boxes[0]._organ.value == "other"
    shown = dock.session.shown
    assert shown is not None
    assert (shown.spec.organ, shown.spec.model) == ("other", model)


@pytest.mark.parametrize("is_back", [True, False])
def test_an_organ_chosen_before_the_models_are_listed_holds(
    make_napari_viewer: Callable[..., Any], estimated_slide: Path, qtbot: Any, is_back: bool
) -> None:
    listed = threading.Event()

    def list_models() -> tuple[ModelChoice, ...]:
        assert listed.wait(60)
        return MODELS

    viewer = make_napari_viewer()
    viewer.add_layer(Layer.create(*read_slide(str(estimated_slide))[0]))
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), list_models)
    session, organ = dock.session, dock.boxes[0]._organ
    try:
        if is_back:
            qtbot.waitUntil(lambda: session.snapshot is not None, timeout=LONG)
        organ.value = "other"
        with qtbot.waitSignal(session.nothing_stored, timeout=LONG):
            pass
        listed.set()
        qtbot.waitUntil(lambda: dock.model_box.chosen()[0] == "dark", timeout=LONG)
        qtbot.wait(300)
        assert session.snapshot is None, "what is found is of the brain"
        assert (organ.value, session.slides.organ) == ("other", "other")
        organ.value = "brain"
        qtbot.waitUntil(lambda: session.snapshot is not None, timeout=LONG)
    finally:
        listed.set()
        dock.shut()


def test_what_a_model_found_is_said_to_be_kept_where_another_has_found_nothing(
    finished: Any, qtbot: Any
) -> None:
    session, box = finished.session, finished.model_box
    before = session.shown.tissue_mm2
    box._list_models = lambda: (*MODELS, ModelChoice("pale", "Pale px", ""))
    session.models_changed.emit()
    qtbot.waitUntil(lambda: "pale" in box._model.choices, timeout=LONG)
    assert box._other.isHidden()
    box._model.value = "pale"
    qtbot.waitUntil(lambda: not box._other.isHidden(), timeout=LONG)
    assert "What “Dark px” found is kept" in box._other.text()
    tissue = finished.findChild(SlideBox)._tissue
    assert tissue.text() == words.area(before) != words.NONE
    box._model.value = "dark"
    qtbot.waitUntil(lambda: session.snapshot is not None, timeout=LONG)
    assert box._other.isHidden()


def test_a_model_that_is_gone_takes_its_figures_along(finished: Any, qtbot: Any) -> None:
    session, box = finished.session, finished.model_box
    box._list_models = lambda: (ModelChoice("pale", "Pale px", ""),)
    session.models_changed.emit()
    qtbot.waitUntil(lambda: box.chosen()[0] == "pale", timeout=LONG)
    assert session.snapshot is None
    assert not names(finished) & OVERLAYS
    assert box._other.isHidden()


def test_results_of_a_model_that_is_not_here_are_told_to_be_its_own(
    estimated_slide: Path, make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    viewer.add_layer(Layer.create(*read_slide(str(estimated_slide))[0]))
    other = (ModelChoice("pale", "Pale px", ""),)
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: other)
    try:
        qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
        qtbot.waitUntil(lambda: dock.model_box.chosen()[0] == "pale", timeout=LONG)
        assert not dock.model_box._other.isHidden()
        assert "These results are of “dark”" in dock.model_box._other.text()
        assert TUNED_ELSEWHERE not in dock.model_box._other.text()
        dock.session.show(replace(dock.session.shown, is_tuned_elsewhere=True))
        assert TUNED_ELSEWHERE in dock.model_box._other.text()
    finally:
        dock.shut()


def test_intervals_are_found_anew_when_an_estimate_has_ended(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields tell of a run from when it has read their patches, and not where it began."""
    error = DensityError(0.1, 0.1, 0.0, 3, Basis(4, 1))
    complete = lambda snapshot: snapshot.totals.complete  # noqa: E731
    monkeypatch.setattr(
        sureness, "known_error", lambda _store, _spec, shot: error if complete(shot) else None
    )
    dock = open_dock(slide_path)
    start(dock)
    finish(dock, qtbot)
    qtbot.waitUntil(lambda: dock.session.sureness.error == error, timeout=LONG)
    qtbot.waitUntil(lambda: "95 %" in dock.scope_box._nuclei.text(), timeout=LONG)


def test_a_slide_of_which_nothing_decodes_is_told(
    data_folder: Path, open_dock: Callable[..., Any], qtbot: Any
) -> None:
    dock = open_dock(data_folder / "slides/bad/unreadable.svs")
    qtbot.waitUntil(lambda: "not one tile" in dock.problem.line.text(), timeout=LONG)


def test_specimen_is_kept_with_its_slide_and_cautions_where_nothing_is_validated(
    open_dock: Callable[..., Any],
    add_slide: Callable[[Any, Path], Any],
    slide_path: Path,
    tmp_path: Path,
) -> None:
    dock = open_dock(slide_path)
    box, first = dock.boxes[0], dock.session.slides.current
    assert box._caution.isHidden()
    box._specimen.value = Specimen.FROZEN
    assert "frozen" in box._caution.text()
    assert not box._caution.isHidden()
    add_slide(dock.session.viewer, write_slide(tmp_path / "second.tiff", 700, 900))
    assert box._specimen.value == Specimen.UNKNOWN
    assert box._caution.isHidden()
    dock.session.slides.choose(first)
    assert box._specimen.value == Specimen.FROZEN


def test_the_list_of_slides_follows_a_layer_s_name(
    open_dock: Callable[..., Any], slide_path: Path, tmp_path: Path
) -> None:
    dock = open_dock(slide_path, write_slide(tmp_path / "second.tiff", 700, 900))
    session, slides = dock.session, dock.boxes[0]._slides
    session.slides.layers[0].name = "frontal"
    assert slides.itemText(0) == "frontal"
    assert slides.currentIndex() == 1
    layer = session.slides.layers[0]
    session.viewer.layers.remove(layer)
    layer.name = "gone"
    assert slides.count() == 1


def test_what_a_job_that_was_left_has_to_say_is_not_drawn_on_its_slide_come_back(
    open_dock: Callable[..., Any],
    slide_path: Path,
    tmp_path: Path,
    segmenter: DarkPixels,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dock = open_dock(write_slide(tmp_path / "other.tiff", 700, 900), slide_path)
    session = dock.session
    other, own = session.slides.layers
    segmenter.gate.clear()
    start(dock)
    qtbot.waitUntil(lambda: segmenter.seen.acquire(blocking=False), timeout=LONG)
    # The store is read late, as over a slow network.
    monkeypatch.setattr(session, "open_stored", lambda model=None: None)
    job = session.estimating._job
    session.slides.choose(other)
    session.slides.choose(own)
    segmenter.gate.set()
    qtbot.waitUntil(lambda: not job.alive, timeout=LONG)
    session.tick()
    assert session.shown is None
    assert session.snapshot is None
    assert session.estimating.phase is Phase.READY


def test_another_slide_stops_the_estimate_and_says_so(
    open_dock: Callable[..., Any],
    add_slide: Callable[[Any, Path], Any],
    slide_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(estimating_room, "show_info", said.append)
    dock = open_dock(slide_path)
    dock.session.estimating.begin("dark", "auto", Scope.SLIDE)
    dock.session.slides.set_um_per_px(0.6)
    dock.session.estimating.begin("dark", "auto", Scope.SLIDE)
    assert not said, "it is the same slide"
    add_slide(dock.session.viewer, write_slide(tmp_path / "second.tiff", 700, 900))
    (line,) = said
    assert line.startswith("Estimate stopped; what is done is kept")
    add_slide(dock.session.viewer, write_slide(tmp_path / "third.tiff", 700, 900))
    assert len(said) == 1


def test_clicked_cell_shows_its_values(finished: Any) -> None:
    finished.session.cells.choose_at(10.0, 10.0)
    assert finished.boxes[4]._cell.text() == "Cell A1"
    assert "% of tissue" in finished.boxes[4]._values.text()
    assert len(finished.session.viewer.layers["chosen cell"].data) == 4


def test_after_going_to_a_cell_the_keys_are_the_slide_s_again(finished: Any, qtbot: Any) -> None:
    box = next(edit for edit in finished.findChildren(QLineEdit) if edit.placeholderText() == "B6")
    box.setText("a1")
    qtbot.keyClick(box, Qt.Key_Return)
    assert finished.session.cells.chosen == (0, 0)
    assert box.text() == ""
    assert not box.hasFocus()


def test_a_cell_s_name_that_is_none_stays_to_be_put_right(finished: Any, qtbot: Any) -> None:
    box = next(edit for edit in finished.findChildren(QLineEdit) if edit.placeholderText() == "B6")
    box.setText("B66")
    qtbot.keyClick(box, Qt.Key_Return)
    assert "B66" in finished.problem.line.text()
    assert box.selectedText() == "B66"


def test_validation_gives_no_interval_to_specimens_that_were_not_in_it(finished: Any) -> None:
    session, box = finished.session, finished.boxes[0]
    of_slide = DensityError(0.1, 0.1, 2.0, 10, Basis(3, 1))
    validated = replace(of_slide, basis=Basis(20, 20, ("LGG",)))
    for specimen, error in ((Specimen.FFPE, validated), (Specimen.FROZEN, of_slide)):
        session.sureness._found = session.shown, error
        box._specimen.value = specimen
        assert session.sureness.error is error
        assert "95 %" in finished.scope_box._nuclei.text()
    session.sureness._found = session.shown, validated
    for specimen in (Specimen.SMEAR, Specimen.FROZEN):
        box._specimen.value = specimen
        assert session.sureness.error is None
        assert "95 %" not in finished.scope_box._nuclei.text()


def test_what_is_not_known_of_the_headline_is_said(finished: Any) -> None:
    session, box = finished.session, finished.scope_box
    assert session.sureness.error is None
    assert "Interval unknown: the model was checked on too few slides" in box._nuclei.text()
    finished.boxes[0]._specimen.value = Specimen.SMEAR
    assert "nterval" not in box._nuclei.text(), "the caution says why there is none"
    assert "glass" not in box._nuclei.text()
    session.shown = replace(session.shown, spec=replace(session.shown.spec, tissue_mask=False))
    session.measured.emit()
    assert "Bare glass counts as tissue: estimated without a tissue mask." in box._nuclei.text()


def test_a_slide_sharper_than_what_was_checked_on_says_so_in_place_of_an_interval(
    finished: Any,
) -> None:
    session, box, said = finished.session, finished.scope_box, "sharper than any field"
    validated = DensityError(0.1, 0.1, 2.0, 10, Basis(20, 20, ("LGG",)))
    of_slide = DensityError(0.1, 0.1, 2.0, 10, Basis(3, 1))
    for is_sharper, error, is_said in (
        (False, validated, False), (True, validated, True), (True, of_slide, False),
    ):  # fmt: skip
        session.shown = replace(session.shown, is_sharper=is_sharper)
        session.sureness._found = session.shown, error
        session.measured.emit()
        assert (said in box._nuclei.text()) is is_said
        assert ("95 %" in box._nuclei.text()) is not is_said


def test_a_problem_names_the_slide_and_changes_no_word(finished: Any) -> None:
    line, slide = finished.problem, finished.session.slides.slide
    slide.name = "slide"  # as a folder of DICOM files may be called
    finished.session.problem.emit("/data/slide.glioma.zarr: is no slide's store; slide 2 is")
    assert (
        line.line.text() == f"/data/{slide.pseudonym}.glioma.zarr: is no slide's store; slide 2 is"
    )
    finished.session.problem.emit("slide: not readable")
    assert line.line.text() == f"{slide.pseudonym}: not readable"


def test_hotspots_follow_one_another_by_rank(finished: Any) -> None:
    cells, hotspots = finished.session.cells, finished.session.snapshot.hotspots
    for hotspot in (*hotspots, hotspots[0]):
        finished.session.hotspots.next()
        assert cells.chosen == (hotspot.row, hotspot.column)
    centre = finished.session.viewer.scene.camera.center[-2:]
    assert centre[0] == pytest.approx(hotspots[0].y_um + hotspots[0].height_um / 2)


def test_a_row_of_sorted_hotspots_flies_to_what_it_says(finished: Any) -> None:
    table, session = finished.hotspot_box._table, finished.session
    table.sort_by(3)
    counts = [cell.nuclei_per_mm2 for cell in session.snapshot.hotspots]
    most = session.snapshot.hotspots[counts.index(max(counts))]
    assert table.texts()[0][1] == most.address
    table.clicked.emit(table.model().index(0, 1))
    assert session.cells.chosen == (most.row, most.column)
    assert session.hotspots.chosen.name == most.address
    table.sort_by(0)
    assert [row[0] for row in table.texts()] == [str(rank + 1) for rank in range(len(counts))]


def test_one_key_hides_every_overlay_and_shows_them_again(finished: Any) -> None:
    finished.session.overlays.toggle()
    visible = {layer.name for layer in finished.session.viewer.layers if layer.visible}
    assert not visible & OVERLAYS
    finished.session.overlays.toggle()
    assert all(layer.visible for layer in finished.session.viewer.layers)


def test_overlays_can_be_drawn_in_3d_where_nothing_is_outlined(finished: Any) -> None:
    viewer = finished.session.viewer
    visuals = viewer.window._qt_viewer.canvas.layer_to_visual
    lines = [visuals[layer].node for layer in viewer.layers if isinstance(layer, Vectors)]
    viewer.dims.ndisplay = 3
    assert [node.mesh_data.get_vertices().shape[1] for node in lines] == [3, 3]


def test_cell_side_changes_without_another_run(finished: Any, qtbot: Any) -> None:
    finished.boxes[4]._choose(0.5)
    qtbot.waitUntil(lambda: finished.session.snapshot.grid.cell_mm > 0.4, timeout=LONG)
    assert finished.session.snapshot.totals.complete


def test_scope_in_view_is_a_part_of_the_slide_in_its_own_px(finished: Any) -> None:
    viewer = finished.session.viewer
    slide = slide_of(finished.session.slides.current)
    viewer.scene.camera.center = (100.0, 100.0)
    viewer.scene.camera.zoom = 10.0
    x, y, width, height = region_of(viewer, slide, Scope.VIEW).rectangle
    canvas_height, canvas_width = viewer.canvas.size
    assert x + width / 2 == pytest.approx(200, abs=1)
    assert y + height / 2 == pytest.approx(200, abs=1)
    assert (width, height) == (round(canvas_width / 5), round(canvas_height / 5))


def test_a_dock_that_is_opened_again_shows_what_holds(finished: Any, qtbot: Any) -> None:
    session, viewer = finished.session, finished.session.viewer
    borrow_session(viewer)  # as another dock does
    section = Section("S2", np.ones((4, 5), np.bool_), Block(0, 0, 4, 5), 1.0)
    session.shown = replace(session.shown, sections=(replace(section, name="S1"), section))
    session.choose(Choices(Bands.SAFE, 0.5, rank_corrected=True, section=section))
    session.hotspots.choose_kind(0.24)
    session.estimating._enter(Phase.RUNNING)
    finished.shut()
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: MODELS)
    assert dock.session is session
    bands, grid, hotspots = dock.boxes[3], dock.boxes[4], dock.hotspot_box
    assert (bands._scale.value, grid._side.value) == (Bands.SAFE, 0.5)
    assert grid._section.value.startswith("Section S2")
    assert (hotspots._kind.value, hotspots._by_corrected.value) == (0.24, True)
    assert not dock.model_box._model.enabled
    session.estimating._enter(Phase.READY)
    assert dock.model_box._model.enabled
    dock.shut()
    give_back_session(session)


def test_a_dock_that_is_opened_again_leaves_the_slide_on_show(
    open_dock: Callable[..., Any], slide_path: Path, tmp_path: Path
) -> None:
    dock = open_dock(slide_path, write_slide(tmp_path / "second.tiff", 700, 900))
    viewer, (first, second) = dock.session.viewer, dock.session.slides.layers
    assert dock.session.slides.current is second
    dock.session.slides.choose(first)
    dock.shut()
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: MODELS)
    assert dock.session.slides.current is first
    assert (first.visible, second.visible) == (True, False)
    dock.shut()


def test_keys_are_none_of_naparis_own_and_are_set_free_again(finished: Any) -> None:
    from napari.utils.shortcuts import default_shortcuts

    keys = {key.key.replace("-", "+") for key in session_keys(finished.session)}
    taken = {str(binding) for bindings in default_shortcuts.values() for binding in bindings}
    assert not keys & taken
    bound = {str(key) for key in finished.session.viewer.keymap}
    assert keys <= bound
    finished.shut()
    assert not keys & {str(key) for key in finished.session.viewer.keymap}


def test_its_tab_bears_its_name_and_not_the_plugins(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    qtbot.waitUntil(lambda: dock.parent().windowTitle() == "Glioma density", timeout=LONG)


def test_a_floating_dock_that_was_closed_and_is_shown_again_is_alive(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    frame = dock.parent()
    frame.setFloating(True)
    frame.close()
    frame.show()
    qtbot.waitUntil(dock.isVisible, timeout=LONG)
    dock.scope_box._estimate.click()
    assert dock.session.estimating.phase is Phase.OPENING
    finish(dock, qtbot)
    frame.setFloating(False)


def test_a_dock_put_elsewhere_stays_there(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    window, other = dock.window(), RegionsDock(dock.session.viewer, lambda *_: DarkPixels())
    dock.session.viewer.window.add_dock_widget(other, name="Regions")
    frame = other.parent()
    qtbot.waitUntil(lambda: dock.parent() in window.tabifiedDockWidgets(frame), timeout=LONG)
    frame.setFloating(True)
    QApplication.processEvents()
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, frame)
    frame.setFloating(False)
    qtbot.wait(100)
    assert window.dockWidgetArea(frame) == Qt.DockWidgetArea.LeftDockWidgetArea
    other.shut()


def test_docks_opened_at_the_same_time_share_a_place(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    window, viewer = dock.window(), dock.session.viewer
    qtbot.waitUntil(lambda: dock.parent().windowTitle() == "Glioma density", timeout=LONG)
    others = [make(viewer, lambda *_: DarkPixels()) for make in (RegionsDock, AnnotationDock)]
    for other in others:
        viewer.window.add_dock_widget(other, name=type(other).__name__)
    frames = {other.parent() for other in others}
    qtbot.waitUntil(lambda: set(window.tabifiedDockWidgets(dock.parent())) == frames, timeout=LONG)
    for other in others:
        other.shut()


def test_a_problem_that_no_dock_shows_is_told_by_napari_once(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(problem_line, "show_warning", said.append)
    dock = open_dock(slide_path, show=True)
    window, session = dock.session.viewer.window, dock.session
    regions = RegionsDock(session.viewer, lambda *_: DarkPixels())
    window.add_dock_widget(regions, name="Regions")
    qtbot.waitUntil(lambda: dock.visibleRegion().isEmpty(), timeout=LONG)
    session.problem.emit("The disk is full.")
    qtbot.wait(50)
    assert not said, "the Regions dock, which lies above, shows it"
    other = window.add_dock_widget(QLabel("another plugin"), name="other")
    window._qt_window.tabifyDockWidget(regions.parent(), other)
    QApplication.processEvents()
    other.raise_()
    qtbot.waitUntil(lambda: regions.visibleRegion().isEmpty(), timeout=LONG)
    session.problem.emit("The disk is full.")
    qtbot.wait(50)
    assert said == ["The disk is full."]
    regions.shut()


def test_a_window_that_stays_when_it_has_asked_keeps_its_docks(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    window, made = dock.window(), dock.scope_box.connections._made
    dock.eventFilter(window, QCloseEvent())  # as if the question were answered with *Cancel*
    window.showMinimized()
    qtbot.wait(100)
    assert made
    window.showNormal()
    qtbot.waitUntil(lambda: not dock._staying.isActive(), timeout=LONG)
    dock.eventFilter(window, QHideEvent())
    assert made


def test_a_closed_dock_lives_until_its_session_ends(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer, listed = make_napari_viewer(), threading.Event()

    def list_models() -> tuple[ModelChoice, ...]:
        assert listed.wait(60)
        return MODELS

    session = borrow_session(viewer)  # as another dock does
    dock = GliomaDensityDock(viewer, lambda *_: DarkPixels(), list_models)
    viewer.window.add_dock_widget(dock, name="Glioma density")
    viewer.window.remove_dock_widget(dock)
    closed = weakref.ref(dock)
    del dock
    gc.collect()
    listed.set()  # what the dock has asked for is there when it is closed
    qtbot.waitUntil(lambda: closed().model_box.chosen()[0] == "dark", timeout=LONG)
    give_back_session(session)
    del session
    gc.collect()
    assert closed() is None


def test_what_was_typed_without_enter_is_taken_when_the_window_closes(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    line, taken = QLineEdit(dock), []
    line.editingFinished.connect(lambda: taken.append(line.text()))
    line.show()
    line.setFocus()
    qtbot.keyClicks(line, "tumour")
    dock.session.viewer.close()
    assert "tumour" in taken


def test_closing_the_window_joins_the_run(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    start(dock)
    qtbot.waitUntil(lambda: segmenter.seen.acquire(blocking=False), timeout=LONG)
    job = dock.session.estimating._job
    dock.session.viewer.close()
    assert not job.alive
    store = ResultStore(find_store(slide_path))
    assert store.runs()


def test_what_is_left_out_is_hatched_as_densely_from_near(
    open_dock: Any, estimated_slide: Path, qtbot: Any
) -> None:
    RegionFile.open(find_store(estimated_slide)).put(
        Region.drawn(RegionKind.EXCLUSION, shapely.box(200, 100, 700, 900), reason=Reason.FOLD)
    )
    dock = open_dock(estimated_slide)
    viewer = dock.session.viewer
    qtbot.waitUntil(lambda: "left out, hatched" in names(dock), timeout=LONG)
    layer = viewer.layers["left out, hatched"]
    before, zoom = len(layer.data), viewer.scene.camera.zoom
    assert before
    viewer.scene.camera.zoom = 8 * zoom
    qtbot.waitUntil(lambda: len(layer.data) > 6 * before, timeout=LONG)
    assert layer.opacity == 1


def test_a_cell_that_is_left_out_says_why(
    open_dock: Any, estimated_slide: Path, qtbot: Any
) -> None:
    RegionFile.open(find_store(estimated_slide)).put(
        Region.drawn(RegionKind.EXCLUSION, shapely.box(0, 0, 5000, 5000), reason=Reason.FOLD)
    )
    dock = open_dock(estimated_slide)
    qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
    dock.session.cells.choose(1, 1)
    assert dock.boxes[4]._values.text() == "left out: fold"


def test_room_for_a_cells_values_stays_as_large_as_it_was_needed(
    open_dock: Any, slide_path: Path, qtbot: Any
) -> None:
    box = open_dock(slide_path, show=True).boxes[4]
    values = box._values
    qtbot.waitUntil(values.isVisible, timeout=LONG)
    box._say("short")
    usual_px = values.minimumHeight()
    box._say("\n".join(["a line"] * 7))
    needed_px = values.minimumHeight()
    assert needed_px >= values.heightForWidth(values.width()) > usual_px
    box._say("short")
    assert values.minimumHeight() == needed_px


@pytest.mark.parametrize("is_dock_first", [True, False])
def test_all_of_a_slide_is_in_view_above_the_scale_bar_whichever_was_opened_first(
    open_dock: Any, tmp_path: Path, qtbot: Any, is_dock_first: bool
) -> None:
    tall = write_slide(tmp_path / "tall.tiff", 2400, 400)
    dock = open_dock() if is_dock_first else open_dock(tall)
    viewer = dock.session.viewer
    if is_dock_first:
        viewer.add_layer(Layer.create(*read_slide(str(tall))[0]))

    def free_px() -> float:
        seen, slide = visible_part(viewer), layer_view(dock.session.slides.current)
        below_um = seen.y_um + seen.height_um - slide.y_um - slide.height_um
        return float(below_um * viewer.scene.camera.zoom)

    qtbot.waitUntil(lambda: free_px() >= SCALE_BAR_PX, timeout=LONG)


def test_what_is_left_out_is_outlined_unless_another_draws_it_or_nobody_is_to_know(
    open_dock: Any, estimated_slide: Path, qtbot: Any
) -> None:
    ring = shapely.box(200, 100, 700, 900).difference(shapely.box(300, 300, 400, 400))
    drawn = Region.drawn(RegionKind.EXCLUSION, ring, reason=Reason.NECROSIS)
    RegionFile.open(find_store(estimated_slide)).put(drawn)
    dock = open_dock(estimated_slide)
    session = dock.session
    qtbot.waitUntil(lambda: "left out" in names(dock), timeout=LONG)
    starts, extents = session.viewer.layers["left out"].data.transpose(1, 0, 2)
    um = session.shown.spec.um_per_px
    assert np.hypot(*extents.T).sum() == pytest.approx(ring.length * um)
    assert starts.min(axis=0) == pytest.approx((100 * um, 200 * um))
    qtbot.waitUntil(lambda: names(dock) >= OVERLAYS, timeout=LONG)
    qtbot.waitUntil(lambda: session.viewer.layers[-1].name == "left out", timeout=LONG)
    for way in (session.blind, session.left_out.stand_aside):
        way(True)
        assert "left out" not in names(dock)
        # Nobody else hatches what is left out.
        assert ("left out, hatched" in names(dock)) is (way != session.blind)
        way(False)
        assert {"left out", "left out, hatched"} <= names(dock)
    RegionFile.open(find_store(estimated_slide)).remove(drawn.id)
    session.exclusions.refresh()
    qtbot.waitUntil(lambda: "left out" not in names(dock), timeout=LONG)


def test_reference_tissue_on_disk_counts_without_the_regions_dock(
    open_dock: Any, estimated_slide: Path, qtbot: Any
) -> None:
    drawn = Region.drawn(RegionKind.REFERENCE, shapely.box(480, 480, 960, 960), name="white matter")
    RegionFile.open(find_store(estimated_slide)).put(drawn)
    dock = open_dock(estimated_slide)
    qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=60_000)
    density = dock.session.snapshot.patches.tissue_density_percent()
    dock.session.cells.choose(0, 1)
    said = f"{density[0, 1] / density[1, 1]:.1f} × reference (white matter)"
    values = dock.boxes[4]._values
    qtbot.waitUntil(lambda: values.text().endswith(said), timeout=60_000)
