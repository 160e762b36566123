"""The demo that ``make demo`` runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from napari_glioma_density.ui import demo as demo_module
from napari_glioma_density.ui.demo import SCREENSHOT, SIGN, Demo

pytestmark = pytest.mark.window
LONG = 60_000


@pytest.fixture(autouse=True)
def stay_after_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module.QApplication, "quit", lambda: None)


def test_demo_estimates_and_leaves_a_picture(
    open_dock: Callable[..., Any], slide_path: Path, tmp_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path, show=True)
    picture = tmp_path / "demo" / "map.png"
    demo = Demo(dock.session.viewer, dock, picture)
    qtbot.waitUntil(picture.exists, timeout=LONG)
    assert demo.failure is None
    assert demo.figure.endswith(" %")
    assert cv2.imread(str(picture)).std() > 10


def test_demo_that_fails_says_why(
    open_dock: Callable[..., Any], tmp_path: Path, qtbot: Any
) -> None:
    dock = open_dock(show=True)
    demo = Demo(dock.session.viewer, dock, tmp_path / "map.png")
    qtbot.waitUntil(lambda: demo.failure is not None, timeout=LONG)
    assert "No slide is open" in demo.failure
    assert not (tmp_path / "map.png").exists()


def test_picture_is_asked_for_by_environment_or_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIGN, raising=False)
    assert demo_module._options([]).screenshot is None
    assert demo_module._options(["--screenshot"]).screenshot == SCREENSHOT
    assert demo_module._options(["--screenshot", "here.png"]).screenshot == Path("here.png")
    monkeypatch.setenv(SIGN, "screenshot")
    assert demo_module._options([]).screenshot == SCREENSHOT
