"""Hints: blobs of a thresholded score, and which of them an annotation lacks.

A hint is never an annotation itself (P1): it shows where to look again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_glioma_density.annotation.hint_settings import HintSettings
from napari_glioma_density.annotation.scores import Score
from napari_glioma_density.nuclei.table import separate_nuclei

Window = tuple[slice, slice]
Labels = NDArray[np.int32]

MOST_COVERED: Final = 0.5
"""A blob covered beyond this share is a nucleus that is already there."""
MOST_CUT: Final = 0.5
"""Share of a blob's outline along which it was cut off from more of the same; beyond it, the blob
is a piece of something large and no nucleus."""
LEAST_REST_UM2: Final = 4.0
"""What the annotation leaves of a blob is no hint when it is smaller: a rim."""
LEAST_SUPPORT: Final = 0.7
"""Share of a nucleus above the threshold below which it is doubtful: of a model's nuclei in glioma
one in twenty is false, of such ones about half."""

_OPENING_UM: Final = 0.5
"""Radius; cuts fibres off, and what joins nuclei by a thread."""
_SURROUNDINGS_PX: Final = 5
"""Side of the square that a hint is compared over: two px beyond its outline."""
_FULL_CONTRAST: Final = 0.5
"""Difference of scores that is certain: few nuclei stand out more from their surroundings."""
_LARGEST_HOLE_UM2: Final = 50.0
"""A pale nucleus with a dark membrane has a hole; a lumen ringed by nuclei is none."""


@dataclass(frozen=True)
class Hint:
    """One blob.

    Attributes
    ----------
    id
        Its value in the labels; what `missing_hints` leaves of the hint keeps it.
    y, x
        The pixel deepest inside it.
    area_um2
        Its area.
    confidence
        0–1; what is more often a nucleus stands higher.
    window
        Smallest rectangle that holds it.
    """

    id: int
    y: int
    x: int
    area_um2: float
    confidence: float
    window: Window


@dataclass(frozen=True, eq=False)
class HintMap:
    """The hints of a field.

    Attributes
    ----------
    labels
        (height, width) int32 ids of hints, 0 none.
    hints
        In the order of their ids.
    above
        (height, width) bool: the binarised score, blobs of all sizes.
    score
        (height, width) float32 that was thresholded.
    """

    labels: Labels
    hints: tuple[Hint, ...]
    above: NDArray[np.bool_]
    score: Score


def find_hints(score: Score, settings: HintSettings, um_per_px: float) -> HintMap:
    """Every blob of the binarised score within the area limits.

    Parameters
    ----------
    score
        (height, width) float32, 0–1.
    settings
        Threshold, areas, holes, splitting. Blobs that were split apart are never below
        ``nuclei.table.SMALLEST_NUCLEUS_UM2``.
    um_per_px
        Resolution of the score.
    """
    binary = _binarised(score, settings, um_per_px)
    if settings.split:
        labels = separate_nuclei(binary, um_per_px)
    else:
        _, labels = cv2.connectedComponents(binary, connectivity=8, ltype=cv2.CV_32S)
    area_um2 = np.bincount(labels.ravel()) * um_per_px**2
    kept = (area_um2 >= settings.min_um2) & (area_um2 <= settings.max_um2)
    kept[0] = False
    kept &= _cut_shares(labels, binary) <= MOST_CUT
    labels = np.where(kept, np.cumsum(kept), 0).astype(np.int32)[labels]
    above = binary > 0
    hints = _hints(labels, area_um2[kept], _confidences(score, labels, above)[1:])
    return HintMap(labels, hints, above, score)


def missing_hints(
    found: HintMap, labels: NDArray[np.integer], rejected: Iterable[tuple[int, int]] = ()
) -> HintMap:
    """Hints that an annotation lacks, without the pixels that it has.

    Parameters
    ----------
    found
        As `find_hints` gives it.
    labels
        (height, width) ids of the annotation's nuclei, 0 background.
    rejected
        Points (y, x) in px; a hint that holds one is gone.
    """
    has = labels != 0
    whole = np.bincount(found.labels.ravel(), minlength=len(found.hints) + 1)
    covered = np.bincount(found.labels[has], minlength=len(whole))
    gone = covered > MOST_COVERED * whole
    gone[0] = True
    height, width = has.shape
    inside = [(y, x) for y, x in rejected if 0 <= y < height and 0 <= x < width]
    gone[[found.labels[at] for at in inside]] = True
    rest = np.where(has | gone[found.labels], 0, found.labels)
    hints = []
    for hint in found.hints:
        if covered[hint.id] and not gone[hint.id]:
            left = _left_of(hint, rest, hint.area_um2 / whole[hint.id])
            hints += [left] if left else []
        elif not gone[hint.id]:
            hints.append(hint)
    confidence = _confidences(found.score, rest, found.above)
    judged = tuple(
        Hint(hint.id, hint.y, hint.x, hint.area_um2, float(confidence[hint.id]), hint.window)
        for hint in hints
    )
    return HintMap(rest, judged, found.above, found.score)


def unsupported(found: HintMap, labels: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Pixels (height, width) of nuclei that lie mostly below the threshold.

    Parameters
    ----------
    found
        As `find_hints` gives it.
    labels
        (height, width) ids of the annotation's nuclei, 0 background.
    """
    area = np.bincount(labels.ravel())
    supported = np.bincount(labels[found.above], minlength=len(area))
    doubtful = supported < LEAST_SUPPORT * area
    doubtful[0] = False
    return np.asarray(doubtful[labels])


