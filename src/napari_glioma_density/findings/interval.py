"""An interval: two ends."""

from typing import NamedTuple

from scipy import stats

from napari_glioma_density.density import BandScale, band_of

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """Lower and upper end of a 95 % interval, in the unit of what it belongs to."""

    low: float
    high: float

    def crosses_limit(self, scale: BandScale) -> bool:
        """Tell whether its ends, in percent, lie in different bands."""
        low, high = band_of([self.low, self.high], scale).tolist()
        return bool(low != high)


def students_t(degrees: int) -> float:
    """Return the standard deviations from the middle of a 95 % interval to its ends."""
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees))
