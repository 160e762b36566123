"""How fast density falls with distance: slope and decay length, each with an interval."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from napari_glioma_density.findings.interval import CONFIDENCE, Interval, students_t
from napari_glioma_density.findings.profiles import Profile

FEWEST_STEPS = 6
FEWEST_STRETCHES = 5
_LONGEST = 3.0
"""Longest decay length, in ranges of distance: what falls more slowly looks straight."""
_TRIALS = 40


class Side(StrEnum):
    """Side of a drawn border, seen in its drawing direction on screen."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"


def steps_beside(profile: Profile, side: Side) -> Profile:
    """Return the steps of a profile that lie on one side of its border."""
    asked = _is_beside(profile, side)
    return replace(
        profile,
        distance_um=profile.distance_um[asked],
        nucleus_px=profile.nucleus_px[:, asked],
        read_px=profile.read_px[:, asked],
        tissue_px=profile.tissue_px[:, asked],
    )


def _is_beside(profile: Profile, side: Side) -> NDArray[np.bool_]:
    sign = {Side.LEFT: -1, Side.RIGHT: 1, Side.BOTH: 0}[side]
    return np.greater_equal(sign * profile.distance_um, 0)


@dataclass(frozen=True)
class Slope:
    """Weighted straight line through tissue density: points per mm, and its 95 % interval."""

    points_per_mm: float
    interval: Interval


@dataclass(frozen=True)
class Decay:
    """Tissue density as plateau + amplitude · exp(−distance / length).

    Attributes
    ----------
    length_um, interval
        Decay length in µm, and its 95 % interval.
    amplitude
        Points above the plateau at distance 0; below 0 where density rises with distance.
    plateau_percent
        Density far away.
    """

    length_um: float
    interval: Interval
    amplitude: float
    plateau_percent: float


def slope(profile: Profile, side: Side = Side.BOTH) -> Slope | None:
    """Fit a straight line to tissue density, every step weighted by its tissue.

    The interval is that of a delete-one jackknife over the stretches of a border (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, ch. 11), with Student's t; of a line, which
    is one stretch, that of least squares, which takes neighbouring steps for independent.

    Returns
    -------
    Slope | None
        None for fewer than six steps with tissue.
    """
    steps = _steps(profile, side)
    if steps is None:
        return None
    found, spread = _straight(steps)
    interval = _jackknife(profile, side, lambda some: _straight(some)[0])
    if interval is None:
        half = students_t(steps.percent.size - 2) * spread
        interval = Interval(found - half, found + half)
    return Slope(found, interval)


def fit_decay(profile: Profile, side: Side = Side.RIGHT) -> Decay | None:
    """Fit an exponential decay to tissue density against the distance from a border.

    Least squares weighted by tissue; a step is compared with the mean of the curve over its width,
    so that wide steps do not stretch the length. The interval is that of a delete-one jackknife
    over stretches of the border, of the length's logarithm; for a single stretch the lengths whose
    residuals an F test does not tell from the best (Bates and Watts, Nonlinear Regression Analysis,
    1988, ch. 6).

    Parameters
    ----------
    profile
        From a border; along a line take ``Side.RIGHT``, for its distances are all above 0.
    side
        Left or right of the border; distances on the left are counted up as well.

    Returns
    -------
    Decay | None
        None for fewer than six steps with tissue, or where the data set no limit to the length:
        nothing decays, or it does within a step, or over more than three times the distance seen,
        or the interval reaches from the one to the other.
    """
    steps = _steps(profile, side)
    if steps is None:
        return None
    best, is_limited = _best_length(steps)
    if not is_limited:
        return None
    logs = _jackknife(profile, side, _log_length)
    interval = _likely_lengths(steps, best) if logs is None else _lengths(logs, steps)
    if interval == _range(steps):
        return None
    amplitude, plateau = _linear_part(steps, best)[0]
    return Decay(best, interval, float(amplitude), float(plateau))


@dataclass(frozen=True)
class _Steps:
    """Steps of one side that hold tissue: distance ≥ 0 in µm, density in percent, weight."""

    distance_um: NDArray[np.float64]
    percent: NDArray[np.float64]
    weight: NDArray[np.float64]
    step_um: float


