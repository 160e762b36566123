"""Which part of a slide to estimate."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.camera import View, visible_part
from napari_glioma_density.ui.world import MICROMETRE

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Estimation

REGION_LAYER = "region"
_SLIDE = "glioma-density slide"
"""In the layer's metadata: the fingerprint of the slide that it was drawn on."""
NOTHING_DRAWN = (
    "No region is drawn: draw a rectangle on the layer “region”; what the Regions dock holds does "
    "not count here."
)
COLOUR = "#0057FF"
EDGE_PX = 3
PARTS = 8
"""A patch is touched by a polygon when one of its 8 × 8 parts is."""


class Scope(StrEnum):
    """How much of the slide is asked for, in the words of the screen."""

    SLIDE = "Whole slide, view first"
    VIEW = "What is in view"
    LIVE = "Live: follow the view"
    DRAWN = "Drawn region"


@dataclass(frozen=True)
class Region:
    """A part of a slide, in level-0 px.

    `rectangle` is (x, y, width, height); `outline`, of a polygon, its (x, y) corners.
    """

    rectangle: tuple[int, int, int, int]
    outline: tuple[tuple[float, float], ...] = ()

    def patches(self, estimation: "Estimation") -> NDArray[np.bool_]:
        """Tell which patches of a run it touches: bool, (lattice rows, lattice columns)."""
        scope = estimation.scope_of(self.rectangle)
        if self.outline:
            patch_px = PATCH_PX * estimation.plane.level0_px_per_px
            scope &= patches_within(np.array(self.outline) / patch_px, scope.shape)
        return scope


def patches_within(outline: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Tell which patches of a lattice a polygon touches; `outline` is (x, y) in patches."""
    rows, columns = shape
    parts = np.zeros((rows * PARTS, columns * PARTS), np.uint8)
    cv2.fillPoly(parts, [np.floor(outline * PARTS).astype(np.int32)], 1)
    return np.asarray(parts.reshape(rows, PARTS, columns, PARTS).any(axis=(1, 3)))


def region_of(viewer: Any, slide: Slide, scope: Scope) -> Region | None:
    """Return a scope on a slide as it is now; None for the whole of it.

    Raises
    ------
    BadInput
        When nothing was drawn, or the view or region does not touch the slide.
    """
    if scope is Scope.SLIDE:
        return None
    if scope in (Scope.VIEW, Scope.LIVE):
        return Region(_on_slide(visible_part(viewer), slide))
    layer = _region_layer(viewer)
    if layer is None or not is_drawn(viewer, slide):
        raise BadInput(NOTHING_DRAWN)
    corners = np.array([layer.data_to_world(corner) for corner in layer.data[-1]])
    rectangle = _on_slide(_around(corners), slide)
    if layer.shape_type[-1] != "polygon":
        return Region(rectangle)
    outline = corners[:, ::-1] / (slide.um_per_px or 1.0)
    return Region(rectangle, tuple((float(x), float(y)) for x, y in outline))


def is_drawn(viewer: Any, slide: Slide) -> bool:
    """Tell whether a region was drawn on a slide."""
    layer = _region_layer(viewer)
    return layer is not None and bool(layer.data) and not _is_of_another(layer, slide)


def _on_slide(view: View, slide: Slide) -> tuple[int, int, int, int]:
    """Return the part of a view that is on the slide: (x, y, width, height) in level-0 px."""
    um_per_px = slide.um_per_px or 1.0
    left, top = max(view.x_um, 0.0), max(view.y_um, 0.0)
    right = min(view.x_um + view.width_um, slide.width * um_per_px)
    bottom = min(view.y_um + view.height_um, slide.height * um_per_px)
    if right < left or bottom < top:  # a line that is drawn straight has no width
        raise BadInput("That part is beyond the slide: move the view or draw on the slide.")
    x, y, width, height = (
        round(side / um_per_px) for side in (left, top, right - left, bottom - top)
    )
    return x, y, max(width, 1), max(height, 1)


def _around(corners: NDArray[np.float64]) -> View:
    """Return the bounding box of corners (y, x) in µm."""
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    return View(float(top), float(left), float(bottom - top), float(right - left))


def draw_region(viewer: Any, slide: Slide | None = None) -> None:
    """Select the region layer, made when absent, ready to draw a rectangle.

    What was drawn on another slide goes, for all slides begin at the same place. On one without
    µm/px there is no place to draw yet.
    """
    if slide is not None and slide.um_per_px is None:
        return
    layer = _region_layer(viewer)
    if layer is not None and slide is not None and _is_of_another(layer, slide):
        viewer.layers.remove(layer)
        layer = None
    if layer is None:
        layer = Shapes(
            name=REGION_LAYER,
            ndim=2,
            edge_color=COLOUR,
            face_color="transparent",
            edge_width=EDGE_PX / viewer.scene.camera.zoom,
            units=(MICROMETRE, MICROMETRE),
            metadata={} if slide is None else {_SLIDE: slide.fingerprint},
        )
        viewer.add_layer(layer)
    layer.visible = True
    viewer.layers.selection.active = layer
    layer.mode = "add_rectangle"


def put_down(viewer: Any) -> None:
    """Draw no more: what was drawn stays, and a click on the slide chooses a cell again."""
    layer = _region_layer(viewer)
    if layer is not None:
        layer.mode = "pan_zoom"
        viewer.layers.selection.discard(layer)


def show_region(viewer: Any, slide: Slide | None) -> None:
    """Show the region that was drawn on a slide, hide one of another."""
    layer = _region_layer(viewer)
    if layer is not None and slide is not None:
        layer.visible = not _is_of_another(layer, slide)


def _is_of_another(layer: Shapes, slide: Slide) -> bool:
    return bool(layer.metadata.get(_SLIDE, slide.fingerprint) != slide.fingerprint)


def region_layers(viewer: Any) -> tuple[Shapes, ...]:
    """Return the layer that a part to estimate is drawn on, where there is one."""
    layer = _region_layer(viewer)
    return () if layer is None else (layer,)


def _region_layer(viewer: Any) -> Shapes | None:
    shapes = (layer for layer in viewer.layers if isinstance(layer, Shapes))
    return next((layer for layer in shapes if layer.name == REGION_LAYER), None)
