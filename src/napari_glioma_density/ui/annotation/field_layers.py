"""The layers of the field that is being annotated: its nuclei, their outlines, the hints."""

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import FieldRecord, Origin
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.ui.camera import View
from napari_glioma_density.ui.world import MICROMETRE

ANNOTATION, OUTLINES, HINTS = "annotation", "annotation outlines", "hints"

ORIGIN_COLOURS = {
    Origin.MODEL: "#00C8FF",
    Origin.HINT: "#39FF14",
    Origin.GROWN: "#FFFFFF",
    Origin.HAND: "#FF4FD8",
}
"""Outlines by origin: cyan the model's, green accepted hints, white grown, pink drawn by hand."""
HINT_COLOUR, CURRENT_COLOUR, UNSUPPORTED_COLOUR = "#FFD400", "#FF7A00", "#A78BFA"
"""Yellow: a hint without a nucleus; orange: the one that is asked about; violet: a nucleus
without a hint."""
HINT, CURRENT, UNSUPPORTED = 1, 2, 3

FILL_OPACITY, HINT_OPACITY = 0.12, 1.0
BRUSH_PX = 5

Window = tuple[slice, slice]
Ids = NDArray[np.uint16]


class FieldLayers:
    """Shows one field and lets napari paint into its labels.

    Parameters
    ----------
    record
        The field.
    labels
        (height, width) uint16, painted into in place.
    origin_codes
        Returns, for ids, `Origin` + 1 each, and 0 for the background.
    """

    def __init__(
        self,
        record: FieldRecord,
        labels: Ids,
        origin_codes: Callable[[Ids], NDArray[np.uint8]],
    ) -> None:
        self._ids = labels
        self._origin_codes = origin_codes
        place = field_placement(record)
        self.hint_codes = np.zeros(labels.shape, np.uint8)
        self._outlines = np.zeros(labels.shape, np.uint8)
        self.hints = _still(self.hint_codes, HINTS, _hint_colours(), HINT_OPACITY, place)
        self.outlines = _still(self._outlines, OUTLINES, _origin_colours(), 1.0, place)
        self.annotation = Labels(labels, name=ANNOTATION, opacity=FILL_OPACITY, **place)
        self.annotation.brush_size = BRUSH_PX
        self._draw_outlines((slice(0, labels.shape[0]), slice(0, labels.shape[1])))

    @property
    def layers(self) -> tuple[Layer, ...]:
        """From the lowest to the highest; the one that is painted into is the highest."""
        return (self.outlines, self.hints, self.annotation)

    def repaint(self, window: Window) -> None:
        """Show what changed in a window of the labels."""
        self._draw_outlines(window)
        for layer in (self.outlines, self.annotation):
            layer.refresh(thumbnail=False, extent=False, highlight=False)

    def show_hints(self, codes: NDArray[np.uint8]) -> None:
        """Show other hints: (height, width) of `HINT`, `CURRENT`, `UNSUPPORTED` or 0."""
        if np.array_equal(codes, self.hint_codes):
            return
        self.hint_codes[...] = codes
        self.hints.refresh(thumbnail=False, extent=False, highlight=False)

    def _draw_outlines(self, window: Window) -> None:
        """Draw the px of each nucleus that touch another id; one px around changes with it."""
        drawn, seen = (self._grown(window, by) for by in (1, 2))
        ids = self._ids[seen]
        coded = np.where(edges(ids), self._origin_codes(ids), 0)
        inside = tuple(
            slice(part.start - whole.start, part.stop - whole.start)
            for part, whole in zip(drawn, seen, strict=True)
        )
        self._outlines[drawn] = coded[inside]

    def _grown(self, window: Window, by: int) -> Window:
        height, width = self._ids.shape
        down, across = window
        return (
            slice(max(down.start - by, 0), min(down.stop + by, height)),
            slice(max(across.start - by, 0), min(across.stop + by, width)),
        )


def edges(ids: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the px of an array (height, width) that touch another value on one of four sides."""
    border = np.zeros(ids.shape, bool)
    for one, other in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        differ = ids[one] != ids[other]
        border[one] |= differ
        border[other] |= differ
    return border


def field_placement(record: FieldRecord) -> dict[str, Any]:
    """Return the ``scale``, ``translate`` and ``units`` of a layer that covers a field."""
    px = record.working_um_per_px
    corner = ((place * PATCH_PX + 0.5) * px for place in (record.block.row, record.block.column))
    return {"scale": (px, px), "translate": tuple(corner), "units": (MICROMETRE, MICROMETRE)}


def field_view(record: FieldRecord) -> View:
    """Return the extent of a field in the world."""
    um = record.working_um_per_px
    return View(
        record.block.row * PATCH_PX * um,
        record.block.column * PATCH_PX * um,
        record.height_px * um,
        record.width_px * um,
    )


def _still(
    codes: NDArray[np.uint8],
    name: str,
    colours: DirectLabelColormap,
    opacity: float,
    place: dict[str, Any],
) -> Labels:
    layer = Labels(codes, name=name, colormap=colours, opacity=opacity, **place)
    layer.editable = False
    return layer


def _origin_colours() -> DirectLabelColormap:
    colours: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    colours |= {origin + 1: colour for origin, colour in ORIGIN_COLOURS.items()}
    return DirectLabelColormap(color_dict=colours)


def _hint_colours() -> DirectLabelColormap:
    return DirectLabelColormap(
        color_dict={
            None: "transparent",
            0: "transparent",
            HINT: HINT_COLOUR,
            CURRENT: CURRENT_COLOUR,
            UNSUPPORTED: UNSUPPORTED_COLOUR,
        }
    )
