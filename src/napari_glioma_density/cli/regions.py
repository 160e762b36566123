"""Regions as people type them."""

from math import isfinite

from napari_glioma_density.errors import BadInput

Region = tuple[float, float, float, float]
"""x, y, width and height in level-0 px."""


def parse_region(text: str) -> Region:
    """Read X,Y,W,H; BadInput when it is none."""
    try:
        x, y, width, height = (float(part) for part in text.split(","))
    except ValueError:
        raise BadInput(f"--region {text}: give X,Y,W,H in level-0 px, as 0,0,4000,3000") from None
    if not all(map(isfinite, (x, y, width, height))):
        raise BadInput(f"--region {text}: give numbers, as 0,0,4000,3000")
    if width <= 0 or height <= 0:
        raise BadInput(f"--region {text}: width and height must be above 0")
    return x, y, width, height