def _steps(profile: Profile, side: Side, without: int | None = None) -> _Steps | None:
    kept = np.arange(len(profile.tissue_px)) != (-1 if without is None else without)
    nucleus, tissue = (px[kept].sum(axis=0) for px in (profile.nucleus_px, profile.tissue_px))
    sign = {Side.LEFT: -1, Side.RIGHT: 1, Side.BOTH: 0}[side]
    asked = (tissue > 0) & _is_beside(profile, side)
    if np.count_nonzero(asked) < FEWEST_STEPS:
        return None
    distance = profile.distance_um[asked] * (sign or 1)
    return _Steps(distance, 100 * nucleus[asked] / tissue[asked], tissue[asked], profile.step_um)


def _straight(steps: _Steps) -> tuple[float, float]:
    """Slope in points per mm, and its standard error."""
    x, w = steps.distance_um / 1000, steps.weight / steps.weight.mean()
    x = x - np.average(x, weights=w)
    slope_ = float((w * x * steps.percent).sum() / (w * x * x).sum())
    rest = steps.percent - np.average(steps.percent, weights=w) - slope_ * x
    variance = (w * rest**2).sum() / (x.size - 2) / (w * x * x).sum()
    return slope_, float(np.sqrt(variance))


def _linear_part(steps: _Steps, length_um: float) -> tuple[NDArray[np.float64], float]:
    """Amplitude and plateau that fit a length best, and the weighted sum of squares left."""
    half = steps.step_um / 2 / length_um
    curve = np.exp(-steps.distance_um / length_um) * np.sinh(half) / half
    root = np.sqrt(steps.weight / steps.weight.mean())
    model = np.stack([curve, np.ones_like(curve)], axis=1) * root[:, None]
    fitted, *_ = np.linalg.lstsq(model, steps.percent * root, rcond=None)
    return fitted, float(((steps.percent * root - model @ fitted) ** 2).sum())


def _range(steps: _Steps) -> tuple[float, float]:
    return steps.step_um / 2, _LONGEST * float(np.ptp(steps.distance_um))


def _best_length(steps: _Steps) -> tuple[float, bool]:
    """Length of least squares, and whether it lies within what can be told, not at its end."""
    trials = np.geomspace(*_range(steps), _TRIALS)
    at = int(np.argmin([_linear_part(steps, trial)[1] for trial in trials]))
    if at in (0, _TRIALS - 1):
        return float(trials[at]), False
    found = optimize.minimize_scalar(
        lambda length: _linear_part(steps, length)[1],
        bounds=(trials[at - 1], trials[at + 1]),
        method="bounded",
    )
    return float(found.x), True


def _log_length(steps: _Steps) -> float:
    """Of a part of a border: where it sets no limit to the length, that end of what can be told."""
    return float(np.log(_best_length(steps)[0]))


def _likely_lengths(steps: _Steps, best: float) -> Interval:
    """Lengths that an F test with 1 and n − 3 degrees of freedom does not refuse."""
    free = steps.percent.size - 3
    limit = _linear_part(steps, best)[1] * (1 + stats.f.ppf(CONFIDENCE, 1, free) / free)
    shortest, longest = _range(steps)
    ends = [_crossing(steps, limit, best, end) for end in (shortest, longest)]
    return Interval(*ends)


def _crossing(steps: _Steps, limit: float, best: float, end: float) -> float:
    if _linear_part(steps, end)[1] <= limit:
        return end
    root = optimize.brentq(
        lambda length: _linear_part(steps, length)[1] - limit, *sorted((best, end))
    )
    return float(root)


def _jackknife(
    profile: Profile, side: Side, estimate: Callable[[_Steps], float]
) -> Interval | None:
    """Interval from leaving out one stretch of the border at a time; None for few stretches."""
    sign = {Side.LEFT: -1, Side.RIGHT: 1, Side.BOTH: 0}[side]
    asked = sign * profile.distance_um >= 0
    used = np.flatnonzero(profile.tissue_px[:, asked].sum(axis=1))
    if used.size < FEWEST_STRETCHES:
        return None
    fits = [_steps(profile, side, int(stretch)) for stretch in used]
    values = np.array([estimate(some) for some in fits if some is not None])
    whole = _steps(profile, side)
    if whole is None or values.size < FEWEST_STRETCHES:
        return None
    n, found = values.size, estimate(whole)
    error = np.sqrt((n - 1) / n * ((values - values.mean()) ** 2).sum())
    half = float(students_t(n - 1) * error)
    return Interval(found - half, found + half)


def _lengths(logs: Interval, steps: _Steps) -> Interval:
    """Lengths from an interval of their logarithms, as far as they can be told."""
    shortest, longest = _range(steps)
    low, high = (float(np.exp(min(end, 700.0))) for end in logs)  # exp of more is no number
    return Interval(max(low, shortest), min(high, longest))
