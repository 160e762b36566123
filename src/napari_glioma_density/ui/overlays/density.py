"""The density overlay: one coloured tile a patch."""

from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_glioma_density.density import (
    NO_BAND,
    PATCH_PX,
    BandScale,
    Lattice,
    PatchState,
    PatchTable,
    band_of,
)
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.world import placement

FINEST_TILE_PX, COARSEST_TILE_PX, LAYER_PX = 48, 8, 4096
"""A patch is drawn with several px a side so that it can be hatched: 48, and fewer where the
layer would grow beyond 4096 px a side, but not less than 8."""

CLEAR, FIRST_BAND, DAMAGED, LEFT_OUT = 0, 1, 7, 8
"""Label values: nothing, the six bands from 1 to 6, hatched grey, violet and grey-blue."""

HATCHED = 16
"""Added to a label in a patch's code when its tile is hatched and not filled."""

GREY, GREY_BLUE = "#6B7280", "#5B7A99"
OPACITY = 0.7
"""From afar: enough that a colour on pink tissue is still the legend's colour."""
FADES_FROM, FADED_AT, FADED = 0.5, 2.0, 0.15
"""From 5× on the overlay fades; at 20× and nearer it keeps 0.15 of its opacity."""


class DensityOverlay:
    """A small Labels layer painted from patch values.

    Bands fill the tile, or hatch it where less than half the patch is tissue. Patches of a
    damaged part of the file are hatched grey, those a person left out
    grey-blue; what is pending or bare glass stays clear.
    """

    def __init__(self, lattice: Lattice, scale: BandScale) -> None:
        side = tile_px(lattice)
        self._codes = np.full((lattice.rows, lattice.columns), CLEAR, np.uint8)
        self._tiles = np.zeros((lattice.rows * side, lattice.columns * side), np.uint8)
        self._stamps = stamps(side)
        self._scale = scale
        self._opacity = OPACITY
        self.layer = Labels(
            self._on_slide(lattice, side),
            name="density",
            colormap=colormap(scale),
            opacity=OPACITY,
            **placement(lattice.um_per_px * PATCH_PX / side),
        )
        self.layer.editable = False

    def paint(self, snapshot: Snapshot) -> None:
        """Redraw the tiles whose patch changed; the layer is refreshed only if one did."""
        if snapshot.scale != self._scale:
            self._scale = snapshot.scale
            self.layer.colormap = colormap(snapshot.scale)
        codes = patch_codes(snapshot.patches, snapshot.scale)
        changed = codes != self._codes
        if changed.any():
            self._tiles_by_patch()[changed] = self._stamps[codes[changed]]
            self._codes = codes
            self.layer.refresh(thumbnail=False, extent=False, highlight=False)

    def follow_zoom(self, zoom: float, opacity: float) -> bool:
        """Step back as the view comes near (`zoom` in screen px per µm), to let tissue be read.

        Returns whether it took work.
        """
        opacity = faded(opacity, zoom)
        if np.isclose(opacity, self._opacity, atol=0.01):
            return False
        self._opacity = self.layer.opacity = opacity
        return True

    def _tiles_by_patch(self) -> NDArray[np.uint8]:
        rows, columns = self._codes.shape
        return self._tiles.reshape(rows, -1, columns, self._stamps.shape[-1]).swapaxes(1, 2)

    def _on_slide(self, lattice: Lattice, tile_px: int) -> NDArray[np.uint8]:
        """Return the tiles cut at the slide's edge: a view, so later painting shows."""
        height, width = (
            -(-side * tile_px // PATCH_PX) for side in (lattice.height_px, lattice.width_px)
        )
        return self._tiles[:height, :width]


def faded(opacity: float, zoom: float) -> float:
    """Return the opacity of a map of patches, less from near (`zoom` in screen px per µm)."""
    near = np.log(zoom / FADES_FROM) / np.log(FADED_AT / FADES_FROM)
    return float(opacity * (1 - (1 - FADED) * min(max(near, 0.0), 1.0)))


def patch_codes(patches: PatchTable, scale: BandScale) -> NDArray[np.uint8]:
    """Return how each patch is drawn: a label, plus `HATCHED` where its tile is hatched."""
    bands = band_of(patches.density_percent(), scale)
    codes = np.where(bands == NO_BAND, CLEAR, bands + FIRST_BAND).astype(np.uint8)
    codes[~patches.is_mostly_tissue & (codes != CLEAR)] += HATCHED
    codes[patches.state == PatchState.UNREAD] = DAMAGED + HATCHED
    codes[patches.state == PatchState.EXCLUDED] = LEFT_OUT + HATCHED
    return codes


def colormap(scale: BandScale) -> DirectLabelColormap:
    """Return the colours of a scale's labels; everything else is clear."""
    colours: dict[int | None, Any] = {None: "transparent", CLEAR: "transparent"}
    colours |= dict(enumerate(scale.colours, start=FIRST_BAND))
    colours |= {DAMAGED: GREY, LEFT_OUT: GREY_BLUE}
    return DirectLabelColormap(color_dict=colours)


def tile_px(lattice: Lattice) -> int:
    """Return the side in px with which a patch is drawn."""
    fitting = LAYER_PX // max(lattice.rows, lattice.columns)
    return min(max(fitting // 8 * 8, COARSEST_TILE_PX), FINEST_TILE_PX)


def stamps(side: int) -> NDArray[np.uint8]:
    """Return the tile of every code, filled below `HATCHED` and hatched from there on."""
    down, across = np.indices((side, side))
    hatch = (down + across) % 8 < max(side // 16, 1)
    labels = np.arange(HATCHED, dtype=np.uint8)[:, None, None]
    return np.concatenate([np.broadcast_to(labels, (HATCHED, side, side)), labels * hatch])
