"""Showing a field as if it had been stained in another laboratory."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import tissue_density
from napari_glioma_density.stain.stain_matching import TYPICAL, macenko

Profile = tuple[float, ...]
"""Eight numbers: optical density of haematoxylin and of eosin in red, green, blue, each of unit
length, then the 99th percentile of the amount of each."""

_LEAST_PIXELS: Final = 100
_LEAST_AMOUNT: Final = 0.1
_MOST_CHANGE: Final = 4.0
_MOST_GAIN: Final = 5.0


def stain_profile(colours: NDArray[np.uint8]) -> Profile:
    """Stain profile of a field after Macenko, drawn half-way to the typical one.

    A single field is a poor basis for its stains: where it shows little of one of them, the two
    come out almost parallel, and separating them turns noise into colour.

    Parameters
    ----------
    colours
        (n, 3) uint8 RGB from all over the field; the typical profile when there is hardly tissue.
    """
    density = tissue_density(colours)
    if len(density) < _LEAST_PIXELS:
        return TYPICAL
    stains = _stains(macenko(colours)) + _stains(TYPICAL)
    stains /= np.linalg.norm(stains, axis=1, keepdims=True)
    high = np.percentile(np.maximum(density @ np.linalg.pinv(stains), 0), 99, axis=0)
    return (*map(float, stains.ravel()), *map(float, high))


def exchange_stains(source: Profile, target: Profile) -> NDArray[np.float32]:
    """Matrix (3, 3) that turns optical density under one stain profile into that under another.

    Haematoxylin, eosin and the residual at right angles to both are parted with the source's
    vectors, the amounts of the two stains scaled so that the 99th percentiles agree, and mixed
    with the target's vectors. The residual changes as the two do on the mean, or it would colour
    a field of which it is but a hundredth.

    Returns
    -------
    ndarray
        float32, to be multiplied from the right; the identity where the change would amplify any
        colour, and so its noise, more than five times.
    """
    strength = np.maximum(target[6:], _LEAST_AMOUNT) / np.maximum(source[6:], _LEAST_AMOUNT)
    factors = np.clip(strength, 1 / _MOST_CHANGE, _MOST_CHANGE)
    scale = np.diag([*factors, np.sqrt(factors.prod())])
    change = np.linalg.inv(_frame(source)) @ scale @ _frame(target)
    if np.linalg.norm(change, 2) > _MOST_GAIN:
        return np.eye(3, dtype=np.float32)
    return change.astype(np.float32)


def _stains(profile: Profile) -> NDArray[np.float64]:
    return np.array(profile[:6], dtype=np.float64).reshape(2, 3)


def _frame(profile: Profile) -> NDArray[np.float64]:
    """Rows: haematoxylin, eosin, and the unit vector at right angles to both."""
    stains = _stains(profile)
    across = np.cross(*stains)
    return np.vstack([stains, across / np.linalg.norm(across)])
