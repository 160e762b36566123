"""The region under a point of the slide."""

from collections.abc import Iterable

import shapely

from napari_glioma_density.regions.region import Region

REACH_PX = 8
"""A line is hit when it is clicked within so many screen px."""


def region_at(
    regions: Iterable[Region], y_um: float, x_um: float, um_per_px: float, zoom: float
) -> Region | None:
    """Return the smallest region that holds a point of the world, a line before any area.

    Parameters
    ----------
    regions
        To choose from.
    y_um, x_um
        The point.
    um_per_px
        Of the slide's level 0.
    zoom
        Screen px per µm.
    """
    point = shapely.Point(x_um / um_per_px, y_um / um_per_px)
    reach = REACH_PX / zoom / um_per_px
    hit = [
        region
        for region in regions
        if shapely.dwithin(region.geometry, point, reach if region.kind.is_line else 0.0)
    ]
    return min(hit, key=lambda region: region.geometry.area, default=None)
