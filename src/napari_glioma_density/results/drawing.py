"""Ink and paper for pictures: RGB uint8 arrays.

Text is drawn with the font that Pillow brings, so that it looks the same everywhere; OpenCV's own
differs by its version.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
BACKGROUND: Colour = (234, 234, 234)
INK: Colour = (64, 64, 64)
QUIET_INK: Colour = (125, 125, 125)

DAMAGED: Colour = (140, 140, 140)
LEFT_OUT: Colour = (91, 122, 153)
LETTER_PX: Final = 13
"""How large letters are unless another size is asked for."""
_BASELINE: Final = "ls"
"""Pillow's name for text placed by the left end of its baseline."""


def canvas(height: int, width: int) -> Picture:
    """Return white paper."""
    return np.full((height, width, 3), PAPER, np.uint8)


def rgb(colour: str) -> Colour:
    """Return a colour such as `#2E9E3F` as red, green, blue."""
    red, green, blue = bytes.fromhex(colour.lstrip("#"))
    return red, green, blue


def faint(colours: NDArray[np.uint8], kept: float) -> NDArray[np.uint8]:
    """Pale colours, of shape (..., 3), towards the paper, of which `kept` is left."""
    pale = kept * colours + (1 - kept) * np.array(PAPER)
    return np.round(pale).astype(np.uint8)


def hatch(picture: Picture, where: NDArray[np.bool_], step: int) -> None:
    """Leave only strokes of a picture's colour where `where`, bool of its shape, is true."""
    y, x = np.nonzero(where)
    between = (y + x) % step >= max(1, step // 3)
    picture[y[between], x[between]] = PAPER


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def text_width(text: str, size: int) -> int:
    """Return how wide one line of text is, px."""
    return round(_font(size).getbbox(text, anchor=_BASELINE)[2])


def write(
    picture: Picture,
    text: str,
    left_bottom: tuple[int, int],
    ink: Colour = INK,
    size: int = LETTER_PX,
) -> None:
    """Write one line of text; what lies beyond the picture is cut off."""
    font = _font(size)
    left, top, right, bottom = map(round, font.getbbox(text, anchor=_BASELINE))
    stencil = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(stencil).text((-left, -top), text, fill=255, font=font, anchor=_BASELINE)
    x, y = left_bottom[0] + left, left_bottom[1] + top
    cut_x, cut_y = max(-x, 0), max(-y, 0)
    ends = max(y + stencil.height, 0), max(x + stencil.width, 0)
    paper = picture[y + cut_y : ends[0], x + cut_x : ends[1]]
    height, width = paper.shape[:2]
    inked = np.asarray(stencil)[cut_y : cut_y + height, cut_x : cut_x + width, None] / 255
    paper[:] = np.round(paper + inked * (np.array(ink) - paper))


def write_centred(
    picture: Picture, text: str, centre: tuple[int, int], *, on_plate: bool = False
) -> None:
    """Write one line of text around a point; on a pale plate it can be read on any colour."""
    ends = _font(LETTER_PX).getbbox(text, anchor=_BASELINE)
    width, height = round(ends[2] - ends[0]), round(-ends[1])
    left, bottom = centre[0] - width // 2, centre[1] + height // 2
    if on_plate:
        top = max(bottom - height - 3, 0)
        plate = picture[top : bottom + 4, max(left - 3, 0) : left + width + 3]
        plate[:] = faint(plate, kept=0.2)
    write(picture, text, (left, bottom))
