"""The boxes of the *Annotation assist* dock, each alone, driven by mouse and keyboard."""

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_sets_on_disk import write_data_set
from napari.qt import get_stylesheet
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QLabel, QMainWindow, QPushButton
from watching import Listener, delivered, shown

from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.annotation.review import Mark
from napari_glioma_density.annotation.slide_scores import ScoreStatistics
from napari_glioma_density.density import Block
from napari_glioma_density.regions.region import Reason
from napari_glioma_density.ui.annotation.agreement_figures import COLUMNS, compare_readers
from napari_glioma_density.ui.annotation.field_box import swatch
from napari_glioma_density.ui.annotation.field_layers import HINT_COLOUR, ORIGIN_COLOURS
from napari_glioma_density.ui.annotation.fine_tune_box import FineTuneBox
from napari_glioma_density.ui.annotation.hint_box import THROTTLE_MS, HintBox
from napari_glioma_density.ui.annotation.histogram_slider import NUCLEUS, HistogramSlider
from napari_glioma_density.ui.annotation.review_box import Note, ReviewBox, Walk
from napari_glioma_density.ui.annotation.table import Figures, FigureTable, figures_dialog
from napari_glioma_density.ui.annotation.tuned_models import Parent
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.models import ModelChoice

pytestmark = pytest.mark.window
ROOM_PX = 380
"""What a dock 416 px wide leaves its boxes, the scroll bar beside them."""
LEFT = Qt.MouseButton.LeftButton
HUMP = tuple(100 if 8 <= index < 24 else 25 if 40 <= index < 56 else 0 for index in range(64))


# --- histogram slider -------------------------------------------------------------------------


@pytest.fixture
def slider(qtbot: Any) -> HistogramSlider:
    made = shown(qtbot, HistogramSlider("Threshold"))
    made.show_histogram(HUMP, suggested=0.5)
    return made


