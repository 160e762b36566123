"""Everything that leaves the program, by the name of its format."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.csv_files import TABLES
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import demand_slide
from napari_glioma_density.exchange.replacing import (
    demand_replaceable,
    demand_replaceable_tables,
)
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.written import count
from napari_glioma_density.slides import Slide, open_slide

Told = Progress | None
REGIONS_WHOLE = "regions are measured whole, also outside the part"
"""Of tables that are otherwise those of a part of the slide."""


class Format(StrEnum):
    """What results can be exported to."""

    GEOJSON = "geojson"
    OME_TIFF = "ome-tiff"
    OME_ZARR = "ome-zarr"
    CSV = "csv"
    REPORT = "report"


@dataclass(frozen=True)
class Wishes:
    """What a person may say of an export.

    Attributes
    ----------
    slide
        The slide: pictures of a report, haematoxylin of nuclei and QuPath's offset come from it.
    language, case_id
        Of a report.
    """

    slide: Slide | None = None
    language: str = "en"
    case_id: str = ""


def export(
    findings: Findings,
    to: Format,
    path: Path,
    wishes: Wishes | None = None,
    on_progress: Progress | None = None,
) -> str:
    """Write findings in a format.

    Parameters
    ----------
    findings
        All numbers.
    to
        The format.
    path
        The file or, of CSV and OME-Zarr, the folder. An earlier export is replaced whole or not
        at all; of a folder of tables, every table is. Nothing else is replaced.
    wishes
        What else is known.
    on_progress
        Told of parts written; an error that it raises ends the export.

    Returns
    -------
    str
        What was written, in a few words.

    Raises
    ------
    BadInput
        When the slide is not the one that was measured, a wish cannot be met, or something else
        is there.
    StoreError
        When it cannot be written.
    """
    wishes = wishes or Wishes()
    demand_slide(wishes.slide, findings.pseudonym)
    if to in _OWN:
        demand_replaceable(path, *_OWN[to])
    elif to is Format.CSV:
        demand_replaceable_tables(path, TABLES)
    return _WRITERS[to](findings, path, wishes, on_progress)


def slide_beside(store: Path) -> Slide | None:
    """Open the slide that a store lies beside; None when there is none, or it cannot be read."""
    path = store.with_name(store.name.removesuffix(".glioma.zarr"))
    if path == store or not path.exists():
        return None
    try:
        return open_slide(path)
    except BadInput:
        return None


def _geojson(findings: Findings, path: Path, wishes: Wishes, on_progress: Told) -> str:
    from napari_glioma_density.exchange.extras_gathering import densest_fields
    from napari_glioma_density.exchange.geojson.writing import write_geojson

    offset_px = wishes.slide.bounds_offset if wishes.slide else (0, 0)
    written = write_geojson(
        path,
        findings,
        offset_px=offset_px,
        field_hotspots=densest_fields(findings),
        on_progress=on_progress,
    )
    return f"{count(written.nuclei)} nuclei, {count(written.annotations)} annotations"


def _ome_tiff(findings: Findings, path: Path, _: Wishes, on_progress: Told) -> str:
    from napari_glioma_density.exchange.ome_tiff import write_ome_tiff

    write_ome_tiff(path, findings, on_progress=on_progress)
    return "nucleus mask and density map"


def _ome_zarr(findings: Findings, path: Path, _: Wishes, on_progress: Told) -> str:
    from napari_glioma_density.exchange.ome_zarr import write_ome_zarr

    write_ome_zarr(path, findings, on_progress=on_progress)
    return "nucleus mask and density map"


def _csv(findings: Findings, path: Path, wishes: Wishes, on_progress: Told) -> str:
    from napari_glioma_density.exchange.csv_files import write_csv_folder
    from napari_glioma_density.exchange.extras_gathering import gather_extras

    extras = gather_extras(findings)
    write_csv_folder(path, findings, slide=wishes.slide, extras=extras, on_progress=on_progress)
    told = "patches, cells, nuclei, regions, exclusions, hotspots, notes and totals"
    is_part = findings.snapshot.scope is not None
    return f"{told}; {REGIONS_WHOLE}" if is_part and findings.regions else told


def _report(findings: Findings, path: Path, wishes: Wishes, on_progress: Told) -> str:
    from napari_glioma_density.exchange.extras_gathering import gather_extras
    from napari_glioma_density.exchange.report import write_report

    write_report(
        path,
        findings,
        extras=gather_extras(findings),
        language=wishes.language,
        slide=wishes.slide,
        case_id=wishes.case_id,
        on_progress=on_progress,
    )
    return "report" if wishes.slide else "report without pictures: the slide is not beside it"


_OWN: dict[Format, tuple[bytes, str]] = {
    Format.GEOJSON: (rb'"glioma-density":{', "GeoJSON of this program"),
    Format.OME_TIFF: (rb"napari-glioma-density \d", "OME-TIFF of this program"),
    Format.REPORT: (rb'content="napari-glioma-density \d', "report of this program"),
}
"""How files of one kind are known that were exported before, and what they are in words."""
_WRITERS: dict[Format, Callable[[Findings, Path, Wishes, Told], str]] = {
    Format.GEOJSON: _geojson,
    Format.OME_TIFF: _ome_tiff,
    Format.OME_ZARR: _ome_zarr,
    Format.CSV: _csv,
    Format.REPORT: _report,
}
