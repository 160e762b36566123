"""Drawn regions, and what is left out, as tables."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from napari_glioma_density.exchange.csv_text import Columns, Value, write_table
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import RegionSums, sums_of
from napari_glioma_density.regions.region import Region, RegionKind

REGION_COLUMNS: Final[Columns] = {
    "id": None, "kind": None, "name": None, "reason": None, "centroid_x_um": 2, "centroid_y_um": 2,
    "area_mm2": 6, "length_um": 2, "density_percent": 4, "tissue_density_percent": 4,
    "nuclei": None, "nuclei_per_mm2": 2, "tissue_mm2": 6, "read_mm2": 6, "origin": None,
    "author": None, "time": None, "comment": None,
}  # fmt: skip
EXCLUSION_COLUMNS: Final[Columns] = {"reason": None, "excluded_mm2": 6, "regions": None}


def write_regions_csv(path: Path, findings: Findings) -> None:
    """Write every drawn region with what was measured in it.

    Of an exclusion, what it leaves out; of others, what counts of them. `area_mm2` is that of the
    drawing, `read_mm2` of what was read in it. Lines have a length and no sums. Each is measured
    whole, whatever part of the slide the findings are of.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    left_out = left_out_geometry(findings.left_out)

    def row(region: Region) -> Sequence[Value]:
        if region.kind.is_line:
            return _row(region, None, findings)
        if region.kind is RegionKind.EXCLUSION:
            return _row(region, sums_of(region.geometry, findings.measured), findings)
        counted = sums_of(region.geometry, findings.measured, findings.exclusions, left_out)
        return _row(region, counted, findings)

    write_table(path, REGION_COLUMNS, [row(region) for region in findings.regions])


def _row(region: Region, sums: RegionSums | None, findings: Findings) -> Sequence[Value]:
    um, shape = findings.spec.um_per_px, region.geometry
    return (
        region.id,
        str(region.kind),
        region.name,
        str(region.reason or ""),
        shape.centroid.x * um,
        shape.centroid.y * um,
        None if region.kind.is_line else shape.area * um**2 / 1e6,
        shape.length * um if region.kind.is_line else None,
        *_measured(sums),
        str(region.origin),
        region.author,
        region.time,
        region.comment,
    )


def _measured(sums: RegionSums | None) -> Sequence[Value]:
    if sums is None:
        return (None,) * 6
    return (
        sums.density_percent,
        sums.tissue_density_percent,
        sums.count,
        sums.nuclei_per_mm2,
        sums.tissue_mm2,
        sums.read_mm2,
    )


def write_exclusions_csv(path: Path, findings: Findings) -> None:
    """Write the mm² that were read and are in no sum, by reason, largest first.

    `regions` counts the drawings, and the cells left out in review, that give the reason; where
    two overlap, the area is that of the first.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    drawn = Counter(str(region.reason) for region in findings.left_out)
    areas = sorted(findings.excluded_mm2.items(), key=lambda item: -item[1])
    rows = [(reason, mm2, drawn[reason]) for reason, mm2 in areas]
    write_table(path, EXCLUSION_COLUMNS, rows)
