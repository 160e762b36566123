"""What an export says beside the findings: gathered once, for every format alike."""

from collections.abc import Iterable, Iterator
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.extras import (
    DrawnProfile,
    Extras,
    Intervals,
    References,
    RegionComparison,
)
from napari_glioma_density.exchange.review_notes import review_notes
from napari_glioma_density.findings.comparison import compare, ratio_to_reference
from napari_glioma_density.findings.count_error import CountError, count_error
from napari_glioma_density.findings.decay import Side, fit_decay, slope
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.field_hotspots import (
    FIELD_AREAS_MM2,
    FieldHotspot,
    field_hotspots,
)
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.known_error import holding, known_error
from napari_glioma_density.findings.profiles import (
    REACH_UM,
    STEP_UM,
    ProfileKind,
    profile_along,
    profile_from_border,
)
from napari_glioma_density.findings.reference import reference_of
from napari_glioma_density.findings.sections import (
    MeasuredSection,
    find_sections,
    measure_sections,
)
from napari_glioma_density.findings.validation import scores_named
from napari_glioma_density.nuclei.kept_metrics import metrics_of
from napari_glioma_density.regions.exclusion import left_out_geometry
from napari_glioma_density.regions.measuring import RegionSums, parts_of, sums_of
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.results.specimen import NOT_VALIDATED

MOST_COMPARISONS = 6


def gather_extras(findings: Findings) -> Extras:
    """Gather intervals, sections, densest fields, comparisons, profiles and what was noted.

    The first few drawn areas are compared pair by pair; every drawn line and border is measured.

    Raises
    ------
    StoreError
        When a part of the store is damaged.
    """
    regions, sections = _Regions(findings), sections_of(findings)
    notes = review_notes(findings, sections)
    known = intervals(findings, sections)
    error = known.error if known else None
    return Extras(
        intervals=known,
        sections=sections,
        field_hotspots=densest_fields(findings),
        references=regions.references(sections),
        comparisons=tuple(islice(regions.comparisons(error), MOST_COMPARISONS)),
        profiles=tuple(regions.profiles()),
        reviewed=tuple(name for note in notes if note.mark.reviewed for name in note.names),
        comments={
            name: note.mark.comment for note in notes if note.mark.comment for name in note.names
        },
        notes=notes,
    )


def densest_fields(findings: Findings) -> tuple[FieldHotspot, ...]:
    """Return the densest circles of every area."""
    return tuple(
        spot for area_mm2 in FIELD_AREAS_MM2 for spot in field_hotspots(findings, area_mm2)
    )


def intervals(findings: Findings, sections: Iterable[MeasuredSection] = ()) -> Intervals | None:
    """Return how sure cells, total and nucleus count are; None when nothing is known of that."""
    error = known_error(findings.store, findings.spec, findings.snapshot)
    is_validated = findings.specimen not in NOT_VALIDATED and not findings.is_sharper
    error = holding(error, is_validated=is_validated)
    if error is None:
        return None
    counted = _count_error(findings) if is_validated else None
    return Intervals.of(findings, error, counted, sections)


def _count_error(findings: Findings) -> CountError | None:
    percent = findings.snapshot.totals.tissue_density_percent
    metrics = metrics_of(findings.spec.weights_sha256)
    if percent is None or metrics is None:
        return None
    with scores_named(metrics):
        return count_error(metrics, percent, findings.spec.organ)


def sections_of(findings: Findings) -> tuple[MeasuredSection, ...]:
    """Return the pieces of tissue in scope, measured, with cells as large as the slide's.

    None if there is only one on the slide: that one is the slide.
    """
    shown = findings.snapshot
    found = find_sections(findings.run.tissue, findings.run.lattice)
    asked = [each for each in found if shown.scope is None or (each.patches & shown.scope).any()]
    return measure_sections(
        asked if len(found) > 1 else (),
        shown.patches,
        cell_mm=shown.grid.cell_mm,
        scope=shown.scope,
        scale=shown.scale,
        ranked_by=None if shown.rank_corrected else shown.model,
    )


class _Regions:
    """The drawn regions of some findings, measured without what is left out."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._left_out = left_out_geometry(findings.left_out)

    def references(self, sections: Iterable[MeasuredSection]) -> References | None:
        """All reference tissue together, and every cell against it, those of sections too."""
        reference = reference_of(self._findings)
        if reference is None:
            return None
        own = (cell for each in sections for cell in each.cells)
        cells = (*self._findings.snapshot.cells, *own)
        ratios = zip(cells, ratio_to_reference(cells, reference.sums), strict=True)
        return References(reference.names, {c.address: r for c, r in ratios if r is not None})

    def comparisons(self, error: DensityError | None) -> Iterator[RegionComparison]:
        """Every two areas; pairs without tissue are passed over."""
        shown = self._findings.snapshot
        for one, other in combinations(self._of(RegionKind.AREA), 2):
            sums = self._sums(one.geometry), self._sums(other.geometry)
            parts = self._parts(one.geometry), self._parts(other.geometry)
            compared = compare(*sums, *parts, error, shown.known, shown.corrected)
            if compared is not None:
                yield RegionComparison(one.title, other.title, *sums, compared)

    def profiles(self) -> Iterator[DrawnProfile]:
        """Density along every line and against the distance from every border."""
        measured = self._findings.measured
        for line in self._of(RegionKind.LINE, RegionKind.BORDER):
            along = line.kind is RegionKind.LINE
            measure = profile_along if along else profile_from_border
            try:
                profile = measure(line.geometry, REACH_UM, STEP_UM, measured, self._left_out)
            except BadInput:  # too short for a single step: there is nothing to report
                continue
            yield DrawnProfile(
                line.title,
                ProfileKind.ALONG if along else ProfileKind.FROM,
                profile,
                None if along else fit_decay(profile, Side.RIGHT),
                slope(profile, Side.BOTH if along else Side.RIGHT),
            )

    def _of(self, *kinds: RegionKind) -> list[Region]:
        return [region for region in self._findings.regions if region.kind in kinds]

    def _sums(self, geometry: BaseGeometry) -> RegionSums:
        findings = self._findings
        return sums_of(geometry, findings.measured, findings.exclusions, self._left_out)

    def _parts(self, geometry: BaseGeometry) -> NDArray[np.void]:
        findings = self._findings
        return parts_of(geometry, findings.measured, findings.exclusions, self._left_out)
