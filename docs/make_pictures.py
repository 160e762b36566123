"""Make the pictures of the documentation from the running program.

    python docs/make_pictures.py --slide CMU-1-Small-Region.svs [--output FOLDER]

napari is opened in a real window, the dock is used as a person uses it, and the window is grabbed.
Without a display, put ``xvfb-run -a -s "-screen 0 1600x1000x24"`` in front. Slides are copied to a
temporary folder, so no results are left beside the originals.
"""

import argparse
import io
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from napari.utils.theme import get_theme
from PIL import Image
from qtpy.QtWidgets import QApplication, QPushButton, QWidget

from napari_glioma_density.density import PAPER_BANDS
from napari_glioma_density.results.pictures import write_png
from napari_glioma_density.slides import open_slide
from napari_glioma_density.synthesis import sample_slide
from napari_glioma_density.ui.camera import fly_to, layer_view, magnify
from napari_glioma_density.ui.demo import WINDOW_PX
from napari_glioma_density.ui.dock.dock import GliomaDensityDock
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.overlays.nuclei import OUTLINE_COLOUR
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.words import PLUGIN

LARGEST_BYTES = 380_000
PALETTES = (256, 192, 128, 96, 64, 48, 32)
CHOSEN_COLOUR = "#" + bytes(get_theme("dark").current.as_rgb_tuple()[:3]).hex()
TRUE_COLOURS = (*PAPER_BANDS.colours, OUTLINE_COLOUR, CHOSEN_COLOUR)
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Screen:
    """A napari window with the dock open."""

    viewer: napari.Viewer
    dock: GliomaDensityDock
    folder: Path

    @property
    def session(self) -> Session:
        """The session of the dock."""
        return self.dock.session

    def open(self, path: Path) -> Layer:
        """Open a slide as *File > Open* does, look at all of it, and return its layer."""
        (layer,) = self.viewer.open(str(path), plugin=PLUGIN)
        self.look_at_all(layer)
        return layer

    def densest(self) -> str:
        """Return the address of the first hotspot."""
        assert self.session.snapshot is not None
        return self.session.snapshot.hotspots[0].address

    def look_at_all(self, layer: Layer) -> None:
        """Zoom until the whole slide is in view."""
        self.rest(0.5)
        fly_to(self.viewer, layer_view(layer), margin=1.05)

    def press(self, name: str) -> None:
        """Press a button of the dock."""
        self.press_in(self.dock, name)

    def press_in(self, dock: QWidget, name: str) -> None:
        """Press a button of a dock."""
        buttons = dock.findChildren(QPushButton)
        next(button for button in buttons if button.text().startswith(name)).click()

    def wait_for(self, happened: Callable[[], bool]) -> None:
        """Let the window live until something has happened."""
        began = time.monotonic()
        while not happened():
            if time.monotonic() - began > PATIENCE_SECONDS:
                raise TimeoutError("the program took too long")
            QApplication.processEvents()
            time.sleep(0.01)

    def rest(self, seconds: float = 2.0) -> None:
        """Let the window live for a while, so that tiles in view are drawn."""
        until = time.monotonic() + seconds
        self.wait_for(lambda: time.monotonic() > until)

    def get_ready(self) -> None:
        """Wait until the models are listed."""
        self.wait_for(lambda: self.dock.model_box.chosen()[0] is not None)
        self.rest()

    def estimate(self, until: float = 1.0) -> None:
        """Press *Estimate density* and wait until a share of the patches is done; 1 for all."""
        done = 0.0

        def follow(progress: Any) -> None:
            nonlocal done
            done = progress.patches_done / progress.patches_total

        self.get_ready()
        self.session.estimating.progressed.connect(follow)
        self.press("Estimate density")
        self.wait_for(lambda: done >= until or self.session.estimating.phase is Phase.READY)
        self.session.estimating.progressed.disconnect(follow)

    def finish(self) -> None:
        """Wait for the end of the run."""
        self.wait_for(lambda: self.session.estimating.phase is Phase.READY)
        snapshot = self.session.snapshot
        if snapshot is None or not snapshot.totals.complete:
            raise RuntimeError("the run ended without a whole map; see the dock's message")

    def grab(self, name: str) -> None:
        """Save the window as docs/images/<name>.png."""
        QApplication.processEvents()
        shot = Image.fromarray(self.viewer.screenshot(canvas_only=False, flash=False)[..., :3])
        data = small_png(shot)
        (self.folder / f"{name}.png").write_bytes(data)
        print(f"{name}.png: {shot.width} × {shot.height} px, {len(data) / 1000:.0f} kB")


def small_png(picture: Image.Image) -> bytes:
    """Return the picture as a palette PNG, with as many colours as its size in bytes allows.

    The bands, the outlines of nuclei and what is chosen keep their true colours, though they take
    few pixels.
    """
    data = b""
    for colours in PALETTES:
        palette = picture.quantize(colours - len(TRUE_COLOURS)).getpalette() or []
        for colour in TRUE_COLOURS:
            palette += bytes.fromhex(colour.removeprefix("#"))
        chart = Image.new("P", (1, 1))
        chart.putpalette(palette)
        held = io.BytesIO()
        reduced = picture.quantize(palette=chart, dither=Image.Dither.NONE)
        reduced.save(held, "PNG", optimize=True)
        data = held.getvalue()
        if len(data) <= LARGEST_BYTES:
            break
    return data


def open_screen(folder: Path) -> Screen:
    """Open napari and the dock, as *Plugins > Glioma density* does."""
    viewer = napari.Viewer()
    viewer.window.resize(*WINDOW_PX)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, "Glioma density")
    return Screen(viewer, dock, folder)


def picture_real_slide(screen: Screen, slide: Path) -> None:
    """A real slide: opened, mid-run, finished, a cell chosen, its nuclei."""
    layer = screen.open(slide)
    screen.get_ready()
    screen.grab("slide-open")
    screen.estimate(until=0.4)
    screen.grab("mid-run")
    screen.finish()
    screen.rest()
    screen.grab("finished")
    screen.press("Next hotspot")
    screen.rest()
    screen.grab("cell-selected")
    magnify(screen.viewer, 40)
    screen.rest()
    screen.grab("nuclei")
    screen.viewer.layers.remove(layer)


def picture_refusal(screen: Screen, slide: Path) -> None:
    """A picture that does not say how large its pixels are."""
    with open_slide(slide) as opened:
        rgb = opened.read(0, 0, 0, min(opened.height, 2000), min(opened.width, 2000)).rgb
    picture = slide.with_name("no-resolution.png")
    write_png(picture, rgb)
    layer = screen.open(picture)
    screen.estimate()
    screen.rest(1)
    screen.grab("error")
    screen.viewer.layers.remove(layer)


def picture_synthetic_glioma(screen: Screen, slide: Path) -> None:
    """The made-up glioma, finished."""
    layer = screen.open(slide)
    screen.estimate()
    screen.finish()
    screen.press("Next hotspot")
    screen.look_at_all(layer)
    screen.rest()
    screen.grab("synthetic-glioma")
    screen.viewer.layers.remove(layer)


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slide", type=Path, required=True, help="CMU-1-Small-Region.svs")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        real, synthetic = (
            Path(shutil.copy(slide, folder)) for slide in (asked.slide, sample_slide())
        )
        screen = open_screen(asked.output)
        picture_real_slide(screen, real)
        picture_synthetic_glioma(screen, synthetic)
        picture_refusal(screen, real)  # last, for its message stays in the window's corner
        screen.viewer.close()


if __name__ == "__main__":
    main()
