"""Blur, pen, folds and empty places of a whole slide, found without anyone's help (P1).

The limits were set on annotated fields of six laboratories; `benchmarks/quality.py` counts what
they leave out there. Necrosis, haemorrhage, lymphocytes, vessels and red pen are left to people:
colour and texture do not distinguish them from sound tissue.
"""

from collections.abc import Callable, Iterator
from typing import Final

import cv2
import numpy as np
import shapely
import shapely.affinity
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.regions.quality_faults import Finding, Spots, findings_of, odd
from napari_glioma_density.regions.quality_outlines import outlines_of
from napari_glioma_density.regions.quality_survey import QualitySurvey, survey_quality
from napari_glioma_density.regions.region import Origin, Region, RegionKind
from napari_glioma_density.slides import WorkingPlane

AUTHOR: Final = "quality control"


def check_quality(
    plane: WorkingPlane,
    tissue: NDArray[np.uint8],
    *,
    on_progress: Callable[[int, int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[Region, ...]:
    """Find what should not be measured: blur, pen, folds, and places without tissue.

    Parameters
    ----------
    plane
        The slide at the run's working resolution.
    tissue
        uint8 (ceil(height / 16), ceil(width / 16)): the run's `TissueKind` of every 16×16
        working px. Only patches that hold tissue are looked at.
    on_progress
        Called with tiles done and tiles in all, on the calling thread.
    stop
        Asked between tiles; once true, nothing is found and nothing more is read.

    Returns
    -------
    tuple[Region, ...]
        Exclusions of automatic origin with a reason of pen, fold, blur or other, in level-0 px;
        no two of them overlap. The comment says what was measured.
    """
    stopped = stop or (lambda: False)
    survey = survey_quality(plane, tissue, on_progress or (lambda _done, _total: None), stopped)
    if stopped():
        return ()
    regions: list[Region] = []
    slide = shapely.box(0, 0, plane.slide.width, plane.slide.height)
    taken: BaseGeometry = shapely.Polygon()
    for finding in findings_of(survey):
        for outline, measured in _outlined(finding, survey):
            rest = shapely.difference(shapely.intersection(outline, slide), taken)
            if shapely.area(rest) * _px_mm2(survey) < finding.least_mm2 / 2:
                continue
            regions.append(_region(rest, finding, measured))
            taken = shapely.union(taken, rest)
    return tuple(regions)


def _outlined(finding: Finding, survey: QualitySurvey) -> Iterator[tuple[BaseGeometry, float]]:
    """Yield the outline of every group that is no speck, and the mean measured in it."""
    for (top, left), group in _groups(finding, survey):
        at = np.s_[top : top + group.shape[0], left : left + group.shape[1]]
        measured = float(finding.measured[at][group & finding.spots[at]].mean())
        for outline in outlines_of(group, survey.level0_px):
            corner = (left * survey.level0_px, top * survey.level0_px)
            placed = shapely.affinity.translate(outline, *corner)
            yield shapely.buffer(placed, finding.margin_um / survey.um * survey.level0_px), measured


def _groups(finding: Finding, survey: QualitySurvey) -> Iterator[tuple[tuple[int, int], Spots]]:
    """Yield the groups of neighbouring spots that are large enough, with their first spot."""
    width = odd(finding.least_width_um / survey.um)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    joined = cv2.morphologyEx(finding.spots.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    broad = cv2.morphologyEx(joined, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=8)
    for label in range(1, count):
        left, top, across, down, spots = (int(each) for each in stats[label])
        length_um = np.hypot(across, down) * survey.um
        large = spots * (survey.um / 1000) ** 2 >= finding.least_mm2
        if large and length_um >= finding.least_length_um:
            yield (top, left), labels[top : top + down, left : left + across] == label


def _region(outline: BaseGeometry, finding: Finding, measured: float) -> Region:
    return Region.drawn(
        RegionKind.EXCLUSION,
        outline,
        reason=finding.reason,
        origin=Origin.AUTOMATIC,
        author=AUTHOR,
        comment=finding.comment.format(measured),
    )


def _px_mm2(survey: QualitySurvey) -> float:
    """Area of a level-0 px."""
    return (survey.um / survey.level0_px / 1000) ** 2
