"""Layers that stay above the overlays of a run that is opened later."""

from collections.abc import Callable
from typing import Any

from napari.layers import Layer, Shapes
from qtpy.QtCore import QTimer

from napari_glioma_density.ui.connections import Connections


class Rising:
    """Keeps the layers that `own` returns, from the lowest to the highest, above all but Shapes.

    Shapes are drawn into.
    """

    def __init__(self, viewer: Any, own: Callable[[], tuple[Layer, ...]]) -> None:
        self._viewer, self._own = viewer, own
        self._connections = Connections()
        self._connections.add(viewer.layers.events.inserted, self._inserted)

    def close(self) -> None:
        """Let them lie where they are."""
        self._connections.close()

    def _inserted(self, event: Any) -> None:
        own = self._own()
        if own and event.value not in own:
            QTimer.singleShot(0, self._rise)

    def _rise(self) -> None:
        layers = self._viewer.layers
        own = [layers.index(layer) for layer in self._own() if layer in layers]
        others = [
            place
            for place, layer in enumerate(layers)
            if not isinstance(layer, Shapes) and place not in own
        ]
        if own and others and own[0] < others[-1]:
            layers.move_multiple(own, others[-1] + 1)
