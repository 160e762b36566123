"""How fast the annotation window is on a slide with a million nuclei, driven by Qt's own events.

    python benchmarks/annotation.py FOLDER [-o FILE] [--edits 120] [--profile]

Makes the slide in FOLDER when it is not there yet, opens it in a real napari window of 1600 × 1000
px (put ``xvfb-run -a -s "-screen 0 1600x1000x24"`` in front where there is no display), and prints
a Markdown table; ``-o`` keeps the same as JSON. What is timed:

edit → number     from just before the edit of the field's document, or the key that makes it, until
                  `Session.measured` has been sent, the docks' own slots last, with a snapshot that
                  holds what the field measures now. In a field of 4 × 4 patches and in one patch.
brush stroke      from just before a move of the mouse, its button down, is handed to the canvas
                  until Qt has shown the next frame of the window (`frameSwapped`).
stroke's end      the same for the button's release: the stroke is recorded, the field remeasured.
opening           from the command to the first frame with the field's layers, and to its hints.
threshold moved   from the slider's move to the first frame with the hints found anew.
keys              from the key's press to the next frame shown.

Times hold whatever else the machine does: the load average stands beside them.
"""

import argparse
import cProfile
import json
import os
import platform
import pstats
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from annotation_window import NONE, Window
from million_nuclei import made_slide
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtTest import QTest

from napari_glioma_density.annotation.field import Origin
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.ui.camera import magnify

LEFT = Qt.MouseButton.LeftButton
AIMS_MS = {"edit → number": 300, "brush stroke": 100}
Times = dict[str, list[float]]


# --- what is timed ------------------------------------------------------------------------------


def kinds_of_edits(window: Window, luck: random.Random) -> dict[str, Callable[[], object]]:
    """Return edits of several kinds, each to be called again and again."""
    document = window.field.document

    def add() -> None:
        y, x = (luck.randrange(30, side - 30) for side in document.labels.shape)
        mask = np.zeros(document.labels.shape, bool)
        mask[y : y + 9, x : x + 9] = True
        document.add(mask, Origin.HAND)

    def key(one: Any, modifier: Any = NONE) -> Callable[[], None]:
        return lambda: QTest.keyClick(window.canvas, one, modifier)

    kinds: dict[str, Callable[[], object]] = {
        "delete": lambda: document.delete(luck.choice(list(document.nuclei))),
        "accept hint (K)": key(Qt.Key.Key_K),
        "undo (U)": key(Qt.Key.Key_U),
        "redo (Shift-U)": key(Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier),
        "add": add,
    }
    if len(document.nuclei) > 300:
        kinds["delete a hundred"] = lambda: document.delete_many(list(document.nuclei)[:100])
        kinds["undo of a hundred"] = document.undo
    return kinds


