"""Outlines of what is in no number, wherever nothing else draws it."""

from collections.abc import Sequence
from typing import Any

import shapely
from napari.layers import Layer
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.ui.overlays.lines import NOTHING, LineOverlay, outline_segments
from napari_glioma_density.ui.overlays.rising import Rising

NAME = "left out"
COLOUR = "#111827"
WIDTH_PX = 2.5
DETAIL_UM = 2.0
MOST_LINES = 8000
"""napari redraws this many in less than a twentieth of a second; more are drawn coarser."""


class LeftOutOverlay:
    """A layer of black outlines, there while anything is left out.

    A reader who is to know nothing does not see it, and the *Regions* dock, which draws all regions
    as they are edited, has it stand aside.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._lines = LineOverlay(NAME, NOTHING, COLOUR, WIDTH_PX)
        self._lines.layer.editable = False
        self._stands_aside = self._is_hidden = False
        self._rising = Rising(viewer, lambda: self.layers)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer, where it is seen."""
        return (self._lines.layer,) if self._lines.layer in self._viewer.layers else ()

    def show(self, areas: Sequence[BaseGeometry], um_per_px: float) -> None:
        """Outline other areas, in level-0 px."""
        segments, detail_um = outline_segments(areas, um_per_px), DETAIL_UM
        while len(segments) > MOST_LINES and detail_um < 100:
            coarse = shapely.simplify([*areas], detail_um / um_per_px)
            segments, detail_um = outline_segments(coarse, um_per_px), 2 * detail_um
        self._lines.draw(segments)
        self._put()

    def stand_aside(self, aside: bool) -> None:
        """Let another draw what is left out, or no more."""
        self._stands_aside = aside
        self._put()

    def hide(self, hidden: bool) -> None:
        """Keep it from a reader, or show it again."""
        self._is_hidden = hidden
        self._put()

    def follow_zoom(self, zoom: float) -> None:
        """Keep the lines as wide on the screen as they are."""
        self._lines.follow_zoom(zoom)

    def close(self) -> None:
        """Let the layer lie where it is."""
        self._rising.close()

    def _put(self) -> None:
        """Have the layer on the list of layers while there is anything to see, or take it off."""
        is_seen = not self._lines.is_empty and not self._stands_aside and not self._is_hidden
        self._lines.put(self._viewer.layers, there=is_seen)
