"""How far scores may be trusted: bootstrap intervals (Efron 1979) over images or patients."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.training.metrics import PixelCounts, pixel_scores

RESAMPLES = 1000
LEVEL = 0.95
FEWEST_PATIENTS = 5
"""With fewer, resampling patients gives a handful of distinct draws and no interval."""
SCORES = ("f1", "precision", "recall", "iou", "density_mae", "density_bias")
"""What gets an interval."""
_SEED = 20250201


@dataclass(frozen=True)
class ScoredImages:
    """Images of one data set that were scored.

    Parameters
    ----------
    counts
        One an image.
    patients
        Whom each image is of; empty where nobody says.
    """

    counts: tuple[PixelCounts, ...]
    patients: tuple[str, ...]

    @property
    def unit(self) -> str:
        """What is drawn: ``patient`` when each image has one and there are enough, or ``image``."""
        enough = len(set(self.patients)) >= FEWEST_PATIENTS
        return "patient" if all(self.patients) and enough else "image"

    def tallies(self) -> NDArray[np.float64]:
        """(units, columns): what is summed over the units that were drawn; see :func:`_tally`."""
        rows = np.array([_tally(one) for one in self.counts])
        if self.unit == "image":
            return rows
        patients, of_image = np.unique(self.patients, return_inverse=True)
        summed = np.zeros((len(patients), rows.shape[1]))
        np.add.at(summed, of_image, rows)
        return summed


def _tally(counts: PixelCounts) -> tuple[float, ...]:
    error = counts.density_error_points
    return (
        counts.true_positive,
        counts.false_positive,
        counts.false_negative,
        counts.true_negative,
        abs(error),
        error,
        1,
    )


Intervals = dict[str, tuple[float, float]]
"""Lower and upper end by score."""


def bootstrap_intervals(data_sets: Sequence[ScoredImages]) -> Intervals:
    """Percentile intervals of the pooled scores, the same at every call.

    Images of one patient resemble each other, so a data set of which every patient is known is
    resampled by patient; see :attr:`ScoredImages.unit`. The choice of data sets is not random, so
    each keeps its number of units in every draw.

    Parameters
    ----------
    data_sets
        What is pooled: one data set, or several.

    Returns
    -------
    dict
        Lower and upper end of the 95 % interval of each of :data:`SCORES`; empty where no data
        set holds two units, since one image says nothing of the next.
    """
    return _ends(_drawn_scores(data_sets))


def difference_intervals(before: ScoredImages, after: ScoredImages) -> Intervals:
    """Intervals of ``after`` less ``before``, two models on the same images.

    The bootstrap is paired: a draw takes the same images for both, so what makes an image hard
    for either cancels out.

    Returns
    -------
    dict
        As :func:`bootstrap_intervals` gives them.

    Raises
    ------
    ValueError
        When the images are not the same.
    """
    if before.patients != after.patients:
        raise ValueError("two models can be compared on the same images only")
    # The same seed and number of units: the same draws.
    first, second = _drawn_scores([before]), _drawn_scores([after])
    return _ends({name: second[name] - first[name] for name in first})


def _drawn_scores(data_sets: Sequence[ScoredImages]) -> dict[str, NDArray[np.float64]]:
    """(RESAMPLES,) of each score; empty where no set holds two units."""
    random = np.random.default_rng(_SEED)
    tallies = [one.tallies() for one in data_sets]
    if all(len(units) < 2 for units in tallies):
        return {}
    return _scores(np.asarray(sum(_resampled(units, random) for units in tallies)))


def _ends(scores: dict[str, NDArray[np.float64]]) -> Intervals:
    ends = (50 * (1 - LEVEL), 50 * (1 + LEVEL))
    limits = {name: np.percentile(scores[name], ends) for name in SCORES if name in scores}
    return {name: (float(lower), float(upper)) for name, (lower, upper) in limits.items()}


def _resampled(units: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """(RESAMPLES, columns): sums over as many units as there are, drawn with replacement."""
    number = len(units)
    drawn = random.integers(number, size=(RESAMPLES, number))
    drawn += number * np.arange(RESAMPLES)[:, None]
    times = np.bincount(drawn.ravel(), minlength=RESAMPLES * number)
    return np.asarray(times.reshape(RESAMPLES, number) @ units)


def _scores(sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    *pixels, absolute, signed, images = sums.T
    return {
        **pixel_scores(*pixels),
        "density_mae": absolute / images,
        "density_bias": signed / images,
    }
