"""Against what: cells against reference tissue, one region against another, with intervals."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from napari_glioma_density.density import Cell
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.interval import CONFIDENCE, Interval
from napari_glioma_density.regions.measuring import RegionSums

RESAMPLES = 2000
FEWEST_CLUSTERS = 5
"""With fewer pieces of tissue, resampling them gives a handful of distinct draws."""
_CLUSTERS = 20
"""Pieces a region is cut into when it is large enough: neighbouring patches resemble each other."""
_SEED = 20250201
GONE_THROUGH = "by hand"
"""What is said of two places of which nothing is unsure but what else such tissue would show."""
UNKNOWN = "unknown"


def ratio_to_reference(cells: Iterable[Cell], reference: RegionSums) -> tuple[float | None, ...]:
    """Return the tissue density of every cell over that of reference tissue.

    Parameters
    ----------
    cells
        As measured.
    reference
        The reference regions, added up.

    Returns
    -------
    tuple of float or None
        One a cell, in their order; None for a cell without tissue, and for all where the reference
        has no tissue or no nucleus.
    """
    below = reference.tissue_density_percent
    return tuple(
        cell.tissue_density_percent / below
        if below and cell.tissue_density_percent is not None
        else None
        for cell in cells
    )


@dataclass(frozen=True)
class Comparison:
    """Tissue density of region A against that of region B.

    Attributes
    ----------
    difference_points
        A less B, in points.
    ratio
        A over B; None where B has no nucleus.
    difference_interval, ratio_interval
        95 % intervals; None where nothing is known of how sure the figures are.
    covers
        What the intervals cover, in words; or that both places were gone through by hand, or that
        nothing is known.
    """

    difference_points: float
    ratio: float | None
    difference_interval: Interval | None
    ratio_interval: Interval | None
    covers: str


def compare(
    a: RegionSums,
    b: RegionSums,
    a_patches: NDArray[np.void] | None = None,
    b_patches: NDArray[np.void] | None = None,
    error: DensityError | None = None,
    known: NDArray[np.bool_] | None = None,
    edited: NDArray[np.bool_] | None = None,
    whole_slide: tuple[bool, bool] = (False, False),
) -> Comparison | None:
    """Compare two regions of one slide by their tissue density.

    Two things make the figures unsure. *Tissue*: another piece of the same tissue would have
    measured otherwise. A bootstrap (Efron 1979) draws pieces of each region anew, squares of
    patches, about twenty a region. *Model*: how far it is off on this slide is shared by both
    regions: of dense ones it cancels in the ratio and scales the difference; of sparse ones, where
    the error no longer shrinks with density, it does the reverse. How far it is off on one kind of
    tissue against another is not shared, and is added for each region; in a whole slide it cancels
    out, as in its interval. The variances are added;
    of the ratio, those of its logarithm. What a person vouches for is taken as known, as in the
    intervals of cells and totals: the model's error holds for the rest.

    Parameters
    ----------
    a, b
        Sums of the regions.
    a_patches, b_patches
        The same by patch (`regions.measuring.parts_of`). Without them, or where a region has fewer
        than five pieces, nothing is said of tissue.
    error
        Of the model; without it nothing is said of the model.
    known
        Patches whose values a person vouches for, bool, (lattice rows, lattice columns): those of
        finished fields. It takes the regions' patches to tell how much of them that is.
    edited
        Patches whose values are a person's, vouched for or not yet, bool of the same shape; those
        of `known` by default. They are not put right by the middle of the error again.
    whole_slide
        Whether `a`, and `b`, are all tissue of the slide.

    Returns
    -------
    Comparison | None
        None where either region has no tissue.
    """
    above, below = a.tissue_density_percent, b.tissue_density_percent
    if above is None or below is None:
        return None
    marks = known, known if edited is None else edited
    sides = (
        _side(a, a_patches, error, marks, whole_slide[0]),
        _side(b, b_patches, error, marks, whole_slide[1]),
    )
    by_hand = all(side.is_known for side in sides)
    error = None if by_hand else error
    tissue = _tissue_spread(*sides)
    return Comparison(
        difference_points=above - below,
        ratio=above / below if below else None,
        difference_interval=_difference_interval(*sides, tissue, error),
        ratio_interval=_ratio_interval(*sides, tissue, error),
        covers=_covers(tissue is not None, error is not None)
        or (GONE_THROUGH if by_hand else UNKNOWN),
    )


def _covers(tissue: bool, model: bool) -> str:
    parts = [word for word, known in (("tissue", tissue), ("model", model)) if known]
    return " and ".join(parts)


@dataclass(frozen=True)
class _Side:
    """One region as intervals have it.

    `percent` is its tissue density with what the model found put right by the middle of its error,
    `slide_sd` and `tissue_sd` what the model may be off of it, in points; `pieces` are the nucleus
    and tissue px of its squares, (pieces, 2), None without patches.
    """

    percent: float
    slide_sd: float
    tissue_sd: float
    pieces: NDArray[np.float64] | None
    is_known: bool


def _side(
    region: RegionSums,
    parts: NDArray[np.void] | None,
    error: DensityError | None,
    marks: tuple[NDArray[np.bool_] | None, NDArray[np.bool_] | None],
    is_slide: bool,
) -> _Side:
    centre = error.centre if error else 1.0
    nucleus, tissue, pieces = region.nucleus_px, region.tissue_px, None
    as_found = nucleus
    if parts is not None:
        known, edited = (_marked(parts, patches) for patches in marks)
        pieces = _pieces(parts, np.where(edited, 1.0, centre))
        nucleus, tissue = (int(parts[name][~known].sum()) for name in ("nucleus_px", "tissue_px"))
        as_found = int(parts["nucleus_px"][~edited].sum())
    found, share = 100 * nucleus / max(tissue, 1), tissue / region.tissue_px
    return _Side(
        percent=100 * (region.nucleus_px + (centre - 1) * as_found) / region.tissue_px,
        slide_sd=share * error.slide_sd(found) if error else 0.0,
        tissue_sd=share * error.tissue_sd(found) if error and not is_slide else 0.0,
        pieces=pieces,
        is_known=not tissue,
    )


def _marked(parts: NDArray[np.void], patches: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Which parts lie in patches that are marked; none where nothing is."""
    if patches is None:
        return np.zeros(parts.shape, bool)
    return np.asarray(patches[parts["row"], parts["column"]])


