"""A small slide on disk, a quick segmenter, and a dock in a viewer."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from painted_slide import write_slide
from quick_segmenter import DarkPixels

from napari_glioma_density.ui.models import ModelChoice

MODELS = (ModelChoice("dark", "Dark px", "works at 0.5 µm/px"),)


@pytest.fixture
def slide_path(tmp_path: Path) -> Path:
    return write_slide(tmp_path / "H24-00123.tiff")


@pytest.fixture
def segmenter() -> Iterator[DarkPixels]:
    dark = DarkPixels()
    yield dark
    dark.gate.set()


@pytest.fixture
def open_dock(
    make_napari_viewer: Callable[..., Any], segmenter: DarkPixels, qtbot: Any
) -> Iterator[Callable[..., Any]]:
    """Open slides in a viewer with the dock; every dock is shut at the end."""
    from napari_glioma_density.ui.dock.dock import GliomaDensityDock
    from napari_glioma_density.ui.reader import read_slide

    docks: list[Any] = []

    def opened(*paths: Path, show: bool = False) -> Any:
        viewer = make_napari_viewer(show=show)
        for path in paths:
            viewer.add_layer(_layer(read_slide(str(path))[0]))
        dock = GliomaDensityDock(viewer, lambda *_: segmenter, lambda: MODELS)
        docks.append(dock)
        viewer.window.add_dock_widget(dock, name="Glioma density")
        qtbot.waitUntil(lambda: dock.model_box.chosen()[0] == "dark", timeout=60_000)
        return dock

    yield opened
    segmenter.gate.set()
    for dock in docks:
        dock.shut()


@pytest.fixture
def add_slide() -> Callable[[Any, Path], Any]:
    """Add one more slide to a viewer, as its reader would."""
    from napari_glioma_density.ui.reader import read_slide

    return lambda viewer, path: viewer.add_layer(_layer(read_slide(str(path))[0]))


def _layer(data: Any) -> Any:
    from napari.layers import Layer

    return Layer.create(*data)
