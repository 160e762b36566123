"""A nucleus from one click: the outline around it along which the score falls off most steeply."""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.scores import Score

_CLICK_UM: Final = 1.0
"""A click need not be exact: the score within this radius of it counts."""
_LEVELS: Final = 24
_SMOOTHING_UM: Final = 0.5
"""Radius of the opening that rounds an outline."""
_SOLIDITY_WEIGHT: Final = 4.0
"""Two nuclei joined, or one with its fibre, are far from convex."""
_AREA_WEIGHT: Final = 0.15
"""Lets the whole of a nucleus win over one dark clump in it."""


class _Outline(NamedTuple):
    worth: float
    inside: NDArray[np.uint8]


def grow(
    score: Score,
    y: int,
    x: int,
    um_per_px: float,
    taken: NDArray[np.bool_],
    min_um2: float,
    max_um2: float,
) -> NDArray[np.bool_] | None:
    """Grow a nucleus around a click.

    Thresholds between the score at the click and that of its surroundings each give a region. The
    one is taken whose outline runs along the steepest descent and is roundest.

    Parameters
    ----------
    score
        (height, width) float32, 0–1: a hint's score or the model's.
    y, x
        The click, px.
    um_per_px
        Resolution of the score.
    taken
        (height, width) pixels of other nuclei, which the region does not enter.
    min_um2, max_um2
        Least and greatest area.

    Returns
    -------
    ndarray or None
        (height, width) bool: one piece that holds the click, without holes but for taken pixels;
        None when the click lies on a taken pixel or there is no region of such an area.
    """
    height, width = score.shape
    if not (0 <= y < height and 0 <= x < width) or taken[y, x]:
        return None
    # Wide enough for the longest nucleus of the greatest area: four times as long as wide.
    reach = int(np.ceil(2 * np.sqrt(max_um2) / um_per_px)) + 2
    top, left = max(0, y - reach), max(0, x - reach)
    window = np.s_[top : y + reach + 1, left : x + reach + 1]
    areas_px = (min_um2 / um_per_px**2, max_um2 / um_per_px**2)
    inside = _best_region(score[window], (y - top, x - left), um_per_px, taken[window], areas_px)
    if inside is None:
        return None
    grown = np.zeros(score.shape, dtype=np.bool_)
    grown[window] = inside > 0
    return grown


def _best_region(
    score: Score,
    at: tuple[int, int],
    um_per_px: float,
    taken: NDArray[np.bool_],
    areas_px: tuple[float, float],
) -> NDArray[np.uint8] | None:
    slope = _slope(score)
    free = ~taken
    radius = max(1, round(_SMOOTHING_UM / um_per_px))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
    best: _Outline | None = None
    for level in _levels(score, at, um_per_px, free):
        region = _piece_at(score >= level, free, at, disc)
        if region is None or not areas_px[0] <= cv2.countNonZero(region) <= areas_px[1]:
            continue
        outline = _Outline(_worth(region, slope), region)
        best = outline if best is None or outline.worth > best.worth else best
    return None if best is None else best.inside


def _levels(
    score: Score, at: tuple[int, int], um_per_px: float, free: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Thresholds from just above the surroundings to just below the click."""
    click = np.zeros(score.shape, dtype=np.uint8)
    cv2.circle(click, at[::-1], round(_CLICK_UM / um_per_px), 1, cv2.FILLED)
    here = float(score[(click > 0) & free].mean())
    ground = float(np.quantile(score[free], 0.25))
    return np.linspace(ground, here, _LEVELS + 2, dtype=np.float32)[1:-1]


def _piece_at(
    above: NDArray[np.bool_],
    free: NDArray[np.bool_],
    at: tuple[int, int],
    disc: NDArray[np.uint8],
) -> NDArray[np.uint8] | None:
    """The piece at the click of what is above a threshold, opened and without holes."""
    opened = cv2.morphologyEx((above & free).astype(np.uint8), cv2.MORPH_OPEN, disc)
    if not opened[at]:
        return None
    _, pieces = cv2.connectedComponents(opened, connectivity=4)
    piece = (pieces == pieces[at]).astype(np.uint8)
    outlines, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(piece, outlines, -1, 1, cv2.FILLED)
    return np.asarray(filled & free)  # what was a hole may be another nucleus


def _slope(score: Score) -> Score:
    """Steepness of the score, per px."""
    across = cv2.Scharr(score, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(score, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(cv2.magnitude(across, down))


def _worth(region: NDArray[np.uint8], slope: Score) -> float:
    """Mean steepness along the outline; less where that is ragged, more for a larger region."""
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    x, y = outlines[0][:, 0].T
    hull = cv2.contourArea(cv2.convexHull(outlines[0]))
    solidity = cv2.contourArea(outlines[0]) / max(hull, 1.0)
    size = cv2.countNonZero(region) ** _AREA_WEIGHT
    return float(slope[y, x].mean() * solidity**_SOLIDITY_WEIGHT * size)
