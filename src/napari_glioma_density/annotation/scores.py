"""Scores that hints are thresholded from: one number a pixel, high where there may be a nucleus.

Every score is computed from the picture, smoothed a little, and stretched between two limits of the
whole slide, so that a threshold means the same in all its fields.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.errors import BadInput
from napari_glioma_density.stain import UNMIX, optical_density, rgb_ratio

Score = NDArray[np.float32]
Stretch = tuple[float, float]
"""Values that become 0 and 1."""
Probability = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Images (n, h, w, 3) uint8 to probabilities of nucleus (n, h, w), 0–1."""

SMOOTHING_UM: Final = 0.25
"""Gaussian σ. Less leaves grain; more drowns what is small and faint, which hints are for."""
MODEL_STRETCH: Final[Stretch] = (-6.0, 6.0)
"""Log-odds: a score of 0.5 is a probability of 0.5, whatever the slide."""

_LUMA: Final = np.array([[0.299, 0.587, 0.114]], dtype=np.float32)
_UNMIX_HAEMATOXYLIN: Final = UNMIX[:, :1].T.astype(np.float32)
_LEAST_STRETCH: Final = 1e-6


def measured(
    rgb: NDArray[np.uint8],
    source: HintSource,
    um_per_px: float,
    probability: Probability | None = None,
) -> Score:
    """The quantity a source thresholds, smoothed but not yet stretched.

    Returns
    -------
    ndarray
        (height, width) float32: less the luma of the ratios (P1, eq. 1 and the ground-truth
        criterion; −1–0, of which tissue spans a tenth), the amount of haematoxylin by colour
        deconvolution (Ruifrok & Johnston 2001), or the log-odds of nucleus.

    Raises
    ------
    BadInput
        When the model's probability is asked for and there is no model.
    """
    if source is HintSource.LUMA:
        value = -cv2.transform(rgb_ratio(rgb), _LUMA)
    elif source is HintSource.HAEMATOXYLIN:
        value = cv2.transform(optical_density(rgb), _UNMIX_HAEMATOXYLIN)
    elif probability is not None:
        return _log_odds(probability(rgb[np.newaxis])[0])
    else:
        raise BadInput(f"{source}: hints from it need a model; choose one, or another source")
    return np.asarray(cv2.GaussianBlur(value, (0, 0), SMOOTHING_UM / um_per_px))


def stretched(values: Score, stretch: Stretch) -> Score:
    """Values on a scale on which the limits are 0 and 1, clipped to it."""
    low, high = stretch
    step = np.float32(max(high - low, _LEAST_STRETCH))
    return np.asarray(np.clip((values - np.float32(low)) / step, 0, 1))


def _log_odds(probability: NDArray[np.float32]) -> Score:
    # Clipped where float32 still tells a probability from 1.
    within = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(within / (1 - within)), dtype=np.float32)
