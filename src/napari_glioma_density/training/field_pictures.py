"""Pictures of where a mask is wrong, as in P1, Fig. 8: too much in red, too little in blue."""

import unicodedata
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.results.drawing import (
    INK,
    LETTER_PX,
    QUIET_INK,
    Colour,
    Picture,
    canvas,
    text_width,
    write,
)

OVER_SEGMENTED: Colour = (225, 20, 20)
UNDER_SEGMENTED: Colour = (20, 90, 255)
AGREED: Colour = (60, 220, 90)
_OPACITY = 0.65
_GAP_PX = 10
_MARGIN_PX = 8
_LEGEND = (
    (OVER_SEGMENTED, "over-segmented: marked, not annotated"),
    (UNDER_SEGMENTED, "under-segmented: annotated, not marked"),
    (AGREED, "around what is both"),
)


def draw_errors(
    rgb: NDArray[np.uint8], labels: NDArray[np.uint16], mask: NDArray[np.bool_]
) -> Picture:
    """Colour a field by where its mask differs from its labels.

    Parameters
    ----------
    rgb
        (height, width, 3)
    labels
        (height, width); non-zero is nucleus.
    mask
        (height, width), predicted.

    Returns
    -------
    ndarray
        (height, width, 3) uint8: over-segmented pixels reddened, under-segmented ones blued, a
        green line of 1 px around what both call nucleus, all else as it was.
    """
    real = labels != 0
    picture = rgb.copy()
    for where, colour in ((mask & ~real, OVER_SEGMENTED), (real & ~mask, UNDER_SEGMENTED)):
        mixed = _OPACITY * np.array(colour) + (1 - _OPACITY) * rgb[where]
        picture[where] = np.round(mixed).astype(np.uint8)
    both = (mask & real).astype(np.uint8)
    outlines, _ = cv2.findContours(both, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, AGREED, 1)
    return picture


def draw_field(
    rgb: NDArray[np.uint8],
    labels: NDArray[np.uint16],
    mask: NDArray[np.bool_],
    caption: tuple[str, ...],
) -> Picture:
    """Draw a field, beside it its errors, below both a caption and what the colours mean.

    Parameters
    ----------
    rgb, labels, mask
        As of :func:`draw_errors`.
    caption
        Its lines. Pillow's own letters are ASCII: accents are dropped, other signs become ``?``.
    """
    height, width = rgb.shape[:2]
    lettering = _Lettering.for_width(2 * width)
    lines = tuple(map(_ascii, caption))
    written = max(*map(lettering.width, lines), lettering.legend_width()) + 2 * _MARGIN_PX
    picture = canvas(
        height + lettering.height_px * (len(caption) + 1) + _GAP_PX,
        max(2 * width + _GAP_PX, written),
    )
    picture[:height, :width] = rgb
    picture[:height, width + _GAP_PX : 2 * width + _GAP_PX] = draw_errors(rgb, labels, mask)
    for number, line in enumerate(lines, 1):
        ink = INK if number == 1 else QUIET_INK
        lettering.write(picture, line, _MARGIN_PX, height + number * lettering.height_px, ink)
    lettering.write_legend(picture, height + (len(lines) + 1) * lettering.height_px)
    return picture


def _ascii(text: str) -> str:
    letters = (one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return "".join(letters).encode("ascii", "replace").decode()


class _Lettering(NamedTuple):
    """Letters large enough to be read when the picture is fitted to a screen."""

    size: int

    @classmethod
    def for_width(cls, width_px: int) -> "_Lettering":
        return cls(max(LETTER_PX, round(width_px / 70)))

    @property
    def height_px(self) -> int:
        """From one baseline to the next."""
        return round(1.8 * self.size)

    def width(self, text: str) -> int:
        return text_width(text, self.size)

    def write(self, picture: Picture, text: str, x: int, y: int, ink: Colour) -> None:
        write(picture, text, (x, y), ink, self.size)

    def legend_width(self) -> int:
        return sum(self.width(text) + 2 * self.height_px for _, text in _LEGEND)

    def write_legend(self, picture: Picture, y: int) -> None:
        x, side = _MARGIN_PX, self.height_px // 2
        for colour, text in _LEGEND:
            filled = 2 if colour == AGREED else cv2.FILLED
            cv2.rectangle(picture, (x, y - side), (x + side, y), colour, filled)
            self.write(picture, text, x + self.height_px, y, QUIET_INK)
            x += self.width(text) + 2 * self.height_px
