"""Outlines of nuclei as labelled pixels of a field, the form that corrections have."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson.reading import NucleusOutline
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.raster import covered_pixels

_MOST = int(np.iinfo(np.uint16).max)


def nuclei_as_labels(
    outlines: Sequence[NucleusOutline], plane: Plane, block: Block
) -> NDArray[np.uint16]:
    """Draw outlines into a block of patches, true to their area.

    A pixel belongs to the nucleus that its centre lies in, the first where several overlap. Of
    nuclei on the block's edge the part inside is drawn.

    Parameters
    ----------
    outlines
        In level-0 px; number `i` of them gets the id `i` + 1.
    plane
        The working plane.
    block
        The patches to draw.

    Returns
    -------
    ndarray
        (height, width) uint16 ids in working px, clipped at the slide's edge; 0 is background.

    Raises
    ------
    BadInput
        When there are more than 65 535 outlines.
    """
    if len(outlines) > _MOST:
        raise BadInput(f"{len(outlines)} nuclei are too many for one field: choose fewer patches")
    down, across = plane.lattice.window(block)
    labels = np.zeros((down.stop - down.start, across.stop - across.start), np.uint16)
    for number, outline in enumerate(outlines, start=1):
        geometry = plane.to_working(outline.geometry)
        rows, columns = _window(geometry, down, across)
        if rows.start < rows.stop and columns.start < columns.stop:
            there = labels[
                rows.start - down.start : rows.stop - down.start,
                columns.start - across.start : columns.stop - across.start,
            ]
            there[covered_pixels(geometry, (rows, columns)) & (there == 0)] = number
    return labels


def _window(geometry: shapely.Geometry, down: slice, across: slice) -> tuple[slice, slice]:
    """Rows and columns around a geometry, within a larger window."""
    left, top, right, bottom = geometry.bounds
    return (
        slice(max(int(np.floor(top)), down.start), min(int(np.ceil(bottom)), down.stop)),
        slice(max(int(np.floor(left)), across.start), min(int(np.ceil(right)), across.stop)),
    )
