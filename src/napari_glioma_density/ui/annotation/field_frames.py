"""Frames around the fields of a slide, so that what was looked at is seen from afar."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_glioma_density.annotation.field import FieldRecord
from napari_glioma_density.ui.annotation.field_layers import field_view
from napari_glioma_density.ui.overlays.lines import LineOverlay, Segments, grid_segments
from napari_glioma_density.ui.overlays.rising import Rising

NAME, COLOUR, WIDTH_PX = "fields", "#FF4FD8", 3.0


class FieldFrames:
    """One Vectors layer, added with the first field; pink, as what is drawn by hand."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._overlay: LineOverlay | None = None
        # A slide or a run that is opened later would cover them.
        self._rising = Rising(viewer, lambda: self.layers)

    def show(self, records: Sequence[FieldRecord]) -> None:
        """Frame these fields."""
        if self._overlay is not None:
            self._overlay.draw(frame_segments(records))
        elif records:
            self._overlay = LineOverlay(NAME, frame_segments(records), COLOUR, WIDTH_PX)
            self._add(self._overlay.layer)

    def close(self, *, clear: bool) -> None:
        """Let go of the viewer; `clear` takes the frames off the slide as well."""
        self._rising.close()
        if clear:
            self._clear()

    def _clear(self) -> None:
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._overlay = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer, once it is there."""
        return (self._overlay.layer,) if self._overlay else ()

    def _add(self, layer: Layer) -> None:
        """Add the layer, leaving the selection as it is."""
        layer.editable = False
        layer.locked = True
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active

    def follow_zoom(self) -> None:
        """Keep the width on the screen."""
        if self._overlay is not None:
            self._overlay.follow_zoom(self._viewer.scene.camera.zoom)


def frame_segments(records: Iterable[FieldRecord]) -> Segments:
    """Return the four sides of every field, in µm."""
    views = (field_view(record) for record in records)
    sides = [
        grid_segments(
            np.array([view.y_um, view.y_um + view.height_um]),
            np.array([view.x_um, view.x_um + view.width_um]),
        )
        for view in views
    ]
    return np.concatenate(sides) if sides else np.zeros((0, 2, 2))
