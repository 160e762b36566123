"""Outlines and names of all regions over the slide.

Vectors and Points: hundreds of polygons of a Shapes layer take napari seconds to build.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from napari.layers import Layer, Points, Vectors
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_glioma_density.regions.region import Origin, Region
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.overlays.lines import NOTHING, LineOverlay, Segments, drawable
from napari_glioma_density.ui.overlays.rising import Rising
from napari_glioma_density.ui.regions.name_places import Named, apart
from napari_glioma_density.ui.regions.purpose import COLOURS
from napari_glioma_density.ui.regions.tools import DETAIL_UM, Outline, outlines_of
from napari_glioma_density.ui.world import MICROMETRE

OUTLINES, NAMES, CHOSEN = "regions", "region names", "chosen region"
WIDTH_PX, CHOSEN_PX = 2.5, 8.0
CHOSEN_COLOUR = "#FFFFFF"
NAME_SIZE = 11
MOST_NAMES = 60
"""Beyond this many names of regions cover the slide."""
HALO_PX = 1.5
HALO = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1), (0, 0)]) * HALO_PX
"""Where each name is written, in screen px: four times in white, so that the fifth is legible on
tissue and on any band."""
MOST_SEGMENTS = 8000
"""napari redraws this many in less than a twentieth of a second; more are drawn coarser."""


class RegionOverlay:
    """Shows regions in the colour of their kind; the chosen one on a white ground."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._own: _Layers | None = None
        self._rising = Rising(viewer, lambda: self.layers)
        self._connections = Connections()
        self._connections.add(viewer.layers.events.removed, self._removed)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From the lowest to the highest, once they are there."""
        return () if self._own is None else self._own.stacked

    def show(self, regions: Sequence[Region], um_per_px: float, chosen: str = "") -> None:
        """Draw regions, and the one with the id `chosen` so that it stands out."""
        if self._own is None and not regions:
            return
        own = self._own or self._make_layers()
        drawn = [(region, segments_of(each)) for region, each in _outlines(regions, um_per_px)]
        lines = np.concatenate([NOTHING, *(lines for _, lines in drawn)])
        own.lines.data = drawable(lines)
        if len(lines):
            own.lines.edge_color = _colours(drawn)
        own.chosen.draw(
            np.concatenate([NOTHING, *(lines for region, lines in drawn if region.id == chosen)])
        )
        own.names.show(regions, um_per_px, chosen)
        self.follow_zoom()

    def follow_zoom(self) -> None:
        """Keep lines about as wide on the screen; each change costs, so not at every step."""
        if self._own is None:
            return
        zoom, lines = self._viewer.scene.camera.zoom, self._own.lines
        if not np.isclose(WIDTH_PX / zoom, lines.edge_width, rtol=0.2):
            lines.edge_width = WIDTH_PX / zoom
        self._own.chosen.follow_zoom(zoom)
        self._own.names.follow_zoom(zoom)

    def close(self) -> None:
        """Take the layers away."""
        self._rising.close()
        self._connections.close()
        self._take_away(self.layers)
        self._own = None

    def _take_away(self, layers: tuple[Layer, ...]) -> None:
        for layer in layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _removed(self, event: Any) -> None:
        """Let go of all layers once one was taken off the list; the next regions bring new ones."""
        if event.value in self.layers:
            left, self._own = self.layers, None
            QTimer.singleShot(0, lambda: self._take_away(left))

    def _make_layers(self) -> "_Layers":
        """Add the layers, leaving the selection as it is."""
        own = self._own = _Layers(
            LineOverlay(CHOSEN, NOTHING, CHOSEN_COLOUR, CHOSEN_PX), _outline_layer(), RegionNames()
        )
        active = self._viewer.layers.selection.active
        for layer in own.stacked:
            layer.editable = False
            layer.locked = True
            self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        return own


class _Layers(NamedTuple):
    chosen: LineOverlay
    lines: Vectors
    names: "RegionNames"

    @property
    def stacked(self) -> tuple[Layer, ...]:
        return (self.chosen.layer, self.lines, self.names.layer)


def _outline_layer() -> Vectors:
    return Vectors(
        drawable(NOTHING),
        name=OUTLINES,
        ndim=2,
        vector_style="line",
        opacity=1.0,
        units=(MICROMETRE, MICROMETRE),
    )


class RegionNames:
    """One Points layer: each name within its region or beside it, with a white edge.

    A name that would lie over another is not there until the view is nearer.
    """

    def __init__(self) -> None:
        self._named: list[tuple[Named, str]] = []
        """Names, and the colours of their letters."""
        self._zoom = 1.0
        self.layer = Points(
            np.zeros((0, 2)),
            name=NAMES,
            ndim=2,
            features={"name": []},
            text={"string": "{name}", "size": NAME_SIZE, "anchor": "center"},
            face_color="transparent",
            border_width=0,
            units=(MICROMETRE, MICROMETRE),
        )

    def show(self, regions: Sequence[Region], um_per_px: float, chosen: str = "") -> None:
        """Name regions: the chosen one first, then those of people."""
        ranked = sorted(
            regions, key=lambda each: (each.id != chosen, each.origin is Origin.AUTOMATIC)
        )
        self._named = [
            (Named.of(each, um_per_px), COLOURS[each.kind]) for each in ranked[:MOST_NAMES]
        ]
        self._place()

    def follow_zoom(self, zoom: float) -> None:
        """Keep the white edge at its width on the screen (`zoom` in screen px per µm)."""
        if not np.isclose(zoom, self._zoom, rtol=0.2):
            self._zoom = zoom
            self._place()

    def _place(self) -> None:
        found = apart([name for name, _ in self._named], self._zoom)
        seen = [(*each, at) for each, at in zip(self._named, found, strict=True) if at is not None]
        places = np.array([at for *_, at in seen]).reshape(-1, 2)
        self.layer.data = np.concatenate([places + offset / self._zoom for offset in HALO])
        self.layer.features = {"name": [name.title for name, *_ in seen] * len(HALO)}
        halo = ["white"] * len(seen) * (len(HALO) - 1)
        self.layer.text.color = [*halo, *(colour for _, colour, _ in seen)] or "black"


def segments_of(outlines: Sequence[Outline]) -> Segments:
    """Return the lines between neighbouring corners of outlines: start and extent, in µm."""
    pieces = [NOTHING]
    for outline in outlines:
        corners = outline.corners
        ends = np.roll(corners, -1, axis=0) if outline.closed else corners[1:]
        starts = corners if outline.closed else corners[:-1]
        pieces.append(np.stack([starts, ends - starts], axis=1))
    return np.concatenate(pieces)


def _outlines(regions: Sequence[Region], um_per_px: float) -> list[tuple[Region, list[Outline]]]:
    """Return the outlines of regions, as coarse as it takes to draw them quickly."""
    detail_um = DETAIL_UM
    while True:
        drawn = [(r, outlines_of(r.geometry, um_per_px, detail_um)) for r in regions]
        corners = sum(len(outline.corners) for _, each in drawn for outline in each)
        if corners <= MOST_SEGMENTS or detail_um > 100:
            return drawn
        detail_um *= 2


def _colours(drawn: Sequence[tuple[Region, Segments]]) -> NDArray[np.float32]:
    """Return RGBA, 0–1, of every segment."""
    rgba = [
        np.tile([*bytes.fromhex(COLOURS[region.kind][1:]), 255], (len(lines), 1))
        for region, lines in drawn
    ]
    return (np.concatenate(rgba) / 255).astype(np.float32)