def edits_to_numbers(window: Window, number: int) -> Times:
    """Make edits of every kind in turn; return the times by kind."""
    document, luck = window.field.document, random.Random(0)
    window.viewer.layers.selection.active = window.session.slides.current
    kinds = kinds_of_edits(window, luck)
    times: Times = {}
    for turn in range(-(-number // len(kinds)) + 1):
        for kind, act in kinds.items():
            window.rest(luck.uniform(0.02, 0.15))
            window.settle()
            if kind.startswith("accept"):
                window.annotation.actions.next_hint()
            revision = document.revision

            def met(revision: int = revision) -> bool:
                return document.revision > revision and window.counted()

            took = window.time_to(window.session.measured, act, met)
            if turn:  # the first loads what is loaded late
                times.setdefault(kind, []).append(took)
    return times


def strokes(window: Window, number: int) -> Times:
    """Draw strokes of 30 moves about the middle of the view; return times of moves and ends."""
    layer, luck = window.field.layers.annotation, random.Random(1)
    window.viewer.layers.selection.active = layer
    layer.mode = "paint"
    times: Times = {"brush stroke": [], "stroke's end": []}
    for _ in range(number):
        height, width = window.viewer.canvas.size
        y, x = round(luck.uniform(0.3, 0.7) * height), round(luck.uniform(0.3, 0.6) * width)
        bend = [(round(18 * np.sin(turn / 3)), 4 * turn) for turn in range(31)]
        places = [QPoint(x + across, y + down) for down, across in bend]
        window.mouse(QEvent.Type.MouseMove, places[0])
        window.rest(0.1)
        window.mouse(QEvent.Type.MouseButtonPress, places[0], LEFT, LEFT)
        window.rest(0.05)
        times["brush stroke"] += [
            window.time_to_frame(partial(window.mouse, QEvent.Type.MouseMove, place, held=LEFT))
            for place in places[1:]
        ]
        release = partial(window.mouse, QEvent.Type.MouseButtonRelease, places[-1], LEFT)
        times["stroke's end"].append(window.time_to_frame(release))
        window.rest(0.3)
        window.settle()
    layer.mode = "pan_zoom"
    return times


def moved_thresholds(window: Window, number: int) -> list[float]:
    """Move the line of the histogram; return the times until other hints are shown."""
    slider, desk, times = window.dock.hint_box.slider, window.field.desk, []
    for turn in range(number):
        threshold = 0.35 + 0.04 * (turn % 8)

        def found(before: Any = desk.found) -> bool:
            return desk.found is not before and not desk.is_searching

        begun = time.perf_counter()
        slider.moved.emit(threshold)
        window.until(found)
        window.time_to_frame(window.canvas.update)
        times.append((time.perf_counter() - begun) * 1e3)
        window.rest(0.2)
    return times


def keys(window: Window, number: int) -> Times:
    """Press the keys of a walk over hints; return the times to the next frame."""
    window.viewer.layers.selection.active = window.session.slides.current
    pressed = {"J next hint": Qt.Key.Key_J, "K accept": Qt.Key.Key_K, "U undo": Qt.Key.Key_U}
    times: Times = {name: [] for name in pressed}
    for _ in range(number):
        for name, key in pressed.items():
            window.settle()
            window.rest(0.05)
            times[name].append(window.time_to_frame(partial(QTest.keyClick, window.canvas, key)))
    return times


# --- the report ---------------------------------------------------------------------------------


@contextmanager
def profiled(name: str, wanted: bool) -> Iterator[None]:
    """Print where the window's thread spends its time."""
    profile = cProfile.Profile()
    if wanted:
        profile.enable()
    yield
    if wanted:
        profile.disable()
        print(f"--- {name}", file=sys.stderr)
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumtime").print_stats(45)


def figures(what: str, times: list[float]) -> dict[str, Any]:
    """Sum up times in ms."""
    median, p95 = np.percentile(times, (50, 95))
    load = os.getloadavg()[0]
    return {
        "what": what,
        "number": len(times),
        "median_ms": round(float(median), 1),
        "p95_ms": round(float(p95), 1),
        "most_ms": round(max(times), 1),
        "load": round(load, 1),
    }


def measure(window: Window, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time everything, and say so as it goes on."""
    rows: list[dict[str, Any]] = []

    def note(what: str, times: list[float]) -> None:
        rows.append(figures(what, times))
        print(rows[-1], file=sys.stderr)

    for side, at in ((1, 2), (4, 20)):
        name = f"{side} × {side} patches"
        opened = []
        with profiled(f"opening, {name}", options.profile):
            for turn in range(3):
                opened.append(window.open(at, 8 * turn + 2, side))
                window.rest(0.5)
        note(f"opening, {name}: shown", [one[0] for one in opened])
        note(f"opening, {name}: hints", [one[1] for one in opened])
        with profiled(f"edits, {name}", options.profile):
            times = edits_to_numbers(window, options.edits)
        note(f"edit → number, {name}", [one for kind in times.values() for one in kind])
        for kind, each in times.items():
            note(f"edit → number, {name}: {kind}", each)
        with profiled(f"threshold, {name}", options.profile):
            note(f"threshold moved, {name}", moved_thresholds(window, 15))
        for key, each in keys(window, 15).items():
            note(f"key {key}, {name}", each)
    for view in ("all of the field", "20×"):
        if view == "20×":
            magnify(window.viewer, 20)
        window.rest(1)
        with profiled(f"strokes, {view}", options.profile):
            for what, each in strokes(window, 12).items():
                note(f"{what}, 4 × 4 patches, {view} in view", each)
    return rows


def markdown(report: dict[str, Any]) -> str:
    """Return the report as a table."""
    lines = [
        f"{report['nuclei']:,} nuclei, {report['canvas']} px canvas, {report['machine']}",
        "",
        "| what | number | median ms | p95 ms | most ms | load average |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['what']} | {row['number']} | {row['median_ms']} | {row['p95_ms']} "
        f"| {row['most_ms']} | {row['load']} |"
        for row in report["rows"]
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the slide is, or is made")
    parser.add_argument("-o", "--output", type=Path, help="JSON file")
    parser.add_argument("--edits", type=int, default=120, help="edits to time")
    parser.add_argument("--profile", action="store_true", help="say where time is spent")
    options = parser.parse_args()
    slide, nuclei = made_slide(options.folder)
    shutil.rmtree(f"{slide}.glioma.zarr/corrections", ignore_errors=True)
    window = Window(slide)
    report = {
        "nuclei": nuclei,
        "canvas": "{1} × {0}".format(*window.viewer.canvas.size),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "patch_px": PATCH_PX,
        "aims_p95_ms": AIMS_MS,
        "rows": measure(window, options),
    }
    window.viewer.close()
    if options.output:
        options.output.write_text(json.dumps(report, indent=2, ensure_ascii=False), "utf-8")
    print(markdown(report))


if __name__ == "__main__":
    main()
