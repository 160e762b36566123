"""Findings as GeoJSON for QuPath, written feature by feature."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from json import dumps
from pathlib import Path

from napari_glioma_density.exchange.geojson.features import annotation_lines, nucleus_lines
from napari_glioma_density.exchange.geojson.nucleus_outlines import OutlinedNuclei, outline_nuclei
from napari_glioma_density.exchange.geojson.vocabulary import ABOUT
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import provenance
from napari_glioma_density.exchange.whole_output import whole_file
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.findings import Findings


@dataclass(frozen=True)
class GeojsonReport:
    """What was written.

    Attributes
    ----------
    nuclei, annotations
        How many.
    discs
        Nuclei among them that the mask no longer shows apart; a disc of their area stands in.
    size_bytes
        Size of the file.
    """

    nuclei: int
    annotations: int
    discs: int
    size_bytes: int


def write_geojson(
    path: Path,
    findings: Findings,
    *,
    offset_px: tuple[float, float] = (0, 0),
    field_hotspots: Iterable[FieldHotspot] = (),
    on_progress: Progress | None = None,
) -> GeojsonReport:
    """Write nuclei, grid cells, hotspots and regions as a GeoJSON FeatureCollection.

    Coordinates are level-0 px, (x, y) from the top left corner. Nuclei are detections; all else
    is an annotation with what was measured in it. There is one feature a line, and they are
    written as they are made, so memory does not grow with the slide. Of the slide only its
    pseudonym is named.

    Parameters
    ----------
    path
        The file to replace.
    findings
        What is said of the slide.
    offset_px
        Where the reading program's px begin: `Slide.bounds_offset` for QuPath, which crops slides
        to their stated bounds.
    field_hotspots
        Circles to write beside the densest cells.
    on_progress
        Told of blocks of the slide whose nuclei are outlined.

    Raises
    ------
    StoreError
        When the disk is full or refuses, or a corrected field is damaged; the file that was there
        before is kept.
    """
    written = _Written()
    lines = chain(
        written.annotations(annotation_lines(findings, offset_px, field_hotspots)),
        chain.from_iterable(
            nucleus_lines(findings, part, offset_px)
            for part in written.nuclei(outline_nuclei(findings, on_progress))
        ),
    )
    with whole_file(path) as beside:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            about = dumps(provenance(findings), ensure_ascii=False)
            file.write(f'{{"type":"FeatureCollection","{ABOUT}":{about},"features":[')
            for number, line in enumerate(lines):
                file.write(f",\n{line}" if number else f"\n{line}")
            file.write("\n]}\n")
        size = beside.stat().st_size
    return GeojsonReport(written.nucleus_count, written.annotation_count, written.discs, size)


class _Written:
    """Counts what passes."""

    def __init__(self) -> None:
        self.nucleus_count = self.annotation_count = self.discs = 0

    def annotations(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self.annotation_count += 1
            yield line

    def nuclei(self, parts: Iterable[OutlinedNuclei]) -> Iterator[OutlinedNuclei]:
        for part in parts:
            self.nucleus_count += len(part.nuclei)
            self.discs += int((~part.found).sum())
            yield part
