"""What a report says of a slide, gathered from its findings; nothing is measured here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from napari_glioma_density.density import Cell, PatchState, Totals
from napari_glioma_density.exchange.extras import Extras
from napari_glioma_density.exchange.plots import (
    Language,
    draw_band_shares,
    draw_patch_histogram,
    draw_profile,
    figure_bytes,
)
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.report.commands import commands
from napari_glioma_density.exchange.report.map_lines import MapLines, map_lines
from napari_glioma_density.exchange.report.model_notes import ModelNotes, model_notes
from napari_glioma_density.exchange.report.noted import Noted, gather_noted
from napari_glioma_density.exchange.report.pictures import (
    HotspotPictures,
    data_uri,
    hotspot_pictures,
    map_picture,
    slide_picture,
)
from napari_glioma_density.exchange.report.words import ReportWords, words_in
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.uncertainty import Uncertainty
from napari_glioma_density.results.attributes import read_attributes
from napari_glioma_density.slides import Slide

_LIBRARIES = ("napari-glioma-density", "numpy", "scipy", "torch", "zarr", "opencv-python-headless")
CROSSES, CORRECTED, REVIEWED, INCOMPLETE = "±", "✎", "✓", "…"


@dataclass(frozen=True)
class BandRow:
    """A line of the legend; the share is that of the patches read, 0–1."""

    colour: str
    limits: str
    share: float


@dataclass(frozen=True)
class CellRow:
    """A line of the table of cells; `model` is given for cells that a person corrected."""

    cell: Cell
    unsure: Uncertainty | None
    band: BandRow
    signs: str
    ratio: float | None
    model: Cell | None


@dataclass(frozen=True)
class HotspotRow:
    """A ranked cell and its pictures, if the slide was at hand."""

    rank: int
    cell: Cell
    unsure: Uncertainty | None
    pictures: HotspotPictures | None


@dataclass(frozen=True)
class LeftOutRow:
    """mm² left out for a reason, and who marked it."""

    reason: str
    mm2: float
    origins: tuple[str, ...]


@dataclass(frozen=True)
class UnmeasuredRow:
    """Patches in a state that is in no sum."""

    state: str
    patches: int
    mm2: float


@dataclass(frozen=True)
class CorrectedFigures:
    """How much a person corrected, and the model's figures."""

    fields: int
    patches: int
    reader: str
    model: Totals


@dataclass(frozen=True)
class Contents:
    """A report before it is set in type."""

    words: ReportWords
    language: Language
    case_id: str
    findings: Findings
    extras: Extras
    made: str
    run_made: str
    totals: Totals
    bands: tuple[BandRow, ...]
    map_picture: str
    map: MapLines
    slide_picture: str | None
    histogram: str
    shares: str
    hotspots: tuple[HotspotRow, ...]
    ranked_by_model: bool
    cells: tuple[CellRow, ...]
    left_out: tuple[LeftOutRow, ...]
    unmeasured: tuple[UnmeasuredRow, ...]
    corrected: CorrectedFigures | None
    noted: Noted
    profiles: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]
    model: ModelNotes
    tuned_elsewhere: bool
    commands: tuple[str, ...]


def gather_contents(
    findings: Findings,
    extras: Extras,
    language: Language,
    slide: Slide | None,
    case_id: str,
    on_progress: Progress | None,
) -> Contents:
    """Gather all that a report says; see `write_report`."""
    shown = findings.snapshot
    parts = 1 + len(shown.hotspots)

    def drawn(part: int) -> None:
        if on_progress is not None:
            on_progress(part, parts)

    picture, width, height = map_picture(findings, slide)
    drawn(1)
    attributes = read_attributes(findings.run.folder)
    return Contents(
        words=words_in(language),
        language=language,
        case_id=case_id,
        findings=findings,
        extras=extras,
        made=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        run_made=str(attributes.get("created", ""))[:19].replace("T", " "),
        totals=shown.totals,
        bands=_bands(findings),
        map_picture=picture,
        map=map_lines(findings, width, height, extras.field_hotspots),
        slide_picture=None if slide is None else slide_picture(slide),
        histogram=_svg(
            draw_patch_histogram(shown.patches, shown.scale, shown.scope, language=language)
        ),
        shares=_svg(draw_band_shares(shown.totals, shown.scale, language=language)),
        hotspots=tuple(_hotspots(findings, extras, slide, drawn)),
        ranked_by_model=_is_out_of_order(shown.hotspots),
        cells=tuple(_cells(findings, extras)),
        left_out=tuple(_left_out(findings)),
        unmeasured=tuple(_unmeasured(findings)),
        corrected=_corrected(findings),
        noted=gather_noted(extras),
        profiles=tuple(_profiles(extras, language)),
        versions=_versions(attributes.get("versions", {})),
        model=model_notes(findings.spec),
        tuned_elsewhere=findings.is_tuned_elsewhere,
        commands=commands(findings, language),
    )


