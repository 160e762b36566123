"""Factors for data sets, as ``NAME=FACTOR`` on the command line."""

import math
from collections.abc import Sequence

from napari_glioma_density.errors import BadInput
from napari_glioma_density.training.dataset import DataSet


def set_weights(asked: Sequence[str], data_sets: Sequence[DataSet]) -> tuple[float, ...]:
    """A factor for each data set, which may be called by its own name or by its folder's.

    Parameters
    ----------
    asked
        ``NAME=FACTOR`` each; sets not named have a factor of 1.
    data_sets
        The sets.

    Returns
    -------
    tuple
        Empty when nothing is asked.

    Raises
    ------
    BadInput
        When no set is of that name or the factor is no number above 0.
    """
    factors = [1.0] * len(data_sets)
    for text in asked:
        name, _, factor = text.rpartition("=")
        meant = [at for at, one in enumerate(data_sets) if name in (one.name, one.folder.name)]
        if not meant:
            known = ", ".join(one.name for one in data_sets)
            raise BadInput(f"--weight {text}: no data set of that name; say NAME=2, of: {known}")
        for at in meant:
            factors[at] = _factor(text, factor)
    return tuple(factors) if asked else ()


def _factor(text: str, factor: str) -> float:
    try:
        value = float(factor)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise BadInput(f"--weight {text}: must be a number above 0, as in NAME=0.5")
    return value
