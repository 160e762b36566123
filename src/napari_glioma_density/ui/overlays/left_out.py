"""What is in no number: hatched, and outlined wherever nothing else does that."""

from collections.abc import Sequence
from typing import Any

import shapely
from napari.layers import Layer
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.ui.overlays.hatching import hatching, spacing_um
from napari_glioma_density.ui.overlays.lines import NOTHING, LineOverlay, outline_segments
from napari_glioma_density.ui.overlays.rising import Rising

NAME, HATCHED = "left out", "left out, hatched"
COLOUR = "#111827"
WIDTH_PX, HATCH_PX = 2.5, 1.5
HATCH_TOLERANCE = 0.2
"""Of their width, which nobody sees in lines as thin; a finer one costs at every step of a zoom."""
DETAIL_UM = 2.0
MOST_LINES = 8000
"""napari redraws this many in less than a twentieth of a second; more are drawn coarser."""


class LeftOutOverlay:
    """A layer of black lines across all that is left out, and one of its outlines.

    Seen from near, density tiles fade and a region's outline may lie beyond the view; the lines
    still show that the place does not count. A blinded reader sees neither layer. The *Regions*
    dock draws all regions itself as they are edited, and hides these outlines meanwhile.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._lines = LineOverlay(NAME, NOTHING, COLOUR, WIDTH_PX)
        self._hatching = LineOverlay(HATCHED, NOTHING, COLOUR, HATCH_PX, HATCH_TOLERANCE)
        for lines in (self._hatching, self._lines):
            lines.layer.editable = False
        self._areas: tuple[BaseGeometry, ...] = ()
        self._um_per_px = 1.0
        self._apart_um: float | None = None
        self._stands_aside = self._is_hidden = False
        self._rising = Rising(viewer, lambda: self.layers)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, where they are seen, from the lowest to the highest."""
        own = (self._hatching.layer, self._lines.layer)
        return tuple(layer for layer in own if layer in self._viewer.layers)

    def show(self, areas: Sequence[BaseGeometry], um_per_px: float) -> None:
        """Hatch and outline other areas, in level-0 px."""
        self._areas, self._um_per_px = tuple(areas), um_per_px
        self._hatch()
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
        """Keep lines that are seen as wide on the screen as they are, and about as far apart."""
        seen = self.layers
        for lines in (self._lines, self._hatching):
            if lines.layer in seen:
                lines.follow_zoom(zoom)
        if self._hatching.layer in seen and spacing_um(zoom) != self._apart_um:
            self._hatch()

    def close(self) -> None:
        """Let the layer lie where it is."""
        self._rising.close()

    def _hatch(self) -> None:
        self._apart_um = spacing_um(self._viewer.scene.camera.zoom)
        self._hatching.draw(hatching(self._areas, self._um_per_px, self._apart_um))

    def _put(self) -> None:
        """Have the layers on the list while there is anything to see, or take them off."""
        is_seen = not self._lines.is_empty and not self._is_hidden
        self._hatching.put(self._viewer.layers, there=is_seen)
        self._lines.put(self._viewer.layers, there=is_seen and not self._stands_aside)
        self.follow_zoom(self._viewer.scene.camera.zoom)
