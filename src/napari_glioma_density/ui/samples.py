"""Sample slides of napari's *Open Sample* menu."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from napari.types import LayerData
from napari.utils.notifications import show_info
from qtpy.QtCore import QEventLoop, QTimer
from qtpy.QtWidgets import QApplication

from napari_glioma_density.synthesis import fetch_cmu_small_region, sample_slide
from napari_glioma_density.ui.reader import read_slide

LOOK_MS = 100


def synthetic_glioma() -> list[LayerData]:
    """Open the made-up glioma slide, which is drawn the first time."""
    show_info("Opening the synthetic slide …")
    return read_slide(str(make_meanwhile(sample_slide)))


def cmu_small_region() -> list[LayerData]:
    """Open OpenSlide's CMU-1-Small-Region.svs, downloaded the first time."""
    show_info("Fetching CMU-1 Small Region …")
    return read_slide(str(make_meanwhile(fetch_cmu_small_region)))


def make_meanwhile(make: Callable[[], Path]) -> Path:
    """Make a slide in another thread while the window, if there is one, goes on living.

    napari wants the layers as the sample's return value, so this waits in an event loop.
    """
    if QApplication.instance() is None:
        return make()
    waiting, look = QEventLoop(), QTimer()
    with ThreadPoolExecutor(1, "glioma-density-sample") as elsewhere:
        slide = elsewhere.submit(make)
        look.timeout.connect(lambda: slide.done() and waiting.quit())
        look.start(LOOK_MS)
        waiting.exec()
        return slide.result()
