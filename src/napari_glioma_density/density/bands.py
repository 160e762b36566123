"""Density bands: limits and colours are data, so re-banding never runs the network again."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

BANDS = 6
NO_BAND = 255
"""Band of what has no density."""


@dataclass(frozen=True)
class BandScale:
    """Six bands of density: seven rising limits in percent, six colours, sparse to dense."""

    name: str
    limits_percent: tuple[float, float, float, float, float, float, float]
    colours: tuple[str, str, str, str, str, str]

    def __post_init__(self) -> None:
        if any(np.diff(self.limits_percent) < 0):
            raise ValueError(f"the limits of bands {self.name!r} must rise: {self.limits_percent}")

    @property
    def written_limits(self) -> tuple[str, ...]:
        """The limits as they are written wherever they stand, to the digits that they have."""
        return tuple(f"{limit:g}" for limit in self.limits_percent)

    @property
    def spans(self) -> tuple[str, ...]:
        """From where to where each band reaches, in percent, as in 2–4."""
        return tuple(f"{lower}–{upper}" for lower, upper in pairwise(self.written_limits))


PAPER_BANDS = BandScale(
    "paper",
    (0, 2, 4, 8, 16, 20, 100),
    ("#2E9E3F", "#A6D854", "#FFE338", "#FD8D3C", "#E31A1C", "#7F0000"),
)
"""Limits and colours of P1's maps."""

COLOUR_BLIND_BANDS = BandScale(
    "colour-blind safe",
    PAPER_BANDS.limits_percent,
    ("#F0F921", "#FDB42F", "#ED7953", "#B83289", "#7E03A8", "#0D0887"),
)
"""P1's limits in colours that darken evenly and differ for every kind of colour vision."""


def slide_quantile_bands(values_percent: ArrayLike) -> BandScale:
    """Return bands that hold equal shares of this slide's patches.

    Dense tissue lies wholly in the paper's top bands; these limits part it. Values that are nan
    are left out; without any value the paper's bands come back, under their own name.
    """
    values = np.asarray(values_percent, dtype=np.float64)
    values = values[~np.isnan(values)]
    if not values.size:
        return PAPER_BANDS
    inner = np.quantile(values, np.arange(1, BANDS) / BANDS)
    first, second, third, fourth, fifth = (round(float(limit), 2) for limit in inner)
    limits = (0.0, first, second, third, fourth, fifth, 100.0)
    return BandScale("this slide", limits, PAPER_BANDS.colours)


def band_of(percent: ArrayLike, scale: BandScale = PAPER_BANDS) -> NDArray[np.uint8]:
    """Return the band, uint8 0–5, of each density in percent (any shape); 255 where it is nan.

    A band holds its lower limit and not its upper one, save the last, which holds both.
    """
    values = np.asarray(percent, dtype=np.float64)
    bands = np.searchsorted(scale.limits_percent[1:-1], values, side="right")
    return np.where(np.isnan(values), NO_BAND, bands).astype(np.uint8)
