"""The viewer's world: µm from the slide's upper left corner, y before x.

napari puts the centre of pixel 0 at the translation of a layer, so every layer is moved by half of
one of its own pixels; then slides, masks and patch maps of any pixel size share their corner.
"""

from typing import Any

MICROMETRE = "um"
PIXEL = "pixel"


def placement(px: float, unit: str = MICROMETRE) -> dict[str, Any]:
    """Return the ``scale``, ``translate`` and ``units`` of a layer whose pixels are `px` wide."""
    return {"scale": (px, px), "translate": (px / 2, px / 2), "units": (unit, unit)}


def slide_placement(um_per_px: float | None) -> dict[str, Any]:
    """Return the placement of a slide's level 0; in pixels when its µm/px is unknown."""
    return placement(1.0, PIXEL) if um_per_px is None else placement(um_per_px)
