"""Clicks on the slide, whichever layer is selected, and the place under the pointer."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from napari_glioma_density.ui.camera import visible_part
from napari_glioma_density.ui.connections import Connections

STILL_PX = 4
"""A press that moves further than this, in screen px, is a drag and not a click."""


class ClickWatch:
    """Tells where the slide was clicked; drags, and clicks of a drawing tool, are left alone."""

    def __init__(self, viewer: Any, clicked: Callable[[float, float], None]) -> None:
        self._viewer = viewer
        self._clicked = clicked
        viewer.mouse_drag_callbacks.append(self._press)

    def close(self) -> None:
        """Stop watching."""
        if self._press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._press)

    def _press(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        active = viewer.layers.selection.active
        if event.button != 1 or event.modifiers or (active and active.mode != "pan_zoom"):
            return
        pressed = np.asarray(event.pos)
        yield
        while event.type == "mouse_move":
            yield
        if np.linalg.norm(np.asarray(event.pos) - pressed) <= STILL_PX:
            y_um, x_um = event.position[-2:]
            self._clicked(y_um, x_um)


class Pointer:
    """What lies under the mouse's pointer, also after the view has moved beneath it.

    napari's cursor is the place that the pointer was over when the mouse last moved: a flight or
    a key that magnifies leaves it behind, perhaps out of view.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.is_resting = False
        """Whether the mouse has not moved since `rest` was called."""
        self._connections = Connections()
        self._connections.add(viewer.cursor.events.position, self._move)
        self._move()

    def close(self) -> None:
        """Stop watching."""
        self._connections.close()

    @property
    def place_um(self) -> tuple[float, float]:
        """Place of the world under the pointer, (y, x) in µm."""
        view, zoom = visible_part(self._viewer), self._viewer.scene.camera.zoom
        down_px, across_px = self._on_canvas
        return view.y_um + down_px / zoom, view.x_um + across_px / zoom

    def rest(self) -> None:
        """Take the pointer for at rest, until the mouse moves."""
        self.is_resting = True

    def _move(self, *_: object) -> None:
        view, zoom = visible_part(self._viewer), self._viewer.scene.camera.zoom
        y_um, x_um = (float(side) for side in self._viewer.cursor.position[-2:])
        self._on_canvas = ((y_um - view.y_um) * zoom, (x_um - view.x_um) * zoom)
        self.is_resting = False