def _binarised(score: Score, settings: HintSettings, um_per_px: float) -> NDArray[np.uint8]:
    binary = (score >= settings.threshold).astype(np.uint8)
    radius = max(1, round(_OPENING_UM / um_per_px))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    binary = np.asarray(cv2.morphologyEx(binary, cv2.MORPH_OPEN, around))
    return (
        _without_holes(binary, _LARGEST_HOLE_UM2 / um_per_px**2) if settings.fill_holes else binary
    )


def _cut_shares(labels: Labels, binary: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of each label's outline beyond which the binarised score goes on."""
    number = int(labels.max()) + 1
    outline, cut = np.zeros(number), np.zeros(number)
    sides = ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1]))
    for one, other in (*sides, *(side[::-1] for side in sides)):
        ends = labels[one] != labels[other]
        ids = labels[one][ends]
        outline += np.bincount(ids, minlength=number)
        cut += np.bincount(ids, binary[other][ends], minlength=number)
    return np.asarray(cut / np.maximum(outline, 1))


def _without_holes(binary: NDArray[np.uint8], largest_px: float) -> NDArray[np.uint8]:
    _, holes, stats, _ = cv2.connectedComponentsWithStats(1 - binary, connectivity=4)
    filled = (stats[:, cv2.CC_STAT_AREA] <= largest_px).astype(np.uint8)
    filled[0] = 1
    return np.asarray(filled[holes])


def _confidences(score: Score, labels: Labels, above: NDArray[np.bool_]) -> NDArray[np.float64]:
    """By id, how far the mean score of a hint stands above that of what surrounds it, 0–1."""
    inside = np.flatnonzero(labels)
    ids = labels.ravel()[inside]
    count = int(ids.max(initial=0)) + 1
    within = _means(ids, score.ravel()[inside], count)
    # float32, which OpenCV can dilate, holds every id below 2²⁴.
    spread = cv2.dilate(labels.astype(np.float32), np.ones((_SURROUNDINGS_PX,) * 2, np.uint8))
    around = np.flatnonzero((spread > 0) & ~above)
    beside = _means(spread.ravel()[around].astype(np.intp), score.ravel()[around], count)
    return np.clip((within - beside) / _FULL_CONTRAST, 0, 1)


def _means(ids: NDArray[np.integer], values: Score, count: int) -> NDArray[np.float64]:
    """Mean of the values of each id, 0 where it has none."""
    sums = np.bincount(ids, weights=values, minlength=count)
    return np.asarray(sums / np.maximum(np.bincount(ids, minlength=count), 1))


def _hints(
    labels: Labels, areas_um2: NDArray[np.floating], confidences: NDArray[np.floating]
) -> tuple[Hint, ...]:
    """Hints of labels 1, 2, …, in their order."""
    windows = ndimage.find_objects(labels)
    y, x = _deepest(labels, len(windows))
    columns = (y.tolist(), x.tolist(), areas_um2.tolist(), confidences.tolist(), windows)
    return tuple(Hint(i, *values) for i, values in enumerate(zip(*columns, strict=True), 1))


def _deepest(labels: Labels, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """``y, x`` of the pixel of each label 1 … count that is farthest from where it ends."""
    inner = (labels > 0).astype(np.uint8)
    beside, below = labels[:, 1:] != labels[:, :-1], labels[1:] != labels[:-1]
    inner[:, 1:][beside] = inner[:, :-1][beside] = inner[1:][below] = inner[:-1][below] = 0
    depth = cv2.distanceTransform(inner, cv2.DIST_L2, cv2.DIST_MASK_3).ravel()
    at = np.flatnonzero(labels)
    ids = labels.ravel()[at]
    most = np.zeros(count + 1, dtype=np.float32)
    np.maximum.at(most, ids, depth[at])
    summit = depth[at] == most[ids]
    _, first = np.unique(ids[summit], return_index=True)
    return np.divmod(at[summit][first], labels.shape[1])


def _left_of(hint: Hint, rest: Labels, px_um2: float) -> Hint | None:
    """The largest piece of a hint that is left; others, and one too small, leave `rest`."""
    part = rest[hint.window]
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(
        (part == hint.id).astype(np.uint8), connectivity=4
    )
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, width, height, area_px = stats[largest].tolist()
    enough = area_px * px_um2 >= LEAST_REST_UM2
    part[(pieces > 0) & ((pieces != largest) | (not enough))] = 0
    if not enough:
        return None
    top, left = hint.window[0].start + y, hint.window[1].start + x
    window = (slice(top, top + height), slice(left, left + width))
    (deep_y,), (deep_x,) = _deepest((rest[window] == hint.id).astype(np.int32), 1)
    place = (top + int(deep_y), left + int(deep_x))
    return Hint(hint.id, *place, area_px * px_um2, hint.confidence, window)
