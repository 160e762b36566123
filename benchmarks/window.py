"""How soon nuclei are on the screen and how smoothly it moves, in a real napari window.

    python benchmarks/window.py FOLDER [--slide SLIDE] [--times 5] [-o FILE]

A window of 1600 × 1000 px is opened (put ``xvfb-run -a -s "-screen 0 1600x1000x24"`` in front where
there is no display). What is timed:

first overlay     from the click on *Estimate density* to the first frame that Qt shows
                  (`frameSwapped`) with a coloured tile or an outlined nucleus in it; each time in a
                  program of its own, on a slide without results, once all is ready for the click.
clicked at once   the same for whoever clicks as soon as a model can be chosen.
pan and zoom      from a move of the camera to the next frame shown, while nothing runs and while
                  the whole slide is estimated (a made-up one in FOLDER, at 20×).
blocks meanwhile  how many were finished in that time, and how long it was.
arrival           while the whole slide is estimated, from a flight to a place not yet done to the
                  first frame with a coloured tile there.
our calls         how long the session's own work holds the window's thread: a tick of its timer,
                  the click, and what follows when the view has settled.
stop              from *Stop* until the thread has ended, beside the time a block takes.

Prints one JSON object: milliseconds, median and 95th percentile; `-o` keeps it too. Times hold
whatever else the machine does: the load average stands beside them.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.layers import Layer
from window_clock import WindowClock

from napari_glioma_density.density import PATCH_PX, PatchState, PatchTable
from napari_glioma_density.synthesis import synthesize
from napari_glioma_density.ui.camera import View, fly_to
from napari_glioma_density.ui.dock.dock import GliomaDensityDock
from napari_glioma_density.ui.estimating import Estimating, Phase
from napari_glioma_density.ui.reader import read_slide
from napari_glioma_density.ui.region import Scope
from napari_glioma_density.ui.session import Session

WINDOW_PX = (1600, 1000)
MOVES = 80
ARRIVALS = 6
PAUSE_S = 0.06
"""Between two moves of the camera: a hand is no faster."""


class Window(WindowClock):
    """The window with the dock and a slide, and a clock."""

    def __init__(self, slide: Path, *, rests: bool = True) -> None:
        self.calls: dict[str, list[float]] = {}
        self._time_calls(Session, "tick")
        self._time_calls(Estimating, "begin", "_look")
        self.viewer = napari.Viewer(show=True)
        self.dock = GliomaDensityDock(self.viewer)
        self.session = self.dock.session
        self.viewer.window.add_dock_widget(self.dock, name="Glioma density")
        self.viewer.window.resize(*WINDOW_PX)
        self.canvas = self.viewer.window._qt_viewer.canvas.native
        self.viewer.add_layer(Layer.create(*read_slide(str(slide))[0]))
        self.until(lambda: self.dock.model_box.chosen()[0] is not None)
        if rests:
            self.until(self._is_at_rest)
            self.rest(1)

    def _is_at_rest(self) -> bool:
        """Whether model, slide and overlays are ready for a click."""
        overlays = self.session.overlays
        if overlays._expected is None or overlays._waiting:
            return False
        return overlays._grid is not None and not overlays._grid._names._rehearsed

    def _time_calls(self, of: type, *names: str) -> None:
        for name in names:
            setattr(of, name, self._timed(name, getattr(of, name)))

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def timed(*arguments: Any) -> Any:
            begun = time.perf_counter()
            try:
                return call(*arguments)
            finally:
                self.calls.setdefault(name, []).append((time.perf_counter() - begun) * 1e3)

        return timed

    def time_to_frame(self, act: Callable[[], object], met: Callable[[], bool]) -> float:
        """Return the ms from before `act` to the first frame shown while `met`."""
        came: list[float] = []

        def check() -> None:
            if not came and met():
                came.append(time.perf_counter())

        self.canvas.frameSwapped.connect(check)
        begun = time.perf_counter()
        act()
        self.until(lambda: came)
        self.canvas.frameSwapped.disconnect(check)
        return (came[0] - begun) * 1e3

    def overlay_shown(self) -> bool:
        """Whether a tile is coloured or a nucleus outlined on the canvas."""
        overlays, layers = self.session.overlays, self.viewer.layers
        density, nuclei = overlays._density, overlays._nuclei
        if density is not None and density.layer in layers and np.any(density.layer.data):
            return True
        return nuclei is not None and nuclei.layer in layers and _any_outline(nuclei.layer)

    def moves(self, while_: Callable[[], bool] = lambda: True) -> list[float]:
        """Pan and zoom about the slide; return the ms to each next frame."""
        camera = self.viewer.scene.camera
        (top, left), (bottom, right) = self.viewer.layers[0].extent.world[:, -2:]
        luck, times = np.random.default_rng(1), []
        for number in range(MOVES):
            if not while_():
                break
            if number % 10 == 0:
                y, x = luck.uniform(0.2, 0.8, 2) * (bottom - top, right - left)
                fly_to(self.viewer, View(y, x, 300.0, 300.0))
                self.rest(0.3)
            acted = [False]

            def act(number: int = number, acted: list[bool] = acted) -> None:
                if number % 10 == 9:
                    camera.zoom *= 0.8
                else:
                    y, x = camera.center[-2:]
                    camera.center = (y + 6.0, x + 15.0)
                acted[0] = True

            times.append(self.time_to_frame(act, partial(all, acted)))
            self.rest(PAUSE_S)
        return times

    def patches(self) -> PatchTable:
        """Patches as they are shown now."""
        assert self.session.snapshot is not None
        return self.session.snapshot.patches

    def arrivals(self) -> list[float]:
        """Fly to places that are not done; return the ms to the first colour at each."""
        luck, times = np.random.default_rng(2), []
        for _ in range(ARRIVALS):
            patches = self.patches()
            place = tuple(luck.choice(np.argwhere(patches.state == PatchState.PENDING)))
            patch_um = PATCH_PX * patches.lattice.um_per_px
            y, x = (np.array(place) - 0.5) * patch_um
            view = View(y, x, 2 * patch_um, 2 * patch_um)
            times.append(
                self.time_to_frame(
                    partial(fly_to, self.viewer, view), partial(self._is_coloured, place)
                )
            )
        return times

    def _is_coloured(self, place: tuple[int, int]) -> bool:
        density = self.session.overlays._density
        return bool(density is not None and density._tiles_by_patch()[place].any())


def _any_outline(layer: Any) -> bool:
    return any(np.any(view.raw) for view in [layer._slice.image] if view is not None)


def first_overlay(slide: Path, *, rests: bool) -> dict[str, float]:
    """Click once, in this program; return the ms to the first overlay, and of our longest call."""
    with tempfile.TemporaryDirectory() as folder:
        window = Window(Path(shutil.copy(slide, folder)), rests=rests)
        window.calls.clear()
        shown = window.time_to_frame(window.dock.scope_box._estimate.click, window.overlay_shown)
        window.until(lambda: window.session.estimating.phase is Phase.READY)
        found = {"first overlay": shown, **{k: max(v) for k, v in window.calls.items()}}
        window.viewer.close()
    return found


def moving(slide: Path) -> dict[str, Any]:
    """Pan and zoom idle and running, then stop."""
    shutil.rmtree(slide.with_name(f"{slide.name}.glioma.zarr"), ignore_errors=True)
    window = Window(slide)
    window.moves()
    idle = window.moves()
    window.calls.clear()
    session = window.session
    model, device = window.dock.model_box.chosen()
    assert model is not None
    session.estimating.begin(model, device, Scope.SLIDE)
    window.until(lambda: session.snapshot is not None and session.snapshot.totals.patches > 4)
    window.until(lambda: not session.overlays._waiting)
    before, begun = window.patches().totals().patches, time.monotonic()
    running = window.moves(lambda: session.estimating.phase is Phase.RUNNING)
    blocks = (window.patches().totals().patches - before) / 4
    seconds = time.monotonic() - begun
    arrivals = window.arrivals()
    window.rest(3)
    stopped = _stop(window)
    calls = {name: figures(times) for name, times in window.calls.items()}
    window.viewer.close()
    return {
        "idle": figures(idle),
        "running": figures(running),
        "running ÷ idle, 95th percentile": _p95(running) / _p95(idle),
        "our calls": calls,
        "our calls over 50 ms": sum(t > 50 for times in window.calls.values() for t in times),
        "blocks meanwhile": {"blocks": blocks, "seconds": seconds},
        "arrival": figures(arrivals),
        "stop": stopped,
    }


def _stop(window: Window) -> float:
    job, begun = window.session.estimating._job, time.perf_counter()
    window.session.estimating.stop()
    window.until(lambda: job is None or not job.alive)
    return (time.perf_counter() - begun) * 1e3


def _p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def figures(times: list[float]) -> dict[str, float]:
    """Median, 95th percentile and largest of times, and how many there are."""
    middle = statistics.median(times)
    return {"median": middle, "p95": _p95(times), "most": max(times), "n": len(times)}


def _elsewhere(slide: Path, *more: str) -> dict[str, float]:
    told = subprocess.run(
        [sys.executable, __file__, "--once", str(slide), *more, "."],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slide", type=Path, help="for the first overlay; the made-up one without")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--at-once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    if asked.once:
        print(json.dumps(first_overlay(asked.once, rests=not asked.at_once)), flush=True)
        os._exit(0)  # napari's own threads may outlive the window
    asked.folder.mkdir(parents=True, exist_ok=True)
    made = asked.folder / "9600x7680.tiff"
    if not made.exists():
        synthesize(made, 9600, 7680, 0.5, seed=1, tissue_fraction=0.8)
    load = os.getloadavg()[0]
    once = [_elsewhere(asked.slide or made) for _ in range(asked.times)]
    hasty = [_elsewhere(asked.slide or made, "--at-once") for _ in range(asked.times)]
    report = {
        "first overlay": {name: figures([each[name] for each in once]) for name in once[0]},
        "clicked at once": figures([each["first overlay"] for each in hasty]),
        **moving(made),
        "load average before": load,
        "load average after": os.getloadavg()[0],
    }
    text = json.dumps(_rounded(report), ensure_ascii=False, indent=1)
    if asked.output:
        asked.output.write_text(text, encoding="utf-8")
    print(text)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return round(value, 2) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