def _svg(plot: Figure) -> str:
    return data_uri(figure_bytes(plot, "svg"), "image/svg+xml")


def _bands(findings: Findings) -> tuple[BandRow, ...]:
    scale, shares = findings.snapshot.scale, findings.snapshot.totals.bands
    rows = zip(scale.colours, scale.spans, shares, strict=True)
    return tuple(BandRow(*row) for row in rows)


def _is_out_of_order(hotspots: tuple[Cell, ...]) -> bool:
    """Whether what is shown of hotspots does not fall from rank to rank."""
    shown = [cell.tissue_density_percent or 0.0 for cell in hotspots]
    return any(first < second for first, second in pairwise(shown))


def _hotspots(
    findings: Findings, extras: Extras, slide: Slide | None, drawn: Callable[[int], None]
) -> Iterator[HotspotRow]:
    for rank, cell in enumerate(findings.snapshot.hotspots, start=1):
        pictures = None if slide is None else hotspot_pictures(findings, slide, cell)
        drawn(1 + rank)
        yield HotspotRow(rank, cell, _uncertainty(extras, cell), pictures)


def _uncertainty(extras: Extras, cell: Cell) -> Uncertainty | None:
    return None if extras.intervals is None else extras.intervals.cells.get(cell.address)


def _cells(findings: Findings, extras: Extras) -> Iterator[CellRow]:
    shown, bands = findings.snapshot, _bands(findings)
    ratios = {} if extras.references is None else extras.references.ratios
    for cell in shown.cells:
        corrected = shown.is_corrected(cell.row, cell.column)
        yield CellRow(
            cell=cell,
            unsure=_uncertainty(extras, cell),
            band=bands[cell.band],
            signs=_signs(cell, findings, extras),
            ratio=ratios.get(cell.address),
            model=shown.model_cell(cell.row, cell.column) if corrected else None,
        )


def _signs(cell: Cell, findings: Findings, extras: Extras) -> str:
    shown, unsure = findings.snapshot, _uncertainty(extras, cell)
    signs = (
        (CROSSES, unsure is not None and unsure.crosses_limit(shown.scale)),
        (CORRECTED, shown.is_corrected(cell.row, cell.column)),
        (REVIEWED, cell.address in extras.reviewed),
        (INCOMPLETE, not cell.complete),
    )
    return " ".join(sign for sign, holds in signs if holds)


def _left_out(findings: Findings) -> Iterator[LeftOutRow]:
    for reason, mm2 in sorted(findings.excluded_mm2.items(), key=lambda each: -each[1]):
        origins = {str(region.origin) for region in findings.left_out if region.reason == reason}
        yield LeftOutRow(reason, mm2, tuple(sorted(origins)))


def _unmeasured(findings: Findings) -> Iterator[UnmeasuredRow]:
    patches, scope = findings.snapshot.patches, findings.snapshot.scope
    pending = patches.state == PatchState.PENDING
    areas = {
        # Damaged tiles may be a part of a patch that was read otherwise.
        "unread": patches.unread_px,
        "pending": patches.lattice.patch_px() * pending,
    }
    for state, px in areas.items():
        asked = px if scope is None else px * scope
        if asked.any():
            mm2 = float(asked.sum() * patches.lattice.px_mm2)
            yield UnmeasuredRow(state, int(np.count_nonzero(asked)), mm2)


def _corrected(findings: Findings) -> CorrectedFigures | None:
    corrected, shown = findings.corrected, findings.snapshot
    if corrected is None:
        return None
    asked = corrected.corrected if shown.scope is None else corrected.corrected & shown.scope
    return CorrectedFigures(
        fields=corrected.fields_in(shown.scope),
        patches=int(np.count_nonzero(asked)),
        reader=corrected.reader,
        model=shown.model_totals,
    )


def _profiles(extras: Extras, language: Language) -> Iterator[str]:
    for each in extras.profiles:
        yield _svg(
            draw_profile(
                each.profile,
                each.kind,
                decay=each.decay,
                slope=each.slope,
                side=each.side,
                name=each.name,
                language=language,
            )
        )


def _versions(of_run: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the versions recorded when the run began, and of the rest those installed."""
    return tuple(({name: version(name) for name in _LIBRARIES} | of_run).items())
