"""How far two measurements of the same patches agree (Bland and Altman, Lancet 1986)."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_LIMITS: Final = 1.96


class BlandAltman(NamedTuple):
    """Second measurement less first, in percentage points of density.

    Attributes
    ----------
    bias
        Mean of the differences.
    lower, upper
        Limits of agreement, bias ± 1.96 standard deviations, where 95 of 100 differences lie if
        they are normal; None for a single one.
    """

    bias: float
    lower: float | None
    upper: float | None


def bland_altman(first: NDArray[np.float64], second: NDArray[np.float64]) -> BlandAltman:
    """Bias and limits of agreement of ``second`` less ``first``, both (n,) with n ≥ 1."""
    apart = np.asarray(second, np.float64) - first
    bias = float(np.mean(apart))
    if len(apart) < 2:
        return BlandAltman(bias, None, None)
    reach = _LIMITS * float(np.std(apart, ddof=1))
    return BlandAltman(bias, bias - reach, bias + reach)
