"""Separating haematoxylin and eosin of one slide and mixing them again as a reference has them.

Two ways to find a slide's stains, Macenko's and Vahadane's; what follows is the same for both.
Statistics are eight numbers: the optical density of haematoxylin and of eosin in red, green and
blue, each of unit length, then the 99th percentile of the amount of each.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import (
    STAINS,
    Statistics,
    optical_density,
    tells_stains,
    tissue_density,
)

Stains = NDArray[np.float64]
"""(2, 3): optical density of haematoxylin and of eosin in red, green, blue; unit length."""

_REFERENCE: Final = np.array([[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]])
_REFERENCE_AMOUNTS: Final = np.array([1.9705, 1.0308])
"""Stains and amounts that most implementations of Macenko's method mix for. Those of the training
sets lie around them: haematoxylin (0.58, 0.73, 0.35), eosin (0.35, 0.83, 0.43) on the mean."""

TYPICAL: Final[Statistics] = (*map(float, _REFERENCE.ravel()), *map(float, _REFERENCE_AMOUNTS))
"""Statistics of the reference itself, for pictures with too little tissue to tell."""

_HIGH_PERCENTILE: Final = 99
_LEAST_AMOUNT: Final = 0.1
_LARGEST_COSINE: Final = 0.9962
"""Of 5°. Where only one stain is seen, two are found that hardly differ; to part them would turn
noise into nuclei."""
_ANGLE_PERCENTILE: Final = 1
_SPARSITY: Final = 0.1
_ROUNDS: Final = 100
_SETTLED: Final = 1e-4
_MOST_PIXELS: Final = 2048


def macenko(pixels: NDArray[np.uint8]) -> Statistics:
    """Stains of a slide after Macenko et al. (2009).

    Colours of tissue lie, in optical density, in the plane of its two stains; the robust
    extremes (1st and 99th percentile) of the angle in that plane are the stains.

    Parameters
    ----------
    pixels
        (n, 3) uint8 RGB from all over the slide; glass is left out.

    Returns
    -------
    tuple of float
        Eight numbers; :data:`TYPICAL` where there is too little tissue or only one stain.
    """
    density = tissue_density(pixels)
    if not tells_stains(density):
        return TYPICAL
    # Angles count from the mean colour, so none comes near ±180°, where they jump.
    along, across = _plane(density)
    angles = np.arctan2(density @ across, density @ along)
    ends = np.percentile(angles, [_ANGLE_PERCENTILE, 100 - _ANGLE_PERCENTILE])
    stains = np.outer(np.cos(ends), along) + np.outer(np.sin(ends), across)
    return _statistics(stains, density)


def vahadane(pixels: NDArray[np.uint8]) -> Statistics:
    """Stains of a slide after Vahadane et al. (2016): sparse non-negative factorisation.

    Densities V are taken for non-negative amounts H of two non-negative stains W of unit length,
    with a price on the amounts, because most px bind mainly one of the two: the minimum of
    ½‖V − HW‖² + λ‖H‖₁, λ = 0.1 (their eq. 5). Amounts are solved for exactly, stains one at a
    time (Mairal et al. 2010), in turn from the textbook stains; no chance is involved.

    Parameters
    ----------
    pixels
        (n, 3) uint8 RGB from all over the slide; at most 2 048 of tissue are used.

    Returns
    -------
    tuple of float
        Eight numbers; :data:`TYPICAL` where there is too little tissue or only one stain.
    """
    density = tissue_density(pixels)
    if not tells_stains(density):
        return TYPICAL
    used = density[:: -(-len(density) // _MOST_PIXELS)].astype(np.float64)
    stains = STAINS[:2].astype(np.float64)
    for _ in range(_ROUNDS):
        before, stains = stains, _better_stains(used, stains)
        if np.abs(stains - before).max() < _SETTLED:
            break
    return _statistics(stains, density)


def match_stains(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
    """Colours (…, 3) in 0–1 as if the reference stains had been used, as strongly as there."""
    values = np.asarray(statistics)
    stains, high = values[:6].reshape(2, 3), np.maximum(values[6:], _LEAST_AMOUNT)
    remix = (_REFERENCE_AMOUNTS / high)[:, None] * -_REFERENCE
    mixed = _amounts(optical_density(images).reshape(-1, 3), stains) @ remix.astype(np.float32)
    return np.asarray(np.exp(mixed, out=mixed)).reshape(images.shape)


def _plane(density: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two directions (3,) that span the plane of the densities, the first one their mean's."""
    _, vectors = np.linalg.eigh(np.cov(density.T))
    normal = vectors[:, 0]
    mean = density.mean(axis=0, dtype=np.float64)
    along = mean - (mean @ normal) * normal
    along /= np.linalg.norm(along)
    return along, np.cross(normal, along)


def _better_stains(density: NDArray[np.float64], stains: Stains) -> Stains:
    """One round: the best amounts for these stains, then each stain for those amounts."""
    amounts = _sparse_amounts(density, stains)
    together, seen = amounts.T @ amounts, amounts.T @ density
    better = stains.copy()
    for stain in range(2):
        if together[stain, stain] > 0:
            step = (seen[stain] - together[stain] @ better) / together[stain, stain]
            better[stain] = _unit(np.maximum(better[stain] + step, 0))
    return better


def _sparse_amounts(density: NDArray[np.float64], stains: Stains) -> NDArray[np.float64]:
    """Amounts (n, 2) ≥ 0 that minimise ½‖density − amounts·stains‖² + λ·Σ amounts."""
    overlap = float(stains[0] @ stains[1])
    alone = density @ stains.T - _SPARSITY
    amounts = (alone - overlap * alone[:, ::-1]) / max(1 - overlap**2, 1e-9)
    # Where one comes out negative it is 0, and the other explains the px alone.
    amounts = np.where(amounts[:, ::-1] < 0, alone, amounts)
    return np.maximum(amounts, 0)


def _statistics(stains: Stains, density: NDArray[np.float32]) -> Statistics:
    stains = _unit(np.maximum(stains, 0))
    is_blank = not stains.any(axis=1).all()
    if is_blank or stains[0] @ stains[1] > _LARGEST_COSINE:
        return TYPICAL
    # Haematoxylin is blue: it takes more of the red light than eosin does.
    stains = stains[np.argsort(-stains[:, 0])]
    high = np.percentile(_amounts(density, stains), _HIGH_PERCENTILE, axis=0)
    return (*map(float, stains.ravel()), *map(float, high))


def _amounts(density: NDArray[np.float32], stains: Stains) -> NDArray[np.float32]:
    amounts = density @ np.linalg.pinv(stains).astype(np.float32)
    return np.asarray(np.maximum(amounts, 0, out=amounts))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))
