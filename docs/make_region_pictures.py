"""Make the pictures of regions, hotspots and the quality check from the running program.

    python docs/make_region_pictures.py [--slide traps.tiff] [--output FOLDER]

As ``make_pictures.py`` does, on a slide full of traps. Without ``--slide`` it is drawn first, with
the size and seed of ``benchmarks/traps.py``. Results that lie beside the slide are copied with it
and spare the estimate.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from make_pictures import Screen, open_screen
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QScrollArea, QTabWidget
from shapely.geometry import shape

from napari_glioma_density.regions.region import Origin, Reason
from napari_glioma_density.synthesis import synthesize, traps_path
from napari_glioma_density.ui.regions.dock import RegionsDock
from napari_glioma_density.ui.regions.purpose import Purpose
from napari_glioma_density.ui.regions.tools import Tool
from napari_glioma_density.ui.words import PLUGIN

UM_PER_PX = 0.5
FIELD_MM2 = 0.24
LEFT, NO_KEY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
NO_BUTTON = Qt.MouseButton.NoButton
FOCUS = (2520, 2540, 1000)
"""The middle of a dense focus and the side of a square in it: y, x and side in µm."""
SPARSE = (500, 3650, 520)
"""The same of sparse tissue."""
BORDER = (2520, 2540, 180)
"""Middle and radius of an arc within that focus, from its right over its top to its left."""
Places = Sequence[tuple[float, float]]


class Hand:
    """Draws on the canvas with the pointer; places are (y, x) in µm."""

    def __init__(self, screen: Screen, dock: RegionsDock) -> None:
        self._screen, self._dock = screen, dock
        self._canvas: Any = screen.viewer.window._qt_viewer.canvas.native

    def take(self, purpose: Purpose, tool: Tool, what: str = "") -> None:
        """Say what the next drawing is, and take a tool."""
        box = self._dock.draw_box
        box._purpose.value = purpose
        if purpose is Purpose.LEFT_OUT:
            box._reason.value = Reason(what)
        elif purpose is Purpose.REFERENCE:
            box._tissue.value = what
        if not box._tools[tool].isChecked():
            box._tools[tool].click()

    def put_down(self) -> None:
        """Put the tool down."""
        for button in self._dock.draw_box._tools.values():
            if button.isChecked():
                button.click()

    def click(self, places: Places) -> None:
        """Click place after place, the last one twice."""
        for place in places:
            self._move(place)
            QTest.mouseClick(self._canvas, LEFT, NO_KEY, self._point(place))
            self._screen.rest(0.05)
        QTest.mouseDClick(self._canvas, LEFT, NO_KEY, self._point(places[-1]))
        self._settle()

    def drag(self, places: Places) -> None:
        """Press at the first place, move over all, let go at the last."""
        self._move(places[0])
        QTest.mousePress(self._canvas, LEFT, NO_KEY, self._point(places[0]))
        for place in places[1:]:
            self._move(place, LEFT)
        QTest.mouseRelease(self._canvas, LEFT, NO_KEY, self._point(places[-1]))
        self._settle()

    def _settle(self) -> None:
        """Wait until what was drawn is on disk, left out, and measured."""
        desk, figures = self._dock.desk, self._dock.figures
        self._screen.rest(0.5)
        exclusions = self._screen.session.exclusions
        self._screen.wait_for(lambda: not desk._pending and not exclusions._work.goes_on)
        self._screen.wait_for(lambda: not figures._due and not figures._busy)

    def _point(self, place: tuple[float, float]) -> QPoint:
        viewer = self._screen.viewer
        middle, zoom = viewer.scene.camera.center[-2:], viewer.scene.camera.zoom
        down, across = (
            round((where - centre) * zoom + side / 2)
            for where, centre, side in zip(place, middle, viewer.canvas.size, strict=True)
        )
        return QPoint(across, down)

    def _move(self, place: tuple[float, float], held: Any = NO_BUTTON) -> None:
        point = self._point(place)
        here, anywhere = QPointF(point), QPointF(self._canvas.mapToGlobal(point))
        moved = QMouseEvent(QEvent.Type.MouseMove, here, anywhere, NO_BUTTON, held, NO_KEY)
        QApplication.sendEvent(self._canvas, moved)
        self._screen.rest(0.02)


def open_regions(screen: Screen) -> RegionsDock:
    """Open the third dock over the first, as *Plugins > Regions* does."""
    dock: RegionsDock
    _, dock = screen.viewer.window.add_plugin_dock_widget(PLUGIN, "Regions", tabify=True)
    dock.parent().raise_()
    screen.rest(1)
    return dock


def raise_dock(screen: Screen, dock: Any, tab: str = "") -> None:
    """Bring a dock, and one of its tabs, to the front."""
    dock.parent().raise_()
    if tab:
        tabs = dock.findChild(QTabWidget)
        names = [tabs.tabText(place) for place in range(tabs.count())]
        tabs.setCurrentIndex(names.index(tab))
    screen.rest(1)


def outline(slide: Path, trap: str, corner_px: float) -> Places:
    """The largest part of a trap as corners in µm."""
    features = json.loads(traps_path(slide).read_text())["features"]
    (found,) = (each for each in features if each["properties"]["name"] == trap)
    parts = shapely.get_parts(shape(found["geometry"]))
    largest = max(parts, key=shapely.area).simplify(corner_px)
    corners = shapely.get_coordinates(largest.exterior)[:-1] * UM_PER_PX
    return [(float(y), float(x)) for x, y in corners]


def square(y: float, x: float, side: float) -> Places:
    """Two opposite corners of a square, and a point between them."""
    half = side / 2
    return [(y - half, x - half), (y, x), (y + half, x + half)]


def arc(y: float, x: float, radius: float) -> Places:
    """Points from the right over the top to the left: the outside lies on the right hand."""
    turns = np.linspace(0, np.pi, 9)
    return [(y - radius * float(np.sin(t)), x + radius * float(np.cos(t))) for t in turns]


def picture_exclusions(screen: Screen, dock: RegionsDock, slide: Path) -> None:
    """Necrosis and blood drawn by hand; pen, fold and blur found by the quality check."""
    hand = Hand(screen, dock)
    hand.take(Purpose.LEFT_OUT, Tool.POLYGON, Reason.NECROSIS)
    hand.click(outline(slide, "necrosis", 60))
    hand.take(Purpose.LEFT_OUT, Tool.FREEHAND, Reason.HAEMORRHAGE)
    hand.drag(outline(slide, "haemorrhage", 8))
    screen.rest()
    screen.grab("regions-draw")
    hand.put_down()
    dock.desk.choose(None)
    screen.viewer.layers.selection.active = screen.viewer.layers[0]
    screen.press_in(dock, "Check quality")
    screen.wait_for(lambda: any(r.origin is Origin.AUTOMATIC for r in dock.desk.regions))
    hand._settle()
    screen.rest()
    screen.grab("quality-check")


def picture_hotspots(screen: Screen) -> None:
    """The ten densest circles of 0.24 mm²."""
    raise_dock(screen, screen.dock)
    spots, box = screen.session.hotspots, screen.dock.hotspot_box
    box._kind.value = FIELD_MM2
    screen.wait_for(lambda: bool(spots.spots) and not spots.searching)
    screen.dock.findChild(QScrollArea).ensureWidgetVisible(box, 0, 0)
    screen.rest()
    screen.grab("field-hotspots")
    box._kind.value = 0.0


def picture_comparison(screen: Screen, dock: RegionsDock) -> None:
    """A dense focus against sparse tissue; density against the distance from a border."""
    raise_dock(screen, dock, "Draw")
    hand = Hand(screen, dock)
    hand.take(Purpose.REFERENCE, Tool.RECTANGLE, "grey matter")
    hand.drag(square(*SPARSE))
    hand.take(Purpose.AREA, Tool.RECTANGLE)
    hand.drag(square(*FOCUS))
    hand.take(Purpose.BORDER, Tool.PIECES)
    hand.click(arc(*BORDER))
    hand.put_down()
    raise_dock(screen, dock, "Compare")
    screen.press_in(dock, "Measure")
    screen.wait_for(lambda: dock.profile_box.plot.isVisible())
    screen.rest()
    screen.grab("regions-compare")
    raise_dock(screen, dock, "Cells")
    screen.rest(3)
    screen.grab("regions-cells")
    raise_dock(screen, dock, "Plots")
    screen.wait_for(lambda: dock.plots_box.shares.isVisible())
    screen.rest()
    screen.grab("regions-plots")


def brought(slide: Path | None, folder: Path) -> Path:
    """Return the slide in `folder`: a copy, with its results, or newly drawn."""
    if slide is None:
        path = folder / "traps.tiff"
        synthesize(path, 10800, 9600, UM_PER_PX, 1, traps=True)
        return path
    store = slide.with_name(f"{slide.name}.glioma.zarr")
    if store.exists():
        shutil.copytree(store, folder / store.name)
    shutil.copy(traps_path(slide), folder)
    return Path(shutil.copy(slide, folder))


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--slide", type=Path, help="drawn before; with its traps beside it")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "images")
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        slide = brought(asked.slide, Path(folder))
        screen = open_screen(asked.output)
        layer = screen.open(slide)
        screen.estimate()
        screen.finish()
        dock = open_regions(screen)
        screen.look_at_all(layer)
        screen.rest(1)
        picture_exclusions(screen, dock, slide)
        picture_hotspots(screen)
        picture_comparison(screen, dock)
        screen.viewer.close()


if __name__ == "__main__":
    main()
