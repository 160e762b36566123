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
        What the intervals cover, in words.
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
) -> Comparison | None:
    """Compare two regions of one slide by their tissue density.

    Two things make the figures unsure. *Tissue*: another piece of the same tissue would have
    measured otherwise. A bootstrap (Efron 1979) draws pieces of each region anew, squares of
    patches, about twenty a region. *Model*: how far it is off on this slide is shared by both
    regions: of dense ones it cancels in the ratio and scales the difference; of sparse ones, where
    the error no longer shrinks with density, it does the reverse. How far it is off on one kind of
    tissue against another is not shared, and is added for each region. The variances are added;
    of the ratio, those of its logarithm.

    Parameters
    ----------
    a, b
        Sums of the regions.
    a_patches, b_patches
        The same by patch (`regions.measuring.parts_of`). Without them, or where a region has fewer
        than five pieces, nothing is said of tissue.
    error
        Of the model; without it nothing is said of the model.

    Returns
    -------
    Comparison | None
        None where either region has no tissue.
    """
    above, below = a.tissue_density_percent, b.tissue_density_percent
    if above is None or below is None:
        return None
    tissue = _tissue_spread(a_patches, b_patches)
    difference, ratio = above - below, above / below if below else None
    return Comparison(
        difference_points=difference,
        ratio=ratio,
        difference_interval=_difference_interval(above, below, tissue, error),
        ratio_interval=_ratio_interval(above, below, tissue, error),
        covers=_covers(tissue is not None, error is not None),
    )


def _covers(tissue: bool, model: bool) -> str:
    parts = [word for word, known in (("tissue", tissue), ("model", model)) if known]
    return " and ".join(parts) or "unknown"


@dataclass(frozen=True)
class _Spread:
    """Bootstrapped standard deviations of the difference, points, and of the ratio's logarithm."""

    difference: float
    log_ratio: float


def _tissue_spread(a: NDArray[np.void] | None, b: NDArray[np.void] | None) -> _Spread | None:
    if a is None or b is None:
        return None
    random = np.random.default_rng(_SEED)
    first, second = _draws(a, random), _draws(b, random)
    if first is None or second is None:
        return None
    logs = [np.log(draws[draws > 0]) for draws in (first, second)]
    of_logs = sum(float(log.var()) if log.size else 0.0 for log in logs)
    return _Spread(float((first - second).std()), float(np.sqrt(of_logs)))


def _draws(parts: NDArray[np.void], random: np.random.Generator) -> NDArray[np.float64] | None:
    """Tissue density in percent of every resample: (RESAMPLES,)."""
    pieces = _pieces(parts)
    n = len(pieces)
    if n < FEWEST_CLUSTERS:
        return None
    times = random.multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    nucleus, tissue = (times @ pieces).T
    # Few pieces spread too little: the variance of a mean of n is drawn with n, not n − 1.
    density = 100 * nucleus / np.maximum(tissue, 1)
    centre = density.mean()
    return np.asarray(centre + (density - centre) * np.sqrt(n / (n - 1)))


def _pieces(parts: NDArray[np.void]) -> NDArray[np.float64]:
    """Nucleus and tissue px of squares of patches that hold tissue: (pieces, 2)."""
    parts = parts[parts["tissue_px"] > 0]
    side = max(1, int(np.sqrt(parts.size / _CLUSTERS)))
    squares = np.stack([parts["row"] // side, parts["column"] // side], axis=1)
    _, piece = np.unique(squares, axis=0, return_inverse=True)
    sums = [np.bincount(piece.ravel(), parts[name]) for name in ("nucleus_px", "tissue_px")]
    return np.stack(sums, axis=1)


def _difference_interval(
    above: float, below: float, tissue: _Spread | None, error: DensityError | None
) -> Interval | None:
    if tissue is None and error is None:
        return None
    centre = error.centre if error else 1.0
    middle = centre * (above - below)
    variance, factor = ((centre * tissue.difference) ** 2 if tissue else 0.0), _NORMAL
    if error is not None:
        own = error.tissue_sd(above) ** 2 + error.tissue_sd(below) ** 2
        variance += own + (error.slide_sd(above) - error.slide_sd(below)) ** 2
        factor = error.factor
    half = factor * float(np.sqrt(variance))
    return Interval(middle - half, middle + half)


def _ratio_interval(
    above: float, below: float, tissue: _Spread | None, error: DensityError | None
) -> Interval | None:
    if (tissue is None and error is None) or not (above and below):
        return None
    variance, factor = (tissue.log_ratio**2 if tissue else 0.0), _NORMAL
    if error is not None:
        of_a, of_b = (error.slide_sd(density) / density for density in (above, below))
        own = sum((error.tissue_sd(density) / density) ** 2 for density in (above, below))
        variance += own + (of_a - of_b) ** 2
        factor = error.factor
    half = factor * float(np.sqrt(variance))
    return Interval(above / below * float(np.exp(-half)), above / below * float(np.exp(half)))


_NORMAL = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
