"""Places of a slide that can be compared: regions, reference tissue, a cell, all of it."""

from collections.abc import Iterable

import shapely
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import CellGrid, cell_address
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.ui.regions.purpose import region_title

SLIDE, CELL, REFERENCE, REGION = "slide", "cell", "reference", "region"
Place = tuple[str, str]
"""Name and key; a key is one of the words above, and which, parted by a colon."""


def places_to_compare(
    regions: Iterable[Region], chosen: tuple[int, int] | None, section: str = ""
) -> tuple[list[Place], list[Place]]:
    """Return the places there are, and those of reference tissue; regions of one name together.

    `chosen` is row and column of a cell in the grid of a section, or of the whole slide.
    """
    areas = [region for region in regions if not region.kind.is_line]
    named = dict.fromkeys(r.name for r in areas if r.kind is RegionKind.REFERENCE)
    references = [(f"Reference: {name}", f"{REFERENCE}:{name}") for name in named]
    own = [(region_title(r), f"{REGION}:{r.id}") for r in areas if r.kind is RegionKind.AREA]
    cell = []
    if chosen is not None:
        row, column = chosen
        cell = [(f"Cell {cell_address(row, column, section)}", f"{CELL}:{row},{column}")]
    return [*own, *cell, ("Whole slide", SLIDE)], references


def place_outline(key: str, findings: Findings, grid: CellGrid) -> BaseGeometry | None:
    """Return where a place is, in level-0 px; None when it is not there any more."""
    kind, _, which = key.partition(":")
    if kind == SLIDE:
        return shapely.box(0, 0, findings.slide_width, findings.slide_height)
    if kind == CELL:
        row, column = (int(part) for part in which.split(","))
        return findings.plane.block_outline(grid.block(row, column))
    meant = [
        region.geometry
        for region in findings.regions
        if which == (region.id if kind == REGION else region.name)
        and (kind == REGION or region.kind is RegionKind.REFERENCE)
    ]
    return shapely.unary_union(meant) if meant else None
