"""Clicks on the slide, whichever layer is selected."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

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
