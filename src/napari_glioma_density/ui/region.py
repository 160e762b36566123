"""Which part of a slide to estimate."""

from enum import StrEnum
from typing import Any

import numpy as np
from napari.layers import Shapes

from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.camera import View, visible_part
from napari_glioma_density.ui.job import Region
from napari_glioma_density.ui.world import MICROMETRE

REGION_LAYER = "region"
COLOUR = "#0057FF"
EDGE_PX = 3


class Scope(StrEnum):
    """How much of the slide is asked for, in the words of the screen."""

    SLIDE = "Whole slide, view first"
    VIEW = "What is in view"
    DRAWN = "Drawn region"


def region_of(viewer: Any, slide: Slide, scope: Scope) -> Region | None:
    """Return a scope as (x, y, width, height) in level-0 px; None for the whole slide.

    Raises
    ------
    BadInput
        When nothing was drawn, or the view or region does not touch the slide.
    """
    if scope is Scope.SLIDE:
        return None
    view = visible_part(viewer) if scope is Scope.VIEW else _drawn(viewer)
    um_per_px = slide.um_per_px or 1.0
    left, top = max(view.x_um, 0.0), max(view.y_um, 0.0)
    right = min(view.x_um + view.width_um, slide.width * um_per_px)
    bottom = min(view.y_um + view.height_um, slide.height * um_per_px)
    if right <= left or bottom <= top:
        raise BadInput("That part is beyond the slide: move the view or draw on the slide.")
    x, y, width, height = (
        round(side / um_per_px) for side in (left, top, right - left, bottom - top)
    )
    return x, y, max(width, 1), max(height, 1)


def draw_region(viewer: Any) -> None:
    """Select the region layer, made when absent, ready to draw a rectangle."""
    layer = _region_layer(viewer)
    if layer is None:
        layer = Shapes(
            name=REGION_LAYER,
            ndim=2,
            edge_color=COLOUR,
            face_color="transparent",
            edge_width=EDGE_PX / viewer.scene.camera.zoom,
            units=(MICROMETRE, MICROMETRE),
        )
        viewer.add_layer(layer)
    viewer.layers.selection.active = layer
    layer.mode = "add_rectangle"


def _region_layer(viewer: Any) -> Shapes | None:
    shapes = (layer for layer in viewer.layers if isinstance(layer, Shapes))
    return next((layer for layer in shapes if layer.name == REGION_LAYER), None)


def _drawn(viewer: Any) -> View:
    """Return the bounding box of the shape drawn last."""
    layer = _region_layer(viewer)
    if layer is None or not layer.data:
        raise BadInput("No region is drawn: draw a rectangle on the layer “region”.")
    corners = np.array([layer.data_to_world(corner) for corner in layer.data[-1]])
    (top, left), (bottom, right) = corners.min(axis=0), corners.max(axis=0)
    return View(float(top), float(left), float(bottom - top), float(right - left))