def place(slider: HistogramSlider, threshold: float) -> QPoint:
    ground = slider._ground()
    return QPoint(round(ground.left() + threshold * ground.width()), slider.height() // 2)


def test_the_line_follows_the_mouse_and_stays_within_the_histogram(
    slider: HistogramSlider, qtbot: Any
) -> None:
    told = Listener(slider.moved)
    qtbot.mousePress(slider, LEFT, pos=place(slider, 0.25))
    assert slider.threshold == pytest.approx(0.25, abs=0.005)
    qtbot.mouseMove(slider, place(slider, 0.7))
    assert slider.threshold == pytest.approx(0.7, abs=0.005)
    qtbot.mouseMove(slider, QPoint(slider.width() + 50, 10))
    assert slider.threshold == 1
    qtbot.mouseRelease(slider, LEFT, pos=place(slider, 0.4))
    qtbot.mouseMove(slider, place(slider, 0.1))
    assert slider.threshold == 1
    assert told.heard == pytest.approx([0.25, 0.7, 1], abs=0.005)


def test_arrow_keys_move_the_line_by_a_hundredth(slider: HistogramSlider, qtbot: Any) -> None:
    slider.set_threshold(0.5)
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert slider.threshold == pytest.approx(0.51)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    qtbot.keyClick(slider, Qt.Key.Key_Left)
    assert slider.threshold == pytest.approx(0.49)
    assert slider.accessibleDescription() == "0.49 of 1"


def test_a_double_click_goes_back_to_the_suggestion(slider: HistogramSlider, qtbot: Any) -> None:
    slider.set_threshold(0.9)
    told = Listener(slider.moved)
    qtbot.mouseDClick(slider, LEFT, pos=place(slider, 0.2))
    assert slider.threshold == 0.5
    assert told.heard[-1] == 0.5


def test_a_line_put_somewhere_by_the_program_is_not_told(slider: HistogramSlider) -> None:
    told = Listener(slider.moved)
    slider.set_threshold(0.3)
    assert slider.threshold == 0.3
    assert told.heard == []


def test_bars_are_filled_on_the_nucleus_side_of_the_line_alone(slider: HistogramSlider) -> None:
    slider.set_threshold(0.5)
    assert nucleus_columns(slider) == pytest.approx((40 / 64, 56 / 64), abs=0.02)
    slider.set_threshold(0.75)
    assert nucleus_columns(slider) == pytest.approx((0.75, 56 / 64), abs=0.02)


def nucleus_columns(slider: HistogramSlider) -> tuple[float, float]:
    """First and last column in the colour of nuclei just above the foot, as parts of the width."""
    picture, ground = slider.grab().toImage(), slider._ground()
    y = round(ground.bottom()) - 5
    filled = [
        x for x in range(picture.width()) if picture.pixelColor(x, y).name().upper() == NUCLEUS
    ]
    return tuple((x - ground.left()) / ground.width() for x in (filled[0], filled[-1]))


# --- hints ------------------------------------------------------------------------------------


def statistics(source: HintSource, threshold: float) -> ScoreStatistics:
    return ScoreStatistics(source=source, low=0.2, high=0.9, histogram=HUMP, threshold=threshold)


@pytest.fixture
def hint_box(qtbot: Any) -> HintBox:
    return shown(qtbot, HintBox(HintSettings(source=HintSource.LUMA, threshold=0.5, max_um2=300)))


def test_the_slides_threshold_is_taken_until_the_user_has_chosen_one(
    hint_box: HintBox, qtbot: Any
) -> None:
    told = Listener(hint_box.changed)
    hint_box.show_statistics(statistics(HintSource.LUMA, 0.62))
    assert hint_box.settings().threshold == 0.62
    assert [settings.threshold for settings in told.heard] == [0.62]
    qtbot.wait(2 * THROTTLE_MS)
    qtbot.mouseClick(hint_box.slider, LEFT, pos=place(hint_box.slider, 0.4))
    hint_box.show_statistics(statistics(HintSource.LUMA, 0.7))
    assert hint_box.settings().threshold == pytest.approx(0.4, abs=0.005)
    hint_box.forget_thresholds()
    hint_box.show_statistics(statistics(HintSource.LUMA, 0.7))
    assert hint_box.settings().threshold == 0.7


def test_each_source_keeps_its_own_threshold(hint_box: HintBox, qtbot: Any) -> None:
    hint_box.show_statistics(statistics(HintSource.LUMA, 0.6))
    hint_box._threshold.setValue(0.33)
    qtbot.keyClick(hint_box._source.native, Qt.Key.Key_Down)
    other = hint_box.settings().source
    assert other is not HintSource.LUMA
    hint_box.show_statistics(statistics(HintSource.LUMA, 0.6))  # late, and of the other source
    hint_box.show_statistics(statistics(other, 0.71))
    assert hint_box.settings().threshold == 0.71
    qtbot.keyClick(hint_box._source.native, Qt.Key.Key_Up)
    assert hint_box.settings().source is HintSource.LUMA
    assert hint_box.settings().threshold == pytest.approx(0.33)


def test_a_drag_is_told_a_few_times_and_its_end_always(hint_box: HintBox, qtbot: Any) -> None:
    told = Listener(hint_box.changed)
    slider = hint_box.slider
    qtbot.mousePress(slider, LEFT, pos=place(slider, 0.1))
    for step in range(40):
        qtbot.mouseMove(slider, place(slider, 0.1 + step / 50))
    qtbot.mouseRelease(slider, LEFT, pos=place(slider, 0.88))
    qtbot.waitUntil(lambda: bool(told.heard) and told.heard[-1] == hint_box.settings())
    assert told.heard[-1].threshold == pytest.approx(0.88, abs=0.005)
    assert len(told.heard) < 20


def test_areas_and_marks_reach_the_settings_and_never_cross(hint_box: HintBox, qtbot: Any) -> None:
    told = Listener(hint_box.changed)
    qtbot.mouseClick(hint_box._fill, LEFT, pos=QPoint(8, hint_box._fill.height() // 2))
    hint_box._largest.setValue(120)
    hint_box._smallest.setValue(500)
    qtbot.waitUntil(lambda: bool(told.heard) and told.heard[-1].min_um2 == 119)
    settings = hint_box.settings()
    assert (settings.fill_holes, settings.split) == (False, True)
    assert (settings.min_um2, settings.max_um2) == (119, 120)


def test_settings_of_a_field_are_shown_and_not_told(hint_box: HintBox, qtbot: Any) -> None:
    told = Listener(hint_box.changed)
    asked = HintSettings(
        source=HintSource.HAEMATOXYLIN,
        threshold=0.25,
        min_um2=20,
        max_um2=90,
        fill_holes=False,
        split=False,
    )
    hint_box.show_settings(asked)
    assert hint_box.settings() == asked
    hint_box.show_statistics(statistics(HintSource.HAEMATOXYLIN, 0.8))
    qtbot.wait(2 * THROTTLE_MS)
    assert hint_box.settings() == asked
    assert told.heard == []


def test_counts_are_said_and_hints_accepted_while_there_are_any(
    hint_box: HintBox, qtbot: Any
) -> None:
    told = Listener(hint_box.accept_above)
    assert not hint_box._accept.isEnabled()
    hint_box.show_counts(1, 3, 5)
    assert plain(hint_box._counts) == "■ 1 hint left · 3 rejected · ■ 5 nuclei without a hint"
    hint_box._sure.setValue(0.65)
    qtbot.mouseClick(hint_box._accept, LEFT)
    assert told.heard == [pytest.approx(0.65)]
    hint_box.show_counts(0, 3, 1)
    assert plain(hint_box._counts).endswith("1 nucleus without a hint")
    qtbot.mouseClick(hint_box._accept, LEFT)
    assert len(told.heard) == 1


@pytest.mark.parametrize("points", [9, 12, 18])
def test_the_largest_area_is_read_in_letters_of_any_size(points: int, qtbot: Any) -> None:
    window, hint_box = QMainWindow(), HintBox()
    window.setCentralWidget(hint_box)
    shown(qtbot, window)
    window.setStyleSheet(get_stylesheet("dark", extra_variables={"font_size": f"{points}pt"}))
    QApplication.processEvents()
    window.resize(window.minimumSizeHint())
    QApplication.processEvents()
    for spin in (hint_box._smallest, hint_box._largest):
        line = spin.lineEdit()
        margins = 6  # of Qt, two at each side and the cursor
        assert line.width() >= line.fontMetrics().horizontalAdvance("2000 µm²") + margins


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", [*ORIGIN_COLOURS.values(), HINT_COLOUR])
def test_every_colour_of_the_legend_is_seen(theme: str, colour: str, qtbot: Any) -> None:
    window = QMainWindow()
    window.setStyleSheet(get_stylesheet(theme))
    window.setCentralWidget(QLabel(swatch(colour)))
    picture = shown(qtbot, window).grab().toImage()
    inks = {picture.pixel(x, y) for x in range(40) for y in range(picture.height())}
    rgb = np.array([(ink >> 16 & 255, ink >> 8 & 255, ink & 255) for ink in inks], int)
    ground = picture.pixelColor(picture.width() - 2, 1)
    away = np.abs(rgb - (ground.red(), ground.green(), ground.blue())).max()
    assert away > 60


def plain(label: Any) -> str:
    from qtpy.QtGui import QTextDocumentFragment

    return str(QTextDocumentFragment.fromHtml(label.text()).toPlainText())


# --- review -----------------------------------------------------------------------------------

AGREEMENT = Figures(("", "Value"), (("Object F1", "0.86"), ("Dice", "0.91")), "4 fields")


@pytest.fixture
def review(background: Background, qtbot: Any) -> ReviewBox:
    return shown(qtbot, ReviewBox(background, lambda: AGREEMENT, "Alt-N"))


def mark(**noted: Any) -> Mark:
    blank = {"reviewed": False, "comment": "", "excluded": None, "author": "AB"}
    return Mark(Block(0, 0, 1, 1), **{**blank, **noted}, time="2026-11-20T14:02:00+00:00")


def test_nothing_can_be_said_of_no_cell(review: ReviewBox, qtbot: Any) -> None:
    told = Listener(review.noted)
    qtbot.mouseClick(review._mark, LEFT)
    qtbot.keyClicks(review._comment, "x")
    assert told.heard == []
    assert "(Alt-N)" in review._next.text()


def test_next_asks_for_the_walk_that_was_chosen(review: ReviewBox, qtbot: Any) -> None:
    told = Listener(review.next_asked)
    qtbot.mouseClick(review._next, LEFT)
    qtbot.keyClick(review._walk.native, Qt.Key.Key_Down)
    qtbot.mouseClick(review._next, LEFT)
    assert told.heard == [Walk.HOTSPOTS, Walk.CELLS]
    review.show_count(12, 40)
    assert review._count.text() == "reviewed 12 of 40"


def test_a_cell_is_marked_and_unmarked(review: ReviewBox, qtbot: Any) -> None:
    told = Listener(review.noted)
    review.show_cell("B6")
    qtbot.mouseClick(review._mark, LEFT)
    assert review._state.text() == "reviewed"
    review.show_cell("B6", mark(reviewed=True))
    assert review._state.text().startswith("reviewed · AB, 2026-11-2")
    qtbot.mouseClick(review._mark, LEFT)
    assert told.heard == [Note("B6", reviewed=True), Note("B6")]
    review.show_cell("B6", mark())
    assert review._state.text().startswith("not reviewed · AB, 2026-11-2")


def test_a_closed_review_box_is_kept_by_nothing(qapp: Any, background: Background) -> None:
    box = ReviewBox(background, lambda: AGREEMENT)
    box.connections.close()  # as its dock does when it shuts
    closed = weakref.ref(box)
    del box
    gc.collect()
    assert closed() is None


def test_a_cell_with_a_comment_alone_says_that_it_is_still_to_be_reviewed(
    review: ReviewBox,
) -> None:
    review.show_cell("B6", mark(comment="mitoses"))
    assert review._state.text().startswith("commented, not reviewed · AB, 2026-11-2")
    review.show_cell("B6", mark(comment="mitoses", excluded=Reason.FOLD))
    assert review._state.text().startswith("excluded: fold · AB")
    review.show_cell("B7")
    assert review._state.text() == ""


def test_a_comment_goes_to_the_cell_it_was_typed_for_and_only_once(
    review: ReviewBox, qtbot: Any
) -> None:
    told = Listener(review.noted)
    review.show_cell("B6", mark(reviewed=True))
    qtbot.keyClicks(review._comment, "vessel")
    qtbot.keyClick(review._comment, Qt.Key.Key_Return)
    assert told.heard == [Note("B6", reviewed=True, comment="vessel")]
    qtbot.keyClicks(review._comment, " wall")
    review.show_cell("C1", mark(comment="old"))
    assert told.heard[1:] == [Note("B6", reviewed=True, comment="vessel wall")]
    assert review._comment.text() == "old"


def test_a_comment_just_typed_is_kept_when_the_cell_is_marked(
    review: ReviewBox, qtbot: Any
) -> None:
    told = Listener(review.noted)
    review.show_cell("B6")
    qtbot.keyClicks(review._comment, "fold")
    qtbot.mouseClick(review._mark, LEFT)
    assert told.heard[-1] == Note("B6", reviewed=True, comment="fold")


def test_a_cell_is_excluded_for_a_reason_and_included_again(review: ReviewBox, qtbot: Any) -> None:
    told = Listener(review.noted)
    review.show_cell("B6")
    offered = {action.text(): action for action in review._reasons.actions()}
    assert len(offered) == len(Reason)
    offered["Not tumour"].trigger()
    assert not review._exclude.isVisible()
    assert review._state.text() == "excluded: not tumour"
    qtbot.mouseClick(review._include, LEFT)
    assert told.heard == [Note("B6", excluded=Reason.NOT_TUMOUR), Note("B6")]


def test_the_second_reader_is_toggled(review: ReviewBox, qtbot: Any) -> None:
    toggled = Listener(review.second_reader)
    for _ in range(2):
        qtbot.mouseClick(review._blinded, LEFT, pos=QPoint(8, review._blinded.height() // 2))
    assert toggled.heard == [True, False]


def test_agreement_is_computed_elsewhere_and_shown_in_a_window(
    review: ReviewBox, background: Background, qtbot: Any
) -> None:
    for _ in range(2):  # a second table takes the place of the first
        qtbot.mouseClick(review._agree, LEFT)
        delivered(background, qtbot, lambda: review.dialog is not None)
    assert review.dialog.isVisible()
    table = review.dialog.findChild(FigureTable)
    assert [table.item(row, 1).text() for row in range(2)] == ["0.86", "0.91"]


@pytest.mark.parametrize("points", [9, 13, 18])
def test_no_column_of_the_agreement_is_cut_off_in_letters_of_any_size(
    points: int, qtbot: Any
) -> None:
    window = QMainWindow()
    window.setStyleSheet(f"QWidget {{ font-size: {points}pt; }}")
    shown(qtbot, window)
    row = (
        "both prefilled",
        "12",
        "0.999",
        "0.998",
        "−10.0 (−10.1 to +10.2)",
        "1 813 / 1 814",
        "1.00",
    )
    dialog = figures_dialog("Agreement", Figures(COLUMNS, (row,)), window)
    with qtbot.waitExposed(dialog):
        dialog.show()
    across = dialog.findChild(FigureTable).horizontalScrollBar()
    assert across.maximum() == 0


def test_agreement_of_two_readers_is_what_their_outlines_say(tmp_path: Path) -> None:
    both = np.zeros((40, 50), np.uint16)
    both[5:15, 5:15], both[5:15, 25:35] = 1, 2  # 200 of 2000 px
    one = np.where(both == 1, both, 0).astype(np.uint16)  # 100 of 2000 px
    first = write_data_set(tmp_path / "first", [both, both, both])
    second = write_data_set(tmp_path / "second", [one, both])
    figures = compare_readers(first, second, {"0": "Cell B2"})
    pooled, field, alike = figures.rows
    assert field == ("Cell B2", "1", "0.667", "0.667", "−5.0", "2 / 1", "–")
    assert (alike[0], *alike[2:6]) == ("1", "1.000", "1.000", "0.0", "2 / 2")
    # Differences −5 and 0: mean −2.5, standard deviation 3.54, so limits −2.5 ± 6.93.
    assert pooled[:6] == ("all 2 fields", "2", "0.857", "0.857", "−2.5 (−9.4 to +4.4)", "4 / 3")
    assert figures.note.endswith("left out: 1.")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_no_word_is_cut_off_in_a_dock_of_the_usual_width(
    theme: str, hint_box: HintBox, review: ReviewBox, background: Background, qtbot: Any
) -> None:
    own = Parent(ModelChoice("tuned-1", "Tuned-1", ""), own=True)
    tune = shown(qtbot, FineTuneBox(background, lambda _: None, lambda: (own,)))
    delivered(background, qtbot, tune._remove.isVisible)
    hint_box.show_counts(1212, 34, 145)
    review.show_cell("AB12", mark(reviewed=True, excluded=Reason.NOT_TUMOUR, author="ABCD"))
    review.show_count(112, 144)
    for box in (hint_box, review, tune):
        box.setStyleSheet(get_stylesheet(theme))
        box.resize(ROOM_PX, box.sizeHint().height())
        QApplication.processEvents()
        assert box.width() == ROOM_PX  # it needs no more
        for part in (*box.findChildren(QLabel), *box.findChildren(QPushButton)):
            if part.isVisible() and not (isinstance(part, QLabel) and part.wordWrap()):
                assert part.width() >= part.sizeHint().width(), part.text()
