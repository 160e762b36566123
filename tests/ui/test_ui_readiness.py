"""What is got ready while the window is at rest, and what the estimate then takes over."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from painted_slide import write_glow, write_slide
from quick_segmenter import DarkPixels

from napari_glioma_density import estimate as estimate_room
from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.stain import NotBrightfield
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.readiness import Asked, Readiness
from napari_glioma_density.ui.region import Scope

LONG = 60_000
GRID = {"grid", "cell names", "chosen cell"}


@pytest.fixture
def loads() -> list[str]:
    return []


@pytest.fixture
def readiness(loads: list[str]) -> Readiness:
    def load(model: str, device: str) -> DarkPixels:
        loads.append(model)
        return DarkPixels()

    return Readiness(load)


@pytest.fixture
def slide(slide_path: Path) -> Slide:
    return open_slide(slide_path)


def test_the_same_is_got_once(readiness: Readiness, loads: list[str], slide: Slide) -> None:
    first = readiness.get(Asked(slide, "dark", "cpu"))
    assert readiness.get(Asked(slide, "dark", "cpu")) is first
    assert readiness.get(Asked(slide, "darker", "cpu")) is not first
    assert loads == ["dark", "darker"]


def test_the_same_file_opened_anew_is_looked_over_anew(
    readiness: Readiness, slide: Slide, slide_path: Path
) -> None:
    first = readiness.get(Asked(slide, "dark", "cpu"))
    assert readiness.get(Asked(open_slide(slide_path), "dark", "cpu")) is not first


def test_what_is_forgotten_is_got_again(
    readiness: Readiness, loads: list[str], slide: Slide
) -> None:
    readiness.get(Asked(slide, "dark", "cpu"))
    readiness.forget()
    readiness.get(Asked(slide, "dark", "cpu"))
    assert loads == ["dark", "dark"]


def test_to_forget_waits_for_nobody(slide: Slide) -> None:
    begun, go_on = threading.Event(), threading.Event()
    loads: list[str] = []

    def load(model: str, device: str) -> DarkPixels:
        loads.append(model)
        begun.set()
        assert go_on.wait(LONG)
        return DarkPixels()

    readiness, asked = Readiness(load), Asked(slide, "dark", "cpu")
    with ThreadPoolExecutor(1) as threads:
        getting = threads.submit(readiness.get, asked)
        assert begun.wait(LONG)
        readiness.forget()
        assert not getting.done()
        go_on.set()
        getting.result()
    readiness.get(asked)
    assert loads == ["dark", "dark"], "what was begun before is not what is asked for"


def test_nobody_waits_for_a_rehearsal(slide: Slide, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()
    rehearsed: list[object] = []
    monkeypatch.setattr(estimate_room, "rehearse_first_block", rehearsed.append)

    def load(model: str, device: str) -> DarkPixels:
        begun.set()
        assert go_on.wait(LONG)
        return DarkPixels()

    readiness, asked = Readiness(load), Asked(slide, "dark", "cpu")
    with ThreadPoolExecutor(2) as threads:
        ahead = threads.submit(readiness.get, asked, ahead=True)
        assert begun.wait(LONG)
        awaited = threads.submit(readiness.get, asked)
        while not readiness._is_awaited.is_set():
            time.sleep(0.001)
        go_on.set()
        assert ahead.result() is awaited.result()
    assert not rehearsed
    readiness.forget()
    readiness.get(asked, ahead=True)
    assert len(rehearsed) == 1


def test_a_refusal_is_told_every_time(readiness: Readiness, tmp_path: Path) -> None:
    glow = open_slide(write_glow(tmp_path / "glow.tiff"))
    for _ in range(2):
        with pytest.raises(NotBrightfield):
            readiness.get(Asked(glow, "dark", "cpu"))


@pytest.fixture
def at_rest(open_dock: Callable[..., Any], slide_path: Path, qtbot: Any) -> Any:
    dock = open_dock(slide_path)
    qtbot.waitUntil(lambda: set(layers(dock)) >= {"density", "nuclei"} | GRID, timeout=LONG)
    return dock


def layers(dock: Any) -> dict[str, Any]:
    return {layer.name: layer for layer in dock.session.viewer.layers}


def estimate(dock: Any, qtbot: Any) -> None:
    dock.session.estimating.begin("dark", "auto", Scope.SLIDE)
    qtbot.waitUntil(lambda: dock.session.estimating.phase is Phase.READY, timeout=LONG)


@pytest.mark.window
def test_overlays_lie_in_place_and_show_nothing(at_rest: Any) -> None:
    found = layers(at_rest)
    assert at_rest.session.shown is None
    assert not found["density"].data.any()
    assert not any(found[name].opacity for name in GRID)


@pytest.mark.window
def test_every_letter_of_the_names_is_drawn_ahead_unseen(at_rest: Any, qtbot: Any) -> None:
    names = layers(at_rest)["cell names"]
    every = set("".join(names.features["cell"]))
    qtbot.waitUntil(
        lambda: set("".join(names.features["cell"][names.shown])) == every, timeout=LONG
    )
    assert not names.shown.all()
    assert not names.opacity
    estimate(at_rest, qtbot)
    qtbot.waitUntil(lambda: names.shown.all() and names.opacity == 1, timeout=LONG)


@pytest.mark.window
def test_the_estimate_takes_the_overlays_over(at_rest: Any, qtbot: Any) -> None:
    before = layers(at_rest)
    estimate(at_rest, qtbot)
    qtbot.waitUntil(lambda: all(layers(at_rest)[name].opacity for name in GRID), timeout=LONG)
    assert layers(at_rest) == before
    assert before["density"].data.any()


@pytest.mark.window
def test_names_that_were_switched_off_stay_off(at_rest: Any, qtbot: Any) -> None:
    at_rest.session.overlays.set_names_shown(False)
    estimate(at_rest, qtbot)
    qtbot.waitUntil(lambda: layers(at_rest)["chosen cell"].opacity, timeout=LONG)
    assert layers(at_rest)["grid"].opacity
    assert not layers(at_rest)["cell names"].visible


@pytest.mark.window
def test_an_overlay_deleted_meanwhile_comes_back_with_the_estimate(
    at_rest: Any, qtbot: Any
) -> None:
    deleted = layers(at_rest)["nuclei"]
    at_rest.session.viewer.layers.remove(deleted)
    estimate(at_rest, qtbot)
    qtbot.waitUntil(lambda: "nuclei" in layers(at_rest), timeout=LONG)
    assert layers(at_rest)["nuclei"] is not deleted
    assert sum(layer.name == "density" for layer in at_rest.session.viewer.layers) == 1


@pytest.mark.window
def test_another_slide_gets_overlays_of_its_own(
    at_rest: Any, add_slide: Callable[[Any, Path], Any], tmp_path: Path, qtbot: Any
) -> None:
    before = layers(at_rest)["density"]
    add_slide(at_rest.session.viewer, write_slide(tmp_path / "other.tiff", 960, 960))
    qtbot.waitUntil(lambda: layers(at_rest).get("density", before) is not before, timeout=LONG)
    assert layers(at_rest)["density"].data.shape != before.data.shape


@pytest.mark.window
def test_devices_that_are_tried_hold_up_nothing_else(
    open_dock: Callable[..., Any],
    add_slide: Callable[[Any, Path], Any],
    estimated_slide: Path,
    segmenter: DarkPixels,
    tmp_path: Path,
    qtbot: Any,
) -> None:
    dock, loaded, gate = open_dock(), [], threading.Event()

    def load(_model: str, device: str) -> DarkPixels:
        loaded.append(device)
        gate.wait(60)
        return segmenter

    dock.session.readiness.load = load
    add_slide(dock.session.viewer, write_slide(tmp_path / "other.tiff", 960, 960))
    qtbot.waitUntil(lambda: bool(loaded), timeout=LONG)
    for device in ("cpu", "cuda", "mps"):
        dock.model_box._device.value = device
    try:
        add_slide(dock.session.viewer, estimated_slide)
        qtbot.waitUntil(lambda: dock.session.shown is not None, timeout=20_000)
    finally:
        gate.set()
    qtbot.wait(500)
    assert loaded == ["auto"]


@pytest.mark.window
def test_the_device_chosen_last_is_got_ready(
    open_dock: Callable[..., Any], slide_path: Path, segmenter: DarkPixels, qtbot: Any
) -> None:
    dock, loaded, gate = open_dock(), [], threading.Event()

    def load(_model: str, device: str) -> DarkPixels:
        loaded.append(device)
        gate.wait(60)
        return segmenter

    dock.session.readiness.load = load
    dock.session.viewer.open(str(slide_path), plugin="napari-glioma-density")
    qtbot.waitUntil(lambda: bool(loaded), timeout=LONG)
    for device in ("cpu", "mps", "cuda"):
        dock.model_box._device.value = device
    gate.set()
    qtbot.waitUntil(lambda: "density" in layers(dock) and len(loaded) == 2, timeout=LONG)
    assert loaded == ["auto", "cuda"]
