"""The main job on a made-up slide, for those who want to see it: ``make demo``.

Opens napari with the synthetic slide and the dock, and presses *Estimate density*. The window
stays for whoever sits before it; asked for a screenshot, it is closed when the run has ended.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import napari
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_glioma_density.errors import BadInput
from napari_glioma_density.synthesis import sample_slide
from napari_glioma_density.ui import words
from napari_glioma_density.ui.dock.dock import GliomaDensityDock
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.samples import make_meanwhile

SIGN = "GLIOMA_DENSITY_DEMO"
"""Environment variable; ``screenshot`` says that nobody sits before the screen."""
SCREENSHOT = Path("demo/glioma-density.png")
WINDOW_PX = (1600, 1000)
LOOK_MS = 250
AT_MOST_SECONDS = 15 * 60
DRAWING_SECONDS = 4
"""For the overlays to be drawn once the figures are there."""


class Demo:
    """Presses the button once there is a model, and takes the picture once there is a result."""

    def __init__(self, viewer: Any, dock: GliomaDensityDock, screenshot: Path | None) -> None:
        self._viewer = viewer
        self._dock = dock
        self._screenshot = screenshot
        self._due = time.monotonic() + AT_MOST_SECONDS
        self._pressed = False
        self._ended: float | None = None
        self._problem = ""
        self.failure: str | None = None
        self.figure = ""
        dock.session.problem.connect(self._note)
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(LOOK_MS)

    def _note(self, problem: str) -> None:
        self._problem = problem

    def _look(self) -> None:
        if not self._pressed:
            self._pressed = self._dock.scope_box.press()
        elif self._screenshot is None:
            self._timer.stop()
        elif self._dock.session.estimating.phase is Phase.READY:
            self._finish(self._screenshot)
        if self._screenshot is not None and time.monotonic() > self._due:
            self._leave(f"not finished after {AT_MOST_SECONDS // 60} minutes")

    def _finish(self, screenshot: Path) -> None:
        snapshot = self._dock.session.snapshot
        if snapshot is None or not snapshot.totals.complete:
            self._leave(self._problem or "the run ended without a result")
            return
        self._ended = self._ended or time.monotonic()
        if time.monotonic() - self._ended >= DRAWING_SECONDS:
            self.figure = words.percent(snapshot.totals.tissue_density_percent)
            self._leave(_picture(self._viewer, screenshot))

    def _leave(self, failure: str | None) -> None:
        self._timer.stop()
        self.failure = failure
        self._viewer.close()
        QApplication.quit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 0, or 1 after one line on stderr that says what went wrong."""
    screenshot = _options(arguments).screenshot
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            demo = _open(Path(folder), screenshot)
            napari.run()
    except BadInput as error:
        return _fail(str(error))
    if demo.failure is not None:
        return _fail(demo.failure)
    if screenshot is not None:
        sys.stdout.write(f"{screenshot}: {demo.figure} ({words.MEASURE})\n")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {__spec__.name}", description=__doc__)
    parser.add_argument(
        "--screenshot",
        type=Path,
        nargs="?",
        const=SCREENSHOT,
        default=SCREENSHOT if os.environ.get(SIGN) == "screenshot" else None,
        metavar="PATH",
        help=f"take a picture of the finished map ({SCREENSHOT}) and close",
    )
    return parser.parse_args(arguments)


def _open(folder: Path, screenshot: Path | None) -> Demo:
    """Open window, dock and slide; results go to `folder`, so that every demo sees them come."""
    viewer = napari.Viewer(title="Glioma density")
    viewer.window.resize(*WINDOW_PX)
    _, dock = viewer.window.add_plugin_dock_widget(words.PLUGIN, "Glioma density")
    viewer.open(shutil.copy(make_meanwhile(sample_slide), folder), plugin=words.PLUGIN)
    return Demo(viewer, dock, screenshot)


def _picture(viewer: Any, path: Path) -> str | None:
    """Write a picture of the whole window; return what was in the way, if anything."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        viewer.screenshot(path, canvas_only=False, flash=False)
    except OSError as error:
        return f"{path}: cannot be written ({error.strerror or error}); name another file"
    return None


def _fail(problem: str) -> int:
    sys.stderr.write(f"demo: {problem}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