@dataclass(frozen=True)
class _Spread:
    """Bootstrapped standard deviations of the difference, points, and of the ratio's logarithm."""

    difference: float
    log_ratio: float


def _tissue_spread(a: _Side, b: _Side) -> _Spread | None:
    if a.pieces is None or b.pieces is None:
        return None
    random = np.random.default_rng(_SEED)
    first, second = _draws(a.pieces, random), _draws(b.pieces, random)
    if first is None or second is None:
        return None
    logs = [np.log(draws[draws > 0]) for draws in (first, second)]
    of_logs = sum(float(log.var()) if log.size else 0.0 for log in logs)
    return _Spread(float((first - second).std()), float(np.sqrt(of_logs)))


def _draws(pieces: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64] | None:
    """Tissue density in percent of every resample: (RESAMPLES,)."""
    n = len(pieces)
    if n < FEWEST_CLUSTERS:
        return None
    times = random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    nucleus, tissue = (times @ pieces).T
    # Few pieces spread too little: the variance of a mean of n is drawn with n, not n − 1.
    density = 100 * nucleus / np.maximum(tissue, 1)
    centre = density.mean()
    return np.asarray(centre + (density - centre) * np.sqrt(n / (n - 1)))


def _pieces(parts: NDArray[np.void], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Nucleus, times a patch's `centre`, and tissue px of squares that hold tissue: (pieces, 2)."""
    centre, parts = centre[parts["tissue_px"] > 0], parts[parts["tissue_px"] > 0]
    side = max(1, int(np.sqrt(parts.size / _CLUSTERS)))
    squares = np.stack([parts["row"] // side, parts["column"] // side], axis=1)
    _, piece = np.unique(squares, axis=0, return_inverse=True)
    sums = [
        np.bincount(piece.ravel(), px) for px in (centre * parts["nucleus_px"], parts["tissue_px"])
    ]
    return np.stack(sums, axis=1)


def _difference_interval(
    a: _Side, b: _Side, tissue: _Spread | None, error: DensityError | None
) -> Interval | None:
    if tissue is None and error is None:
        return None
    variance = tissue.difference**2 if tissue else 0.0
    variance += a.tissue_sd**2 + b.tissue_sd**2 + (a.slide_sd - b.slide_sd) ** 2
    middle = a.percent - b.percent
    half = _factor(error) * float(np.sqrt(variance))
    return Interval(max(-100.0, middle - half), min(100.0, middle + half))


def _ratio_interval(
    a: _Side, b: _Side, tissue: _Spread | None, error: DensityError | None
) -> Interval | None:
    if (tissue is None and error is None) or not (a.percent and b.percent):
        return None
    variance = tissue.log_ratio**2 if tissue else 0.0
    variance += sum((side.tissue_sd / side.percent) ** 2 for side in (a, b))
    variance += (a.slide_sd / a.percent - b.slide_sd / b.percent) ** 2
    half, middle = _factor(error) * float(np.sqrt(variance)), a.percent / b.percent
    return Interval(middle * float(np.exp(-half)), middle * float(np.exp(half)))


def _factor(error: DensityError | None) -> float:
    """Standard deviations from the middle of an interval to its ends."""
    return error.factor if error else float(stats.norm.ppf((1 + CONFIDENCE) / 2))
