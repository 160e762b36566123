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
_ROUNDING_POINTS = 1e-9
_ALL_PERCENT = 100.0


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
        Density far away, 0–100.
    """

    length_um: float
    interval: Interval
    amplitude: float
    plateau_percent: float

    @property
    def is_possible(self) -> bool:
        """Whether tissue can have the densities that it begins and ends with."""
        ends = (self.plateau_percent, self.plateau_percent + self.amplitude)
        least, most = -_ROUNDING_POINTS, _ALL_PERCENT + _ROUNDING_POINTS
        return all(least <= end <= most for end in ends)


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
    1988, ch. 6). Where the best curve is on its way below 0 or above 100 %, the best of those that
    are not stands for it, if that test does not tell the two apart.

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
        or the interval reaches from the one to the other, or no density that tissue can have is
        where the fall ends.
    """
    steps = _steps(profile, side)
    if steps is None:
        return None
    found = _fitted(profile, side, steps, _free)
    if found is None or found.is_possible:
        return found
    possible = _fitted(profile, side, steps, _possible)
    if possible is None or _linear_part(steps, possible.length_um, _possible)[1] > _limit(
        steps, _linear_part(steps, found.length_um, _free)[1]
    ):
        return None
    return possible


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


_Ends = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""Densities at the border and far away of least squares, from the share of each in every step."""


def _free(shares: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    fitted, *_ = np.linalg.lstsq(shares, wanted, rcond=None)
    return np.asarray(fitted)


def _possible(shares: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """None of them below 0 or above 100 %."""
    free = _free(shares, wanted)
    if ((free >= 0) & (free <= _ALL_PERCENT)).all():
        return free
    return np.asarray(optimize.lsq_linear(shares, wanted, (0, _ALL_PERCENT), method="bvls").x)


def _fitted(profile: Profile, side: Side, steps: _Steps, ends: _Ends) -> Decay | None:
    """Best curve whose `ends` are of a kind; None where the data set no limit to the length."""
    best, is_limited = _best_length(steps, ends)
    if not is_limited:
        return None
    logs = _jackknife(profile, side, lambda some: _log_length(some, ends))
    interval = _likely_lengths(steps, best, ends) if logs is None else _lengths(logs, steps)
    if interval == _range(steps):
        return None
    near, far = _linear_part(steps, best, ends)[0].tolist()
    return Decay(best, interval, near - far, far)


def _linear_part(steps: _Steps, length_um: float, ends: _Ends) -> tuple[NDArray[np.float64], float]:
    """Densities at the border and far away that fit a length best, and the squares left."""
    half = steps.step_um / 2 / length_um
    curve = np.exp(-steps.distance_um / length_um) * np.sinh(half) / half
    root = np.sqrt(steps.weight / steps.weight.mean())
    shares, wanted = np.stack([curve, 1 - curve], axis=1) * root[:, None], steps.percent * root
    fitted = ends(shares, wanted)
    return fitted, float(((wanted - shares @ fitted) ** 2).sum())


def _range(steps: _Steps) -> tuple[float, float]:
    return steps.step_um / 2, _LONGEST * float(np.ptp(steps.distance_um))


def _best_length(steps: _Steps, ends: _Ends) -> tuple[float, bool]:
    """Length of least squares, and whether it lies within what can be told, not at its end."""
    trials = np.geomspace(*_range(steps), _TRIALS)
    at = int(np.argmin([_linear_part(steps, trial, ends)[1] for trial in trials]))
    if at in (0, _TRIALS - 1):
        return float(trials[at]), False
    found = optimize.minimize_scalar(
        lambda length: _linear_part(steps, length, ends)[1],
        bounds=(trials[at - 1], trials[at + 1]),
        method="bounded",
    )
    return float(found.x), True


def _log_length(steps: _Steps, ends: _Ends) -> float:
    """Of a part of a border: where it sets no limit to the length, that end of what can be told."""
    return float(np.log(_best_length(steps, ends)[0]))


def _limit(steps: _Steps, least: float) -> float:
    """Squares left beyond which an F test with 1 and n − 3 degrees of freedom refuses a curve."""
    free = steps.percent.size - 3
    return float(least * (1 + stats.f.ppf(CONFIDENCE, 1, free) / free))


def _likely_lengths(steps: _Steps, best: float, ends: _Ends) -> Interval:
    """Lengths that the test does not refuse."""
    limit = _limit(steps, _linear_part(steps, best, ends)[1])
    low, high = (_crossing(steps, limit, best, end, ends) for end in _range(steps))
    return Interval(low, high)


def _crossing(steps: _Steps, limit: float, best: float, end: float, ends: _Ends) -> float:
    if _linear_part(steps, end, ends)[1] <= limit:
        return end
    root = optimize.brentq(
        lambda length: _linear_part(steps, length, ends)[1] - limit, *sorted((best, end))
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
