"""The nuclei overlay: outlines over all levels of a run's mask."""

import math
from typing import Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_glioma_density.annotation.corrected import CorrectedMask, FieldMask
from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.overlays.outlines import (
    INSIDE,
    OUTLINE,
    OUTSIDE,
    Mask,
    OutlinedMask,
    Tile,
)
from napari_glioma_density.ui.world import placement

OVERVIEW_DOWNSAMPLE = 64
OUTLINE_COLOUR = "#00C8FF"
FILL_COLOUR = (0.0, 0.78, 1.0, 0.35)
WHOLE_FROM, GONE_AT = 0.25, 0.125
"""Seen from less than 2.5× the outlines fade; at 1.25× a nucleus is one px, and they are gone."""

Drawn = list[tuple[OutlinedMask, Tile, NDArray[np.uint8] | None]]


class NucleiOverlay:
    """Outlines of the nuclei, filled on request.

    `masks` holds the levels, finest first. The overview level, which napari keeps in memory, is
    empty: from that far away a nucleus is smaller than a px, and the density overlay shows what
    there is. On the way there the outlines fade; one px wide each, they would hide the colours of
    dense patches.
    """

    def __init__(self, lattice: Lattice, masks: tuple[Mask, ...], background: Background) -> None:
        self._lattice = lattice
        self._background = background
        self._drawing = False
        self._masks = masks
        self._fields: tuple[FieldMask, ...] = ()
        self._opacity = 1.0
        self._levels = tuple(OutlinedMask(mask) for mask in masks)
        overview = tuple(-(-side // OVERVIEW_DOWNSAMPLE) for side in self._levels[0].shape)
        self.layer = Labels(
            _shrinking([*self._levels, np.zeros(overview, np.uint8)]),
            name="nuclei",
            multiscale=True,
            colormap=colormap(filled=False),
            opacity=self._opacity,
            **placement(lattice.um_per_px),
        )

    def look_at(self, masks: tuple[Mask, ...]) -> None:
        """Draw other masks of the same sizes."""
        self._masks = masks
        self.correct(())
        for level in self._levels:
            level.mark_all_stale()

    def fill(self, filled: bool) -> None:
        """Fill the outlines with a light tint, or not."""
        self.layer.colormap = colormap(filled=filled)

    def follow_zoom(self, zoom: float) -> bool:
        """Step back as the view goes away (`zoom` in screen px per µm), to let bands be read.

        Returns whether it took work.
        """
        opacity = faded(zoom)
        if np.isclose(opacity, self._opacity, atol=0.01):
            return False
        self._opacity = self.layer.opacity = opacity
        return True

    def mark_stale(self, block: Block) -> None:
        """Draw a block anew where it was drawn before it was written."""
        down, across = self._lattice.window(block)
        for level in self._levels:
            zoom = self._levels[0].shape[0] / level.shape[0]
            level.mark_stale(_shrunk(down, zoom), _shrunk(across, zoom))

    def correct(self, fields: tuple[FieldMask, ...]) -> None:
        """Draw what `fields` hold in place of what the model found there."""
        corrected = np.zeros((self._lattice.rows, self._lattice.columns), bool)
        for field in fields:
            corrected[field.block.patches] = True
        for number, (level, mask) in enumerate(zip(self._levels, self._masks, strict=True)):
            level.look_at(CorrectedMask(mask, number, corrected, fields) if fields else mask)
        for block in {field.block for field in (*self._fields, *fields)}:
            self.mark_stale(block)
        self._fields = fields

    def draw_wanted(self) -> None:
        """Have the tiles that came into view drawn in the background, one batch at a time."""
        if self._drawing:
            return
        wanted = [(level, tile) for level in self._levels for tile in level.take_wanted()]
        if wanted:
            self._drawing = True
            self._background.submit(
                lambda: [(level, tile, level.draw(tile)) for level, tile in wanted], self._show
            )

    def _show(self, drawn: Drawn) -> None:
        self._drawing = False
        for level, tile, content in drawn:
            if content is None:
                level.give_up(tile)
            else:
                level.keep(tile, content)
        self.layer.refresh(thumbnail=False, extent=False, highlight=False)


def faded(zoom: float) -> float:
    """Return the opacity of outlines, less from afar (`zoom` in screen px per µm)."""
    near = np.log(zoom / GONE_AT) / np.log(WHOLE_FROM / GONE_AT)
    return float(min(max(near, 0.0), 1.0))


def colormap(*, filled: bool) -> DirectLabelColormap:
    """Return the colours of outlines, and of what they enclose when `filled`."""
    inside = FILL_COLOUR if filled else "transparent"
    colours = {None: "transparent", OUTSIDE: "transparent", INSIDE: inside, OUTLINE: OUTLINE_COLOUR}
    return DirectLabelColormap(color_dict=colours)


def _shrinking(levels: list[Any]) -> list[Any]:
    """Return the levels that are smaller than those before: of a tiny slide not all are."""
    sizes = [math.prod(level.shape) for level in levels]
    return [level for n, level in enumerate(levels) if sizes[n] < min(sizes[:n], default=math.inf)]


def _shrunk(window: slice, zoom: float) -> slice:
    return slice(int(window.start / zoom), int(window.stop / zoom) + 1)
