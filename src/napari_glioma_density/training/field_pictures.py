"""Pictures of where a mask is wrong, as in P1, Fig. 8: too much in red, too little in blue."""

import unicodedata
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.results.drawing import INK, QUIET_INK, Colour, Picture, canvas

OVER_SEGMENTED: Colour = (225, 20, 20)
UNDER_SEGMENTED: Colour = (20, 90, 255)
AGREED: Colour = (60, 220, 90)
_OPACITY = 0.65
_GAP_PX = 10
_MARGIN_PX = 8
_FONT = cv2.FONT_HERSHEY_SIMPLEX
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
        Its lines. OpenCV's letters are ASCII: accents are dropped, other signs become ``?``.
    """
    height, width = rgb.shape[:2]
    lettering = _Lettering.for_width(2 * width)
    lines = tuple(_ascii(line) for line in caption)
    written = max(*map(lettering.width, lines), lettering.legend_width()) + 2 * _MARGIN_PX
    picture = canvas(
        height + lettering.height_px * (len(lines) + 1) + _GAP_PX,
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

    size: float
    stroke_px: int
    height_px: int

    @classmethod
    def for_width(cls, width_px: int) -> "_Lettering":
        size = max(0.55, width_px / 1800)
        return cls(size, 1 if size < 0.9 else 2, round(46 * size))

    def width(self, text: str) -> int:
        (width, _), _ = cv2.getTextSize(text, _FONT, self.size, self.stroke_px)
        return int(width)

    def write(self, picture: Picture, text: str, x: int, y: int, ink: Colour) -> None:
        cv2.putText(picture, text, (x, y), _FONT, self.size, ink, self.stroke_px, cv2.LINE_AA)

    def legend_width(self) -> int:
        return sum(self.width(text) + 2 * self.height_px for _, text in _LEGEND)

    def write_legend(self, picture: Picture, y: int) -> None:
        x, side = _MARGIN_PX, self.height_px // 2
        for colour, text in _LEGEND:
            filled = 2 if colour == AGREED else cv2.FILLED
            cv2.rectangle(picture, (x, y - side), (x + side, y), colour, filled)
            self.write(picture, text, x + self.height_px, y, QUIET_INK)
            x += self.width(text) + 2 * self.height_px
