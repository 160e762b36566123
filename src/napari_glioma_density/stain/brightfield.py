"""Telling a stained section in transmitted light from fluorescence and dark field."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.stain.some_pixels import some_pixels

# Shares and percentiles of so many px hardly differ from those of all.
_LOOKED_AT = 100_000
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
# Light passes glass and most tissue: the brighter tenth of a brightfield image is bright. The
# darkest H&E fields at hand reach 54 there, fluorescence 10.
_BRIGHT_PERCENTILE = 90
_TOO_DARK = 40.0
# Fluorescence of much tissue is brighter, but on a ground of black, where no stain is so dark
# over so large an area. A scanner's black border is, but has bright glass beside it.
_BLACK, _BLACK_SHARE, _GLASS = 25, 0.25, 150.0


class NotBrightfield(SlideError):
    """The slide is plainly not brightfield; whoever asked may insist on measuring it."""


class SeenPixels(Protocol):
    """Colours, uint8 (height, width, 3), and which of them were read, bool (height, width)."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours."""
        ...

    @property
    def read(self) -> NDArray[np.bool_]:
        """Which of them were read."""
        ...


def refuse_unless_brightfield(pixels: SeenPixels, name: str) -> None:
    """Refuse a slide that is plainly not brightfield.

    Parameters
    ----------
    pixels
        Thumbnail of the slide; what was not read does not count.
    name
        File name, for the error.

    Raises
    ------
    NotBrightfield
        When nearly all of it is dark, or much of it black and none of it glass.
    """
    seen = some_pixels(pixels.rgb, pixels.read, _LOOKED_AT)
    if not len(seen):
        return
    bright = float(np.percentile(seen @ _LUMA, _BRIGHT_PERCENTILE))
    black_share = float((seen.max(axis=-1) < _BLACK).mean())
    if bright < _TOO_DARK or (black_share > _BLACK_SHARE and bright < _GLASS):
        raise NotBrightfield(
            f"{name}: looks like fluorescence or dark field, not a brightfield H&E slide; "
            "open an H&E slide, or pass --force to measure it all the same"
        )
