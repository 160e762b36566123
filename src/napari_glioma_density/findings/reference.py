"""Reference tissue: what people drew of it, measured as one."""

from dataclasses import dataclass

import shapely

from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import RegionSums, sums_of
from napari_glioma_density.regions.region import RegionKind


@dataclass(frozen=True)
class Reference:
    """All reference tissue of a slide together: what it is called, and what counts of it."""

    names: str
    sums: RegionSums


def reference_of(findings: Findings) -> Reference | None:
    """Measure all reference regions as one; where two overlap, tissue counts once.

    Returns
    -------
    Reference | None
        None when nobody drew any.
    """
    drawn = [region for region in findings.regions if region.kind is RegionKind.REFERENCE]
    if not drawn:
        return None
    tissue = shapely.unary_union([region.geometry for region in drawn])
    left_out = left_out_geometry(findings.left_out)
    sums = sums_of(tissue, findings.measured, findings.exclusions, left_out)
    return Reference(", ".join(dict.fromkeys(region.title for region in drawn)), sums)
