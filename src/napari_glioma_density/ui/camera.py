"""The view: what is in it, and how to move it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QTimer

from napari_glioma_density.ui.connections import Connections

SETTLE_MS = 150
MARGIN = 1.6
SCALE_BAR_PX = 45.0
"""Height of the scale bar, in the lower right corner of the canvas."""
UM_PER_PX_AT_1X = 10.0
"""A screen pixel shows 10 µm at 1×, thus 0.25 µm at 40×: the scanners' own convention."""


@dataclass(frozen=True)
class View:
    """A rectangle of the world, in µm."""

    y_um: float
    x_um: float
    height_um: float
    width_um: float

    @property
    def centre(self) -> tuple[float, float]:
        """Centre as (y, x) in µm."""
        return (self.y_um + self.height_um / 2, self.x_um + self.width_um / 2)


def visible_part(viewer: Any) -> View:
    """Return the part of the world that is on the canvas."""
    camera = viewer.scene.camera
    y, x = _upright(viewer, camera.center[-2:])
    height, width = _upright(viewer, [side / camera.zoom for side in viewer.canvas.size])
    return View(y - height / 2, x - width / 2, height, width)


def is_in_view(viewer: Any, place: View) -> bool:
    """Whether all of a place is on the canvas."""
    seen = visible_part(viewer)
    above, left = place.y_um - seen.y_um, place.x_um - seen.x_um
    below, right = seen.height_um - above - place.height_um, seen.width_um - left - place.width_um
    return min(above, left, below, right) >= 0


def _upright(viewer: Any, pair: Sequence[float]) -> tuple[float, float]:
    """Turn (down, across) on the canvas into (y, x) of the slide, or back.

    napari's *Transpose* and *Roll* buttons show x downwards.
    """
    down, across = pair
    upright = viewer.dims.order[-2] < viewer.dims.order[-1]
    return (down, across) if upright else (across, down)


def look_at(viewer: Any, place_um: tuple[float, float]) -> None:
    """Centre the view on a place (y, x) of the world, in µm."""
    viewer.scene.camera.center = _upright(viewer, place_um)


def layer_view(layer: Layer) -> View:
    """Return the extent of a layer in the world."""
    (top, left), (bottom, right) = layer.extent.world
    return View(top, left, bottom - top, right - left)


def fly_to(viewer: Any, target: View, margin: float = MARGIN, below_px: float = 0.0) -> None:
    """Centre the view on `target` and zoom until the canvas is `margin` times as large.

    `below_px` of the canvas are left free below.
    """
    height, width = _upright(viewer, viewer.canvas.size)
    zoom = min(
        max(height - below_px, height / 2) / (margin * target.height_um),
        width / (margin * target.width_um),
    )
    y, x = target.centre
    look_at(viewer, (y + below_px / 2 / zoom, x))
    viewer.scene.camera.zoom = zoom


def magnify(viewer: Any, magnification: float) -> None:
    """Zoom about the centre of the view to an objective's magnification, such as 20."""
    viewer.scene.camera.zoom = magnification / UM_PER_PX_AT_1X


def show_scale_bar(viewer: Any) -> None:
    """Switch on a scale bar that is legible over slide and glass."""
    bar = viewer.canvas.overlays.scale_bar
    bar.visible = True
    bar.box = True
    bar.font_size = 12


class CameraWatch:
    """Calls `moved` whenever the view moves and `settled` once it has rested for 150 ms."""

    def __init__(self, viewer: Any, settled: Callable[[], None], moved: Callable[[], None]) -> None:
        self._tell = moved
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._connections = Connections()
        self._connections.add(self._timer.timeout, settled)
        self._connections.add(viewer.scene.camera.events.center, self._moved)
        self._connections.add(viewer.scene.camera.events.zoom, self._moved)

    def _moved(self, *_: object) -> None:
        self._timer.start()
        self._tell()

    def close(self) -> None:
        """Stop watching."""
        self._timer.stop()
        self._connections.close()
