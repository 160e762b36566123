"""The strip beside a density map that says what its colours mean."""

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PAPER_BANDS, BandScale, CellGrid, Totals
from napari_glioma_density.results.drawing import (
    BACKGROUND,
    DAMAGED,
    INK,
    LEFT_OUT,
    PAPER,
    QUIET_INK,
    Colour,
    Picture,
    canvas,
    hatch,
    rgb,
    write,
)

_WIDTH_PX = 300
_LINE_PX = 26
_BOX_PX = (30, 18)
_TEXT_X = 42
_SHARE_X = 165
_BARS_MM = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_BAR_PX = 200


class _Strip:
    """Lines written one below the other."""

    def __init__(self, lines: int) -> None:
        self.picture = canvas((lines + 3) * _LINE_PX, _WIDTH_PX)
        self.y = 2 * _LINE_PX

    def line(self, text: str, ink: Colour = INK, x: int = 0) -> None:
        write(self.picture, text, (x, self.y), ink)
        self.y += _LINE_PX

    def box(
        self,
        colour: Colour | NDArray[np.uint8],
        text: str,
        beside: str = "",
        *,
        hatched: bool = False,
    ) -> None:
        """Show a colour and what it means."""
        top = self.y - 14
        box = self.picture[top : top + _BOX_PX[1], : _BOX_PX[0]]
        box[:] = colour
        if hatched:
            hatch(box, np.ones(box.shape[:2], bool), step=6)
        cv2.rectangle(self.picture, (0, top), (_BOX_PX[0], top + _BOX_PX[1]), QUIET_INK, 1)
        write(self.picture, beside, (_SHARE_X, self.y), QUIET_INK)
        self.line(text, x=_TEXT_X)


def draw_legend(
    totals: Totals, grid: CellGrid, scale: BandScale, square: int, *, left_out: bool
) -> Picture:
    """Draw limits and shares of the bands, the other signs, cell size and scale bar.

    `square` is the side of a patch in the picture, in px; `left_out` says whether the map shows
    patches that a person left out.
    """
    strip = _Strip(lines=len(scale.colours) + 14 + left_out)
    strip.line("Nuclear area, % of patch")
    strip.line("all cell types", QUIET_INK)
    are_p1s = scale.limits_percent == PAPER_BANDS.limits_percent
    strip.line(f"bands of {'Xia et al. 2025' if are_p1s else 'this slide'}", QUIET_INK)
    _draw_bands(strip, totals, scale)
    _draw_signs(strip, rgb(scale.colours[2]))
    if left_out:
        strip.box(LEFT_OUT, "left out in review", hatched=True)
    strip.line(f"cell side {grid.cell_mm:.2f} mm")
    _draw_scale_bar(strip, square / grid.lattice.patch_mm)
    if not totals.complete:
        strip.line(f"provisional: {totals.pending} patches to come")
    strip.line("Research use only, not for", QUIET_INK)
    strip.line("diagnosis, grading or margins", QUIET_INK)
    return strip.picture


def _draw_bands(strip: _Strip, totals: Totals, scale: BandScale) -> None:
    # In words: the letters of these pictures have no dash.
    reaches = (f"{lower} to {upper} %" for lower, upper in pairwise(scale.written_limits))
    for colour, reach, share in zip(scale.colours, reaches, totals.bands, strict=True):
        strip.box(rgb(colour), reach, f"{100 * share:.1f} % of patches")


def _draw_signs(strip: _Strip, example: Colour) -> None:
    strip.box(example, "under half tissue", hatched=True)
    strip.box(BACKGROUND, "background")
    strip.box(PAPER, "pending")
    strip.box(DAMAGED, "not read: file damaged", hatched=True)


def _draw_scale_bar(strip: _Strip, px_per_mm: float) -> None:
    fitting = [mm for mm in _BARS_MM if mm * px_per_mm <= _BAR_PX]
    mm = fitting[-1] if fitting else _BARS_MM[0]
    end = round(mm * px_per_mm), strip.y
    cv2.line(strip.picture, (0, strip.y), end, INK, 3)
    write(strip.picture, f"{mm:g} mm", (end[0] + 10, strip.y + 5))
    strip.y += _LINE_PX
