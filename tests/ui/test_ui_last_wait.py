"""An export can be stopped, and a window that closes says that it waits for one."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QProgressDialog, QPushButton

from napari_glioma_density.exchange.exporting import Format
from napari_glioma_density.exchange.whole_output import whole_file
from napari_glioma_density.ui.dock import export_box
from napari_glioma_density.ui.dock.last_wait import CLOSES_THEN

pytestmark = pytest.mark.window
LONG = 60_000


class Slow:
    """Stands for an export of many parts, each a tenth of a second."""

    def __init__(self, parts: int) -> None:
        self.parts, self.done = parts, 0

    def end_soon(self) -> None:
        self.parts = self.done + 3

    def __call__(self, _found: Any, _to: Format, path: Path, _: Any, on_progress: Any) -> str:
        with whole_file(path) as part:
            part.write_text("half")
            while self.done < self.parts:
                self.done += 1
                time.sleep(0.1)
                on_progress(self.done, self.parts)
            part.write_text("all")
        return "slowly"


@pytest.fixture
def writing(
    open_dock: Callable[..., Any],
    estimated_slide: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> Callable[[int], tuple[Any, Slow]]:
    def begin(parts: int) -> tuple[Any, Slow]:
        slow = Slow(parts)
        monkeypatch.setattr(export_box, "export", slow)
        dock = open_dock(estimated_slide, show=True)
        qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
        (tmp_path / "slide.geojson").write_text("before")
        dock.export_box.write(tmp_path / "slide.geojson")
        qtbot.waitUntil(lambda: slow.done > 0, timeout=LONG)
        return dock, slow

    return begin


def when_asked(act: Callable[[QProgressDialog], object]) -> list[str]:
    """Do something with the dialog once it is there; return what it says, then."""
    said: list[str] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QProgressDialog) and dialog.isVisible():
            said.append(dialog.labelText())
            act(dialog)
        elif len(said) == 0:
            QTimer.singleShot(50, look)

    QTimer.singleShot(50, look)
    return said


def left(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


def test_an_export_that_is_stopped_leaves_what_was_there(
    writing: Callable[[int], Any], tmp_path: Path, qtbot: Any
) -> None:
    dock, slow = writing(1000)
    told: list[str] = []
    dock.session.problem.connect(told.append)
    box = dock.export_box
    assert box._halt.isVisibleTo(dock)
    box._halt.click()
    qtbot.waitUntil(lambda: not box._at_work, timeout=LONG)
    assert slow.done < 900
    assert told[-1] == export_box.STOPPED
    assert left(tmp_path) == {"slide.geojson": "before"}
    assert not box._halt.isVisibleTo(dock)
    assert box._go.isEnabled()


def test_a_window_that_closes_waits_for_an_export_and_says_so(
    writing: Callable[[int], Any], tmp_path: Path
) -> None:
    dock, slow = writing(1000)
    said = when_asked(lambda _: slow.end_soon())
    dock.eventFilter(dock.window(), QCloseEvent())
    assert said == [f"Writing slide.geojson …\n{CLOSES_THEN}"]
    assert slow.done == slow.parts
    assert left(tmp_path) == {"slide.geojson": "all"}


def test_a_window_that_closes_need_not_wait_for_an_export(
    writing: Callable[[int], Any], tmp_path: Path, qtbot: Any
) -> None:
    dock, slow = writing(1000)
    said = when_asked(lambda dialog: dialog.findChild(QPushButton).click())
    dock.eventFilter(dock.window(), QCloseEvent())
    qtbot.waitUntil(lambda: not dock.export_box._at_work, timeout=LONG)
    assert said
    assert slow.done < 900
    assert left(tmp_path) == {"slide.geojson": "before"}


def test_a_program_that_closes_the_window_stops_an_export(
    writing: Callable[[int], Any], tmp_path: Path
) -> None:
    dock, slow = writing(1000)
    dock.session.viewer.close()
    assert slow.done < 900
    assert left(tmp_path) == {"slide.geojson": "before"}


def test_a_dock_that_is_taken_out_stops_its_export(
    writing: Callable[[int], Any], tmp_path: Path
) -> None:
    dock, slow = writing(1000)
    dock.shut()
    assert slow.done < 900
    assert left(tmp_path) == {"slide.geojson": "before"}
