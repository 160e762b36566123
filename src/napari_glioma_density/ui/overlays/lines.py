"""Lines of an even width on the screen, whatever the zoom."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import shapely
from napari.layers import Vectors
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.ui.world import MICROMETRE

Segments = NDArray[np.float64]
"""Shape (n, 2, 2): start (y, x) and extent (y, x) of each line, in µm."""

NOTHING: Segments = np.zeros((0, 2, 2))
UNSEEN: Segments = np.zeros((1, 2, 2))


class LineOverlay:
    """One Vectors layer whose lines stay `width` screen px wide; locked against deletion by key."""

    def __init__(
        self, name: str, segments: Segments, colour: str, width: float, tolerance: float = 0.05
    ) -> None:
        """Make the layer; each change of its width costs, so none is within `tolerance` of it."""
        self._width, self._tolerance = width, tolerance
        self._width_um = width
        self.is_empty = not len(segments)
        self.layer = Vectors(
            drawable(segments),
            name=name,
            ndim=2,
            vector_style="line",
            edge_color=colour,
            edge_width=width,
            opacity=1.0,
            units=(MICROMETRE, MICROMETRE),
        )

    def draw(self, segments: Segments) -> None:
        """Show other lines; the same ones cost nothing."""
        drawn = drawable(segments)
        self.is_empty = not len(segments)
        if np.array_equal(drawn, self.layer.data):
            return
        self.layer.data = drawn
        self._fit_width()

    def put(self, layers: Any, *, there: bool) -> None:
        """Have the layer on a list of layers, or take it off; the selection stays as it is."""
        if there and self.layer not in layers:
            active = layers.selection.active
            layers.append(self.layer)
            layers.selection.active = active
        elif not there and self.layer in layers:
            layers.remove(self.layer)

    def follow_zoom(self, zoom: float) -> bool:
        """Keep the width on the screen (`zoom` in screen px per µm); return whether it took work.

        Where there are no lines it takes none.
        """
        self._width_um = self._width / zoom
        return self._fit_width()

    def _fit_width(self) -> bool:
        is_fit = np.isclose(self._width_um, self.layer.edge_width, rtol=self._tolerance)
        if self.is_empty or is_fit:
            return False
        self.layer.edge_width = self._width_um
        return True


def drawable(segments: Segments) -> Segments:
    """Return lines as napari draws them in 3D, too: one without length in place of none.

    A layer of no vectors raises there in the midst of drawing, whatever else is on show.
    """
    return segments if len(segments) else UNSEEN


def outline_segments(areas: Iterable[BaseGeometry], um_per_px: float) -> Segments:
    """Return the outlines of areas in level-0 px, (x, y), those of their holes among them."""
    pieces = [NOTHING]
    for line in shapely.get_parts(shapely.boundary([*areas])):
        corners = shapely.get_coordinates(line)[:, ::-1] * um_per_px
        pieces.append(np.stack([corners[:-1], np.diff(corners, axis=0)], axis=1))
    return np.concatenate(pieces)


def grid_segments(ys: NDArray[Any], xs: NDArray[Any]) -> Segments:
    """Return horizontal lines at every y and vertical ones at every x, ends included."""
    height, width = ys[-1] - ys[0], xs[-1] - xs[0]
    across = [((y, xs[0]), (0, width)) for y in ys]
    down = [((ys[0], x), (height, 0)) for x in xs]
    return np.array(across + down, np.float64)
