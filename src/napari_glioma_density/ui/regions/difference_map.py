"""The difference of two estimates as a layer: shown in place of the density, and taken away."""

import numpy as np
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from psygnal import Signal

from napari_glioma_density.density import Lattice
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.overlays.density import faded
from napari_glioma_density.ui.overlays.difference import DifferenceScale, difference_layer
from napari_glioma_density.ui.session import Session


class DifferenceMap:
    """One layer over the slide of a session; two maps over one another would mix their colours."""

    changed = Signal()
    """The map was shown or taken away, here or from the list of layers."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.layer: Labels | None = None
        session.overlays.companions.append(self._companions)
        self._wires = Connections()
        self._wires.add(session.viewer.layers.events.removed, self._removed)
        self._wires.add(session.blinded_changed, self._put)

    def show(self, points: NDArray[np.float64], lattice: Lattice, scale: DifferenceScale) -> None:
        """Show differences, (lattice rows, columns) in points, in place of those before."""
        overlays, layers = self._session.overlays, self._session.viewer.layers
        visible, old = self.layer is None or self.layer.visible, self.layer
        self.layer = None
        if old in layers:
            layers.remove(old)
        self.layer = difference_layer(points, lattice, scale, overlays.opacity)
        self.layer.visible = visible
        self._put(self._session.blinded)
        overlays.show_density(False)
        self.follow_zoom()
        self.changed.emit()

    def clear(self) -> None:
        """Take the map away and show the density again."""
        layer, self.layer = self.layer, None
        if layer is None:
            return
        if layer in self._session.viewer.layers:
            self._session.viewer.layers.remove(layer)
        self._session.overlays.show_density(True)
        self.changed.emit()

    def follow_zoom(self) -> None:
        """Step back as the view comes near, as the density does."""
        if self.layer is not None:
            zoom = self._session.viewer.scene.camera.zoom
            opacity = faded(self._session.overlays.opacity, zoom)
            if not np.isclose(opacity, self.layer.opacity, atol=0.01):
                self.layer.opacity = opacity

    def close(self) -> None:
        """Take the map away and let go of the session. Twice does no harm."""
        self._wires.close()
        self.clear()
        if self._companions in self._session.overlays.companions:
            self._session.overlays.companions.remove(self._companions)

    def _companions(self) -> tuple[Layer, ...]:
        return () if self.layer is None else (self.layer,)

    def _removed(self, event: object) -> None:
        is_own = self.layer is not None and getattr(event, "value", None) is self.layer
        if is_own and not self._session.blinded:
            self.clear()

    def _put(self, blinded: bool) -> None:
        """Have the map on the list of layers, or keep it from a reader who is not to know it."""
        layers = self._session.viewer.layers
        if self.layer is None or blinded is (self.layer not in layers):
            return
        if blinded:
            layers.remove(self.layer)
            return
        active = layers.selection.active
        layers.insert(self._session.overlays.place_of_maps(), self.layer)
        layers.selection.active = active
