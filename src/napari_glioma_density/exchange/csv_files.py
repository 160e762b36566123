"""A folder of tables for spreadsheets and scripts."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_glioma_density.density import measure_corrected_cells
from napari_glioma_density.exchange.cell_tables import (
    CELL_COLUMNS,
    HOTSPOT_COLUMNS,
    TOTAL_COLUMNS,
    write_cells_csv,
    write_hotspots_csv,
    write_totals_csv,
)
from napari_glioma_density.exchange.csv_text import Columns, write_table
from napari_glioma_density.exchange.haematoxylin import mean_haematoxylin
from napari_glioma_density.exchange.nucleus_table import NUCLEUS_COLUMNS, write_nuclei_csv
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import provenance
from napari_glioma_density.exchange.region_tables import (
    EXCLUSION_COLUMNS,
    REGION_COLUMNS,
    write_exclusions_csv,
    write_regions_csv,
)
from napari_glioma_density.exchange.review_notes import NOTE_COLUMNS, write_notes_csv
from napari_glioma_density.exchange.whole_output import whole_files
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.results.tables import (
    GRID_COLUMNS,
    PATCH_COLUMNS,
    write_corrected_grid_csv,
    write_corrected_patches_csv,
    write_grid_csv,
    write_patches_csv,
)
from napari_glioma_density.slides import Slide

if TYPE_CHECKING:  # tables need nothing of what draws a report
    from napari_glioma_density.exchange.extras import Extras

ABOUT_COLUMNS: Final[Columns] = {"name": None, "value": None}
TABLES: Final[Mapping[str, Iterable[str]]] = {
    "patches.csv": PATCH_COLUMNS,
    "grid.csv": GRID_COLUMNS,
    "cells.csv": CELL_COLUMNS,
    "nuclei.csv": NUCLEUS_COLUMNS,
    "regions.csv": REGION_COLUMNS,
    "exclusions.csv": EXCLUSION_COLUMNS,
    "hotspots.csv": HOTSPOT_COLUMNS,
    "notes.csv": NOTE_COLUMNS,
    "totals.csv": TOTAL_COLUMNS,
    "about.csv": ABOUT_COLUMNS,
}
"""The files of such a folder and their columns, others perhaps after them."""


def write_csv_folder(
    folder: Path,
    findings: Findings,
    *,
    slide: Slide | None = None,
    extras: "Extras | None" = None,
    on_progress: Progress | None = None,
) -> None:
    """Write patches, grid, cells, nuclei, regions, exclusions, hotspots, notes, totals and about.

    All are CSV; patches.csv and grid.csv are those of an estimate. Units stand in the names of
    columns; no file names a patient or the slide's file. about.csv says where the numbers come
    from.

    Parameters
    ----------
    folder
        Where to; made when it is not there. All tables are replaced, or none.
    findings
        What is said of the slide.
    slide
        The slide, for the haematoxylin of nuclei; that column stays empty without.
    extras
        Intervals, ratios, sections, densest fields, and what was noted of cells.
    on_progress
        Told of blocks of the slide read.

    Raises
    ------
    BadInput
        When the slide is not the one that was measured.
    StoreError
        When a file cannot be written; what was there before is kept.
    """
    from napari_glioma_density.exchange.extras import Extras

    extras = extras or Extras()
    stain = None if slide is None else mean_haematoxylin(findings, slide, on_progress)
    sections = [each.section for each in extras.sections]
    with whole_files(folder) as part:
        write_patches_and_grid(part, findings)
        write_cells_csv(part / "cells.csv", findings, extras)
        write_nuclei_csv(part / "nuclei.csv", findings, haematoxylin=stain, sections=sections)
        write_regions_csv(part / "regions.csv", findings)
        write_exclusions_csv(part / "exclusions.csv", findings)
        write_hotspots_csv(part / "hotspots.csv", findings, extras)
        write_notes_csv(part / "notes.csv", extras.notes)
        write_totals_csv(part / "totals.csv", findings, extras)
        write_table(part / "about.csv", ABOUT_COLUMNS, _about(findings))


def write_patches_and_grid(folder: Path, findings: Findings) -> None:
    """Write patches.csv and grid.csv, with the model's values beside corrected ones.

    Raises
    ------
    StoreError
        When a file cannot be written.
    """
    shown, corrected = findings.snapshot, findings.corrected
    if corrected is None:
        write_patches_csv(folder / "patches.csv", shown.patches, shown.scope, shown.scale)
        write_grid_csv(folder / "grid.csv", shown.cells)
        return
    pairs = measure_corrected_cells(corrected, shown.grid, shown.scope, shown.scale)
    write_corrected_patches_csv(folder / "patches.csv", corrected, shown.scope, shown.scale)
    write_corrected_grid_csv(folder / "grid.csv", pairs)


def _about(findings: Findings) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in provenance(findings).items()]
