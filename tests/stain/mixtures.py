"""Colours of two known stains in known amounts."""

import numpy as np
from numpy.typing import NDArray

HAEMATOXYLIN = np.array([0.60, 0.72, 0.35]) / np.linalg.norm([0.60, 0.72, 0.35])
EOSIN = np.array([0.15, 0.90, 0.30]) / np.linalg.norm([0.15, 0.90, 0.30])


def draw_amounts(count: int = 20_000, seed: int = 0) -> NDArray[np.float64]:
    """(count, 2): a third nuclei, mainly haematoxylin, the rest mainly eosin."""
    random = np.random.default_rng(seed)
    is_nucleus = random.random(count) < 1 / 3
    main = np.where(is_nucleus, random.uniform(0.8, 1.6, count), random.uniform(0.4, 1.0, count))
    share = random.beta(1, 12, count)
    amounts = np.stack([main * (1 - share), main * share], axis=1)
    amounts[~is_nucleus] = amounts[~is_nucleus][:, ::-1]
    return amounts


def mixed(
    amounts: NDArray[np.float64],
    stains: NDArray[np.float64] | None = None,
    light: tuple[float, float, float] = (255, 255, 255),
) -> NDArray[np.uint8]:
    """(count, 3) uint8 RGB of amounts (count, 2) of stains (2, 3) in some light."""
    vectors = np.stack([HAEMATOXYLIN, EOSIN]) if stains is None else stains
    return np.round(np.exp(-amounts @ vectors) * light).astype(np.uint8)
