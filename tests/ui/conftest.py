"""A small slide on disk, a quick segmenter, and a dock in a viewer."""

import gc
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from annotating import Annotator
from painted_slide import write_slide
from quick_segmenter import DarkPixels
from windows import shared_viewer

from napari_glioma_density.ui.background import Background
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
        # As napari names the docks of plugins.
        viewer.window.add_dock_widget(dock, name="Glioma density (napari-glioma-density)")
        qtbot.waitUntil(lambda: dock.model_box.chosen()[0] == "dark", timeout=60_000)
        return dock

    yield opened
    segmenter.gate.set()
    for dock in docks:
        dock.shut()


@pytest.fixture(scope="session")
def estimated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide that was estimated; to be copied with what lies beside it."""
    from napari_glioma_density.estimate import prepare
    from napari_glioma_density.slides import open_slide

    slide = write_slide(tmp_path_factory.mktemp("estimated") / "H24-00123.tiff")
    with closing(prepare(open_slide(slide), DarkPixels())) as estimation:
        for _ in estimation.blocks(estimation.scope_of(None)):
            pass
    return slide


@pytest.fixture
def estimated_slide(estimated: Path, tmp_path: Path) -> Path:
    """A slide of the test's own that was estimated."""
    return Path(shutil.copytree(estimated.parent, tmp_path / "slides")) / estimated.name


@contextmanager
def annotation_window() -> Iterator[Annotator]:
    """Open a window with both docks."""
    from napari_glioma_density.ui.annotation.dock import AnnotationDock
    from napari_glioma_density.ui.dock.dock import GliomaDensityDock

    with shared_viewer() as viewer:
        density = GliomaDensityDock(viewer, lambda *_: DarkPixels(), lambda: MODELS)
        dock = AnnotationDock(viewer, lambda *_: DarkPixels())
        for widget in (density, dock):
            viewer.window.add_dock_widget(widget, name=type(widget).__name__, tabify=widget is dock)
        viewer.window.resize(1200, 700)
        made = Annotator(density, dock)
        made.wait(lambda: density.model_box.chosen()[0] == "dark")
        window = viewer.window._qt_window
        with patch.object(window, "_save_current_window_settings"):
            yield made
            if not made.closed:
                made.close_window()


@pytest.fixture(scope="module")
def annotator(qapp: Any) -> Iterator[Annotator]:
    """A person before a window with both docks, which the tests of a module share."""
    with annotation_window() as made:
        yield made


@pytest.fixture
def another(annotator: Annotator) -> Iterator[Annotator]:
    """Someone else, at a window of their own."""
    with annotation_window() as made:
        yield made


@pytest.fixture
def at_work(annotator: Annotator, estimated_slide: Path) -> Iterator[Annotator]:
    """A person before a slide of the test's own."""
    annotator.leave()
    yield annotator.open(estimated_slide)
    annotator.leave()


@pytest.fixture(scope="module")
def shared_slide(estimated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A slide that the tests of a module share."""
    folder = tmp_path_factory.mktemp("shared") / "slides"
    return Path(shutil.copytree(estimated.parent, folder)) / estimated.name


@pytest.fixture
def at_desk(annotator: Annotator, shared_slide: Path) -> Iterator[Annotator]:
    """A person before the shared slide, with no field of it annotated: opened once, so quicker."""
    if annotator.session.slides.slide is None:
        annotator.open(shared_slide)
    yield annotator
    annotator.clear_desk()


@pytest.fixture
def add_slide() -> Callable[[Any, Path], Any]:
    """Add one more slide to a viewer, as its reader would."""
    from napari_glioma_density.ui.reader import read_slide

    return lambda viewer, path: viewer.add_layer(_layer(read_slide(str(path))[0]))


def _layer(data: Any) -> Any:
    from napari.layers import Layer

    return Layer.create(*data)


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
def background(problems: list[str]) -> Iterator[Background]:
    made = Background(problems.append)
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def old_garbage() -> Iterator[None]:
    """Let go at the end of a module of what `quick_collections` has passed over."""
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def quick_collections(old_garbage: None) -> None:
    """Collect garbage before a test, so that collecting within it looks at its own objects alone.

    napari collects with every layer removed, and all that was imported takes a third of a second.
    """
    gc.collect()
    gc.freeze()
