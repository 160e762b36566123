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


def slide_factor(
    model: PatchTable, drawn: Iterable[FieldValues], chosen: Iterable[FieldValues] = ()
) -> CorrectionFactor | None:
    """Return the correction factor of a slide from its finished fields.

    Random fields stand for the tissue they were drawn from, which is all but what was chosen by
    hand; chosen fields stand for themselves: their nucleus area is known, and added.

    Parameters
    ----------
    model
        The model's own values.
    drawn, chosen
        Random fields, and those chosen by hand. Where a patch was not read they are passed over.

    Returns
    -------
    CorrectionFactor | None
        As `correction_factor`.
    """
    left = is_sampled(model)
    known_model = known = 0
    for field in _read(model, chosen):
        left[field.block.patches] = False
        known_model += _model_px(model, field)
        known += int(field.nucleus_px.sum())
    fields = _read(model, drawn)
    rest = correction_factor(
        [_model_px(model, field) for field in fields],
        [int(field.nucleus_px.sum()) for field in fields],
        population=int(np.count_nonzero(left)),
    )
    if rest is None:
        return None
    rest_px = int(model.nucleus_px[left].sum())
    low, factor, high = (
        (known + ratio * rest_px) / (known_model + rest_px)
        for ratio in (rest.low, rest.factor, rest.high)
    )
    return CorrectionFactor(factor, low, high, rest.fields)


def _read(model: PatchTable, fields: Iterable[FieldValues]) -> list[FieldValues]:
    return [field for field in fields if model.is_read[field.block.patches].all()]


def _model_px(model: PatchTable, field: FieldValues) -> int:
    return int(model.nucleus_px[field.block.patches].sum())


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
