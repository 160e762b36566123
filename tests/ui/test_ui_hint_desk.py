"""Hints of an opened field: what is told of them, and when."""

from dataclasses import replace
from typing import Any

import numpy as np

from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.annotation.slide_scores import ScoreStatistics
from napari_glioma_density.ui.annotation.hint_desk import Annotated, HintDesk
from napari_glioma_density.ui.background import Background

SLIDES = 0.2
SETTINGS = HintSettings(HintSource.HAEMATOXYLIN, 0.5)


def _look(source: HintSource) -> tuple[Any, ScoreStatistics]:
    score = np.zeros((96, 96), np.float32)
    score[40:52, 40:52] = 0.4  # above the slide's threshold, below the one to begin with
    return score, ScoreStatistics(source, 0, 1, (1,) * 64, SLIDES)


def _bare() -> Annotated:
    return Annotated(np.zeros((96, 96), np.uint16), (), ())


def settle(desk: HintDesk, background: Background, qtbot: Any) -> None:
    """Wait until the hints are found, and end the search."""

    def over() -> bool:
        background.deliver()
        return not desk.is_searching

    qtbot.waitUntil(over, timeout=60_000)
    background.close()


def test_hints_are_told_once_the_slides_threshold_is_known_and_not_before(qtbot: Any) -> None:
    background = Background(lambda _: None)
    desk = HintDesk(background, _look, _bare, 0.5)
    told: list[tuple[float, int]] = []
    desk.measured.connect(lambda found: desk.choose(replace(SETTINGS, threshold=found.threshold)))

    def listen() -> None:
        assert desk.found is not None
        told.append((desk.found.settings.threshold, len(desk.found.missing.hints)))

    desk.changed.connect(listen)
    desk.choose(SETTINGS)
    settle(desk, background, qtbot)
    assert told == [(SLIDES, 1)]


def test_the_next_hint_is_one_that_was_not_passed_over_until_all_were(qtbot: Any) -> None:
    def look(source: HintSource) -> tuple[Any, ScoreStatistics]:
        score = np.zeros((96, 96), np.float32)
        for left in (8, 28, 48, 68):
            score[40:52, left : left + 12] = 0.8
        return score, ScoreStatistics(source, 0, 1, (1,) * 64, SLIDES)

    background = Background(lambda _: None)
    desk = HintDesk(background, look, _bare, 0.5)
    desk.choose(SETTINGS)
    settle(desk, background, qtbot)
    rounds = [[desk.next_after(46, 14) for _ in range(4)] for _ in range(2)]
    places = [[hint.x // 20 for hint in asked if hint] for asked in rounds]
    assert places[0] == [0, 1, 2, 3], "outwards from the pointer, none twice"
    assert sorted(places[1]) == [0, 1, 2, 3]
    asked = desk.current
    assert asked is not None
    following = desk.next_after(asked.y, asked.x, asked.id)
    assert following not in (None, asked)
