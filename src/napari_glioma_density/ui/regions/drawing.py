"""The layer that is drawn into: one drawing at a time, or the outline that is being edited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.layers import Shapes
from napari.layers.base import ActionType
from numpy.typing import NDArray
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.errors import BadInput
from napari_glioma_density.regions.region import Region
from napari_glioma_density.ui.overlays.rising import Rising
from napari_glioma_density.ui.regions.tools import (
    DETAIL_UM,
    MODES,
    Outline,
    Tool,
    demand_dragged,
    drawn_geometry,
    outlines_of,
    rebuilt_geometry,
)
from napari_glioma_density.ui.world import MICROMETRE

NAME = "region drawing"
COLOUR = "#FF9F1C"
FACE = "#FF9F1C30"
WIDTH_PX = 2.5
NO_MODE = "pan_zoom"
ELLIPSE_CORNERS = 64


class RegionDrawing:
    """Hands over what is drawn and edited in its Shapes layer.

    Parameters
    ----------
    viewer
        The viewer.
    um_per_px
        Returns the slide's, of level 0; BadInput when it has none.
    problem
        Told what is wrong with a drawing, in one line.
    """

    drawn = Signal(object, object)
    """A `Tool`, and the geometry in level-0 px."""
    edited = Signal(object, object)
    """A `Region`, and its geometry from now on; None when it was deleted."""
    changed = Signal()
    """Another tool, or another region is edited."""

    def __init__(
        self, viewer: Any, um_per_px: Callable[[], float], problem: Callable[[str], None]
    ) -> None:
        self._viewer = viewer
        self._um_per_px = um_per_px
        self._problem = problem
        self._layer: Shapes | None = None
        self._own = self._creating = False
        self._holes: list[bool] = []
        self.tool: Tool | None = None
        self.region: Region | None = None
        self.radius_um = 50.0
        # A slide or a run that is opened later would cover what is being drawn.
        self._rising = Rising(viewer, lambda: (self._layer,) if self._layer else ())
        viewer.layers.events.removed.connect(self._removed)

    @property
    def is_begun(self) -> bool:
        """Whether corners are set of a drawing that is not ended yet."""
        return self._creating

    def choose(self, tool: Tool | None) -> None:
        """Take up a tool, or put it down."""
        if tool is not None:
            self._um_per_px()
        self._empty()
        self.tool, self.region = tool, None
        if tool is not None:
            self._take_up(MODES[tool])
            self.follow_zoom()
        self.changed.emit()

    def edit(self, region: Region | None) -> None:
        """Let the corners of a region be moved, added and deleted; None ends that."""
        self._empty()
        self.tool, self.region = None, region
        if region is not None:
            self._show(outlines_of(region.geometry, self._um_per_px(), DETAIL_UM))
            self._take_up("direct")
            self._select_all()
        self.changed.emit()

    def set_radius(self, radius_um: float) -> None:
        """Paint wider or narrower from now on."""
        self.radius_um = radius_um
        self.follow_zoom()

    def follow_zoom(self) -> None:
        """Keep lines at their width on the screen; a brush is as wide as it paints."""
        if self._layer is None or self._creating:
            return
        brush = self.tool is not None and self.tool.is_brush
        width = 2 * self.radius_um if brush else WIDTH_PX / self._viewer.scene.camera.zoom
        if not np.isclose(width, self._layer.current_edge_width, rtol=0.2 if not brush else 0.01):
            self._layer.current_edge_width = width
            if self.region is not None:
                self._layer.edge_width = [width] * self._layer.nshapes

    def close(self, *, clear: bool = True) -> None:
        """Let go of the viewer; `clear` takes the layer away as well. Twice does no harm.

        A window that is gone with its canvas, as at a script's end, cannot be cleared.
        """
        self._rising.close()
        self._viewer.layers.events.removed.disconnect(self._removed)
        if clear and self._layer is not None and self._layer in self._viewer.layers:
            self._viewer.layers.remove(self._layer)
        self._layer = None

    def _take_up(self, mode: str) -> None:
        """Select the layer in a mode of napari's, so that the pointer draws."""
        layer = self._layer or self._make()
        self._viewer.layers.selection.active = layer
        layer.mode = mode

    def _make(self) -> Shapes:
        layer = Shapes(
            name=NAME,
            ndim=2,
            edge_color=COLOUR,
            face_color=FACE,
            edge_width=WIDTH_PX / self._viewer.scene.camera.zoom,
            opacity=1.0,
            units=(MICROMETRE, MICROMETRE),
        )
        layer.events.data.connect(self._hear)
        self._viewer.add_layer(layer)
        self._layer = layer
        return layer

    def _show(self, outlines: list[Outline]) -> None:
        layer = self._layer or self._make()
        self._holes = [outline.hole for outline in outlines]
        with self._quietly():
            layer.add(
                [outline.corners for outline in outlines],
                shape_type=["polygon" if outline.closed else "path" for outline in outlines],
                edge_width=WIDTH_PX / self._viewer.scene.camera.zoom,
            )

    def _select_all(self) -> None:
        """Select what is edited: napari lets only corners of what is selected be dragged."""
        if self._layer is not None:
            self._layer.selected_data = set(range(self._layer.nshapes))

    def _empty(self) -> None:
        if self._layer is None:
            return
        with self._quietly():
            self._layer.mode = NO_MODE  # ends a drawing that was begun
            self._layer.selected_data = set()
            self._layer.remove(list(range(self._layer.nshapes)))
        self._holes, self._creating = [], False

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Make changes that are not a person's."""
        self._own = True
        try:
            yield
        finally:
            self._own = False

    def _hear(self, event: Any) -> None:
        """Look at a person's change once napari is through with it."""
        if self._own:
            return
        if event.action in (ActionType.ADDING, ActionType.ADDED):
            self._creating = event.action is ActionType.ADDING
        if event.action is ActionType.REMOVED:
            gone = {int(index) for index in event.data_indices}
            self._holes = [hole for index, hole in enumerate(self._holes) if index not in gone]
        if event.action in (ActionType.ADDED, ActionType.CHANGED, ActionType.REMOVED):
            take = self._take_drawing if self.region is None else self._take_edit
            QTimer.singleShot(0, take)

    def _take_drawing(self) -> None:
        layer, tool = self._layer, self.tool
        if layer is None or tool is None or not layer.nshapes:
            return
        corners = _outline(layer)
        self._empty()
        layer.mode = MODES[tool]
        try:
            if tool is Tool.RECTANGLE:
                demand_dragged(corners, self._viewer.scene.camera.zoom)
            geometry = drawn_geometry(tool, corners, self._um_per_px(), self.radius_um)
        except BadInput as error:
            self._problem(str(error))
        else:
            self._problem("")
            self.drawn.emit(tool, geometry)

    def _take_edit(self) -> None:
        layer, region = self._layer, self.region
        if layer is None or region is None:
            return
        if not layer.nshapes or all(self._holes):
            self.edit(None)
            self.edited.emit(region, None)
            return
        kinds = [kind == "polygon" for kind in layer.shape_type]
        holes = self._holes + [False] * (layer.nshapes - len(self._holes))  # pasted ones
        outlines = [
            Outline(np.asarray(corners), closed, hole)
            for corners, closed, hole in zip(layer.data, kinds, holes, strict=True)
        ]
        geometry = rebuilt_geometry(outlines, self._um_per_px())
        if not geometry.equals_exact(region.geometry, 1e-6):
            self.edited.emit(region, geometry)

    def _removed(self, event: Any) -> None:
        """Put the tool down when the layer was taken off the list."""
        if event.value is self._layer:
            self._layer = None
            self._holes, self._creating = [], False
            self.tool = self.region = None
            self.changed.emit()


def _outline(layer: Shapes) -> NDArray[np.float64]:
    """Corners (n, 2) of what was drawn last; of an ellipse napari keeps those of the box."""
    corners: NDArray[np.float64] = layer.data[-1]
    if layer.shape_type[-1] != "ellipse":
        return corners
    angle = np.linspace(0, 2 * np.pi, ELLIPSE_CORNERS, endpoint=False)[:, None]
    down, across = ((corners[side] - corners[0]) / 2 for side in (3, 1))
    outline = corners.mean(axis=0) + np.cos(angle) * down + np.sin(angle) * across
    return np.asarray(outline, np.float64)
