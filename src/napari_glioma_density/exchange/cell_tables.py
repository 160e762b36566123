"""What is said of grid cells and hotspots beyond grid.csv, as tables."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_glioma_density.density import BandScale, Cell
from napari_glioma_density.exchange.csv_text import Columns, Value, write_table
from napari_glioma_density.exchange.provenance import corrected_patches, measured_part
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.sections import MeasuredSection
from napari_glioma_density.regions.measuring import RegionSums

if TYPE_CHECKING:  # a table needs nothing of what draws a report
    from napari_glioma_density.exchange.extras import Extras

CELL_COLUMNS: Final[Columns] = {
    "section": None, "cell": None, "x_um": 2, "y_um": 2, "width_um": 2, "height_um": 2,
    "density_percent": 4, "tissue_density_percent": 4, "nuclei_per_mm2": 2, "tissue_mm2": 6,
    "read_mm2": 6, "band": None, "complete": None, "density_low_percent": 4,
    "density_high_percent": 4, "tissue_density_low_percent": 4, "tissue_density_high_percent": 4,
    "crosses_band_limit": None, "ratio_to_reference": 4, "reviewed": None, "comment": None,
}  # fmt: skip
HOTSPOT_COLUMNS: Final[Columns] = {
    "kind": None, "section": None, "rank": None, "cell": None, "centre_x_um": 2, "centre_y_um": 2,
    "area_mm2": 6, "density_percent": 4, "tissue_density_percent": 4, "nuclei_per_mm2": 2,
    "tissue_mm2": 6, "read_mm2": 6,
}  # fmt: skip
TOTAL_COLUMNS: Final[Columns] = {
    "slide": None, "model": None, "run": None, "density_percent": 4, "tissue_density_percent": 4,
    "nuclei_per_mm2": 2, "tissue_mm2": 6, "read_mm2": 6, "unread_mm2": 6, "complete": None,
    "corrected_patches": None, "density_low_percent": 4, "density_high_percent": 4,
    "tissue_density_low_percent": 4, "tissue_density_high_percent": 4, "of": None,
}  # fmt: skip


def write_totals_csv(path: Path, findings: Findings, extras: "Extras") -> None:
    """Write the totals of all that counts, one row, so that those of many slides can be stacked.

    `complete` is 1 or 0. `of` is slide, the name of a section, or part where only a part of the
    slide was chosen. Intervals are of 95 %.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    totals = findings.snapshot.totals
    unsure = extras.intervals.total if extras.intervals else None
    row = (
        findings.pseudonym,
        findings.spec.model,
        findings.spec.run_id,
        totals.density_percent,
        totals.tissue_density_percent,
        totals.nuclei_per_mm2,
        totals.tissue_mm2,
        totals.read_mm2,
        totals.unread_mm2,
        int(totals.complete),
        corrected_patches(findings),
        *((*unsure.density, *unsure.tissue_density) if unsure else (None,) * 4),
        measured_part(findings),
    )
    write_table(path, TOTAL_COLUMNS, [row])


def write_cells_csv(path: Path, findings: Findings, extras: "Extras") -> None:
    """Write every cell with its interval, its ratio to reference tissue and what was noted.

    The cells of the slide's grid come first, without a section, or those of the section that was
    chosen; then those of each other section's own grid. `crosses_band_limit`, `complete` and
    `reviewed` are 1 or 0, the first empty where there is no interval. Intervals are of 95 %.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    shown = findings.snapshot
    rows = [
        (cell.section, *_measured(cell), *_noted(cell.address, extras, shown.scale))
        for cells in (shown.cells, *(other.cells for other in _others(findings, extras)))
        for cell in cells
    ]
    write_table(path, CELL_COLUMNS, rows)


def _others(findings: Findings, extras: "Extras") -> list[MeasuredSection]:
    """The sections beside that which was chosen, if one was."""
    chosen = findings.snapshot.grid.section
    return [each for each in extras.sections if each.section.name != chosen]


def _measured(cell: Cell) -> Sequence[Value]:
    return (
        cell.address,
        cell.x_um,
        cell.y_um,
        cell.width_um,
        cell.height_um,
        cell.density_percent,
        cell.tissue_density_percent,
        cell.nuclei_per_mm2,
        cell.tissue_mm2,
        cell.read_mm2,
        cell.band,
        int(cell.complete),
    )


def _noted(address: str, extras: "Extras", scale: BandScale) -> Sequence[Value]:
    unsure = extras.intervals.cells.get(address) if extras.intervals else None
    return (
        *((*unsure.density, *unsure.tissue_density) if unsure else (None,) * 4),
        int(unsure.crosses_limit(scale)) if unsure else None,
        extras.references.ratios.get(address) if extras.references else None,
        int(address in extras.reviewed),
        extras.comments.get(address, ""),
    )


def write_hotspots_csv(path: Path, findings: Findings, extras: "Extras") -> None:
    """Write the densest cells of the slide, of each section, and the densest fields.

    Where one section was chosen, its own stand for those of the slide. `kind` is cell or field: a
    field is a circle of `area_mm2`. Ranks begin anew with every section and with every size of
    circle.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    others = (other.hotspots for other in _others(findings, extras))
    rows = [
        *(row for cells in (findings.snapshot.hotspots, *others) for row in _ranked(cells)),
        *(_circle_row(circle) for circle in extras.field_hotspots),
    ]
    write_table(path, HOTSPOT_COLUMNS, rows)


def _ranked(cells: Iterable[Cell]) -> Iterator[Sequence[Value]]:
    for rank, cell in enumerate(cells, start=1):
        centre = cell.x_um + cell.width_um / 2, cell.y_um + cell.height_um / 2
        area_mm2 = cell.width_um * cell.height_um / 1e6
        yield ("cell", cell.section, rank, cell.address, *centre, area_mm2, *_figures(cell))


def _circle_row(circle: FieldHotspot) -> Sequence[Value]:
    centre = circle.centre_x_um, circle.centre_y_um
    return ("field", "", circle.rank, "", *centre, circle.area_mm2, *_figures(circle.sums))


def _figures(measured: Cell | RegionSums) -> Sequence[Value]:
    return (
        measured.density_percent,
        measured.tissue_density_percent,
        measured.nuclei_per_mm2,
        measured.tissue_mm2,
        measured.read_mm2,
    )
