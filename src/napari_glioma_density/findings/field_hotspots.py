"""The densest circles of a slide, wherever they lie: fields of 0.24 mm² and 1 mm²."""

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import Exclusions
from napari_glioma_density.findings.circle_search import Circle, Ground, picks, scores
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import Measured, RegionSums, sums_of
from napari_glioma_density.results.masks import MaskLevel

FIELD_AREAS_MM2 = (0.24, 1.0)
ENOUGH_TISSUE = 0.75
"""Tissue px that count / px of a circle. What is left of one beside a fold or a blur that was left
out is seldom sound."""


@dataclass(frozen=True)
class FieldHotspot:
    """One of the densest circles.

    Attributes
    ----------
    rank
        1 for the densest.
    area_mm2, radius_um, centre_x_um, centre_y_um
        The circle; its centre in µm from the slide's upper left corner.
    outline
        The circle in level-0 px (x, y), as a polygon of its area.
    sums
        What was measured in it.
    """

    rank: int
    area_mm2: float
    radius_um: float
    centre_x_um: float
    centre_y_um: float
    outline: shapely.Polygon
    sums: RegionSums


def find_field_hotspots(
    measured: Measured,
    area_mm2: float,
    *,
    mask: MaskLevel | None = None,
    scope: NDArray[np.bool_] | None = None,
    exclusions: Exclusions | None = None,
    left_out: BaseGeometry | None = None,
    ranked_by: Measured | None = None,
    most: int = 10,
    min_tissue_share: float = ENOUGH_TISSUE,
) -> tuple[FieldHotspot, ...]:
    """Find the circles with most nucleus px for their tissue px; none overlaps another.

    Circles are tried all over the nucleus mask, with centres 16 working px apart, and the densest
    is taken, then the densest that does not overlap it, and so on. Each is then measured exactly,
    and they are ranked by that. All of a circle lies on the slide and in scope.

    Parameters
    ----------
    measured
        The values to return.
    area_mm2
        Area of a circle.
    mask
        Where circles are searched: nuclei of `ranked_by`, or of `measured` without it, at 1 or 1/4
        of the working plane. That at 1/4 is quicker to read; by default that at 1.
    scope
        Patches that count, bool of shape (lattice rows, lattice columns); all by default.
    exclusions, left_out
        What is in no sum, and where, in level-0 px: both or neither. Like what was not read, it
        is no tissue.
    ranked_by
        The values that decide: the model's, so that no circle rises merely because someone looked
        at it and added nuclei. `measured` itself when None.
    most
        How many at most.
    min_tissue_share
        Tissue px that count, over all px of the circle, that it needs.
    """
    lattice, deciding = measured.plane.lattice, ranked_by or measured
    circle = Circle.of(area_mm2, lattice.px_mm2)
    ground = Ground.of(deciding, deciding.mask if mask is None else mask, scope, left_out)
    found: list[tuple[float, FieldHotspot]] = []
    for y, x in picks(scores(ground, circle, min_tissue_share), circle):
        outline = measured.plane.to_level0(circle.outline(y, x))
        sums = decisive = sums_of(outline, measured, exclusions, left_out)
        if ranked_by is not None:
            decisive = sums_of(outline, ranked_by, _of_the_model(exclusions), left_out)
        density = decisive.tissue_density_percent
        if density is not None and decisive.tissue_mm2 >= min_tissue_share * area_mm2:
            um = lattice.um_per_px
            radius_um = circle.radius_px * um
            spot = FieldHotspot(0, area_mm2, radius_um, x * um, y * um, outline, sums)
            found.append((density, spot))
        if len(found) == most:
            break
    found.sort(key=lambda each: -each[0])
    return tuple(replace(spot, rank=rank) for rank, (_, spot) in enumerate(found, start=1))


def _of_the_model(exclusions: Exclusions | None) -> Exclusions | None:
    """Return what exclusions take off the model's values."""
    if exclusions is None:
        return None
    parts = exclusions.parts.copy()
    for name in ("nucleus_px", "tissue_px", "count"):
        parts[name] = parts[f"model_{name}"]
    return replace(exclusions, parts=parts)


def field_hotspots(findings: Findings, area_mm2: float) -> tuple[FieldHotspot, ...]:
    """Return the ten densest circles of a slide, as `find_field_hotspots` does.

    With corrections they hold the corrected values, in the order that the model's give.
    """
    run, some_left_out = findings.run, bool(findings.left_out)
    model = None
    if findings.corrected is not None:
        patches, mask, nuclei = findings.snapshot.measured, run.mask(0), run.nuclei()
        model = replace(findings.measured, patches=patches, mask=mask, nuclei=nuclei)
    return find_field_hotspots(
        findings.measured,
        area_mm2,
        mask=run.mask(1),
        scope=findings.snapshot.scope,
        exclusions=findings.exclusions if some_left_out else None,
        left_out=left_out_geometry(findings.left_out) if some_left_out else None,
        ranked_by=model,
    )
