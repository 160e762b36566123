"""How a score is spread over a slide's tissue, and the threshold that follows from it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.annotation.scores import (
    MODEL_STRETCH,
    Probability,
    Score,
    Stretch,
    measured,
    stretched,
)
from napari_glioma_density.slides import WorkingPlane
from napari_glioma_density.stain.optical import TISSUE_DENSITY, optical_density

BINS: Final = 64

_LIMITS: Final = (0.005, 0.995)
"""Quantiles over tissue that become 0 and 1: dirt and ink must not take up the scale."""
_LEAST_TISSUE: Final = 0.01
_MEANS_AND_SPREADS: Final = {HintSource.LUMA: (1.0, 1.0), HintSource.HAEMATOXYLIN: (0.9, 1.5)}
_MODEL_THRESHOLD: Final = 0.255
"""A probability of 0.05 on the scale of its log-odds."""


@dataclass(frozen=True)
class ScoreStatistics:
    """A score over the tissue of a whole slide.

    Attributes
    ----------
    source
        What was scored.
    low, high
        Values that become 0 and 1.
    histogram
        Pixels of tissue in each of 64 equal bins of the score from 0 to 1.
    threshold
        Suggested by the histogram, 0–1.
    """

    source: HintSource
    low: float
    high: float
    histogram: tuple[int, ...]
    threshold: float

    def score(
        self, rgb: NDArray[np.uint8], um_per_px: float, probability: Probability | None = None
    ) -> Score:
        """Score of a field (height, width, 3) of this slide: (height, width) float32, 0–1.

        Raises
        ------
        BadInput
            When the model's probability is asked for and there is no model.
        """
        values = measured(rgb, self.source, um_per_px, probability)
        return stretched(values, (self.low, self.high))


def slide_score_statistics(
    plane: WorkingPlane,
    source: HintSource,
    probability: Probability | None = None,
) -> ScoreStatistics:
    """Measure a score in windows from all over a slide's tissue, never in one field alone.

    Parameters
    ----------
    plane
        The slide at the working resolution.
    source
        What to score.
    probability
        The model, for its own source.

    Raises
    ------
    BadInput
        When the model's probability is asked for and there is no model.
    """
    # What estimates brings PyTorch along, which a single picture does not need.
    from napari_glioma_density.estimate.slide_colours import read_windows

    values = []
    for window in read_windows(plane):
        scored = measured(window.rgb, source, plane.um_per_px, probability)
        values.append(scored[_tissue_px(window.rgb, window.read)])
    return _statistics(source, np.concatenate(values))


def picture_score_statistics(
    rgb: NDArray[np.uint8],
    source: HintSource,
    probability: Probability | None = None,
    um_per_px: float = 0.5,
) -> ScoreStatistics:
    """Measure a score over a single picture (height, width, 3), which is its own slide.

    Raises
    ------
    BadInput
        When the model's probability is asked for and there is no model.
    """
    scored = measured(rgb, source, um_per_px, probability)
    read = np.ones(rgb.shape[:2], dtype=np.bool_)
    return _statistics(source, scored[_tissue_px(rgb, read)])


def _tissue_px(rgb: NDArray[np.uint8], read: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Px that show tissue, not glass, a lumen or a crack; all that were read if hardly any do."""
    tissue = read & (optical_density(rgb).mean(axis=-1) > TISSUE_DENSITY)
    return tissue if tissue.mean() >= _LEAST_TISSUE else read


def _statistics(source: HintSource, values: Score) -> ScoreStatistics:
    low, high = MODEL_STRETCH if source is HintSource.MODEL else _limits(values)
    histogram, _ = np.histogram(stretched(values, (low, high)), bins=BINS, range=(0, 1))
    threshold = suggested_threshold(histogram, source)
    return ScoreStatistics(source, low, high, tuple(histogram.tolist()), threshold)


def _limits(values: Score) -> Stretch:
    if not values.size:
        return 0.0, 1.0
    low, high = np.quantile(values, _LIMITS)
    return float(low), float(high)


def suggested_threshold(histogram: NDArray[np.integer], source: HintSource) -> float:
    """The score from which hints are worth a look.

    The mean score over tissue also finds the faint nuclei, which Otsu's threshold leaves out
    because it sits half-way to the dark ones. Where nuclei are few, the mean sinks into the ground;
    so the threshold is at least a number of spreads above the ground's peak. The spread is measured
    on the lower side of the peak, which nuclei do not reach.

    Parameters
    ----------
    histogram
        (bins,) px in equal bins of the score from 0 to 1.
    source
        What was scored. The model's probability has one low threshold whatever the slide.
    """
    total = histogram.sum()
    if source is HintSource.MODEL:
        return _MODEL_THRESHOLD
    if not total:
        return 0.5
    means, spreads = _MEANS_AND_SPREADS[source]
    centres = (np.arange(len(histogram)) + 0.5) / len(histogram)
    peak, spread = _ground(histogram)
    return min(1.0, max(means * float(histogram @ centres / total), peak + spreads * spread))


def _ground(histogram: NDArray[np.integer]) -> tuple[float, float]:
    """Peak of the ground, and the distance below it within which two thirds of that side lie."""
    # The outermost bins hold all that was clipped: no peak.
    smooth = np.convolve(histogram, (1, 2, 3, 2, 1), mode="same")
    smooth[[0, -1]] = 0
    at = int(smooth.argmax())
    peak = (at + 0.5) / len(histogram)
    below = np.cumsum(histogram[: at + 1])
    low = np.interp(0.317 * below[-1], below, np.arange(1, at + 2)) / len(histogram)
    return peak, max(peak - float(low), 1 / len(histogram))
