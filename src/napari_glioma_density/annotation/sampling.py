"""Random fields, and what they say of the whole slide."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import Block, PatchTable

FEWEST_FIELDS = 3
CONFIDENCE = 0.95
_ENOUGH_TISSUE = 0.5


@dataclass(frozen=True)
class CorrectionFactor:
    """Corrected nucleus area over the model's, with the ends of its 95 % interval.

    `fields` is the number of random fields it rests on.
    """

    factor: float
    low: float
    high: float
    fields: int


def is_sampled(patches: PatchTable) -> NDArray[np.bool_]:
    """Which patches a random field may fall on: read, and at least half tissue."""
    return patches.is_read & (patches.tissue_px >= _ENOUGH_TISSUE * patches.read_px)


def draw_fields(
    patches: PatchTable, taken: NDArray[np.bool_], number: int = 10, seed: int = 0
) -> tuple[Block, ...]:
    """Draw patches at random, each as likely as any other, none twice.

    Parameters
    ----------
    patches
        What was measured; patches that were read and are at least half tissue can be drawn.
    taken
        Patches that belong to a field already, bool of shape (rows, columns); never drawn.
    number
        How many; fewer come where there are no more.
    seed
        The same seed gives the same fields of the same patches.
    """
    places = np.argwhere(is_sampled(patches) & ~taken)
    drawn = np.random.default_rng(seed).permutation(places)[:number]
    return tuple(Block(row, column, 1, 1) for row, column in drawn.tolist())


def slide_factor(model: PatchTable, fields: Iterable[FieldValues]) -> CorrectionFactor | None:
    """Return the correction factor of a slide from its random, finished fields.

    `model` holds the model's own values. Fields of which a patch was not read are passed over.
    """
    known = [field for field in fields if model.is_read[field.block.patches].all()]
    return correction_factor(
        [int(model.nucleus_px[field.block.patches].sum()) for field in known],
        [int(field.nucleus_px.sum()) for field in known],
        population=int(np.count_nonzero(is_sampled(model))),
    )


def correction_factor(
    model_px: Iterable[float], corrected_px: Iterable[float], population: int | None = None
) -> CorrectionFactor | None:
    """Estimate the ratio of corrected to model nucleus area on the slide.

    The ratio estimator Σy/Σx with its linearised variance,
    (1 − n/N)·Σ(y − Rx)²/((n − 1)·n·x̄²), and Student's t of n − 1 degrees of freedom (Cochran,
    Sampling Techniques, 1977, ch. 6).

    Parameters
    ----------
    model_px, corrected_px
        Nucleus px of every random field, as the model has it and as corrected.
    population
        N, the patches that could have been drawn; without end when None.

    Returns
    -------
    CorrectionFactor | None
        None for fewer than three fields, or where the model found nothing.
    """
    x, y = np.array(list(model_px), np.float64), np.array(list(corrected_px), np.float64)
    n = len(x)
    if n < FEWEST_FIELDS or x.sum() == 0:
        return None
    factor = float(y.sum() / x.sum())
    left = max(0.0, 1 - n / population) if population else 1.0
    variance = left * ((y - factor * x) ** 2).sum() / ((n - 1) * n * x.mean() ** 2)
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.sqrt(variance))
    return CorrectionFactor(factor, max(0.0, factor - half), factor + half, n)
