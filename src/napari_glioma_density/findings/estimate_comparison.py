"""Two estimates of one slide side by side: two models, or before and after correction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PatchTable, Totals
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.interval import Interval

_LIMITS_OF_AGREEMENT = 1.96


@dataclass(frozen=True)
class EstimateComparison:
    """How the second of two estimates differs from the first.

    Attributes
    ----------
    difference_points
        Density (P1 eq. 6) of the second less that of the first, patch by patch, in points:
        float64, (lattice rows, lattice columns); nan where not both have read the patch.
    first, second
        Totals over the patches that both have read.
    patches
        Their number.
    mean_points, sd_points
        Mean and standard deviation of the difference over these patches; None of fewer than one,
        or two.
    agreement
        Limits of agreement, mean ± 1.96 standard deviations (Bland and Altman, Lancet 1986): where
        95 of 100 patches differ by, if differences are normal.
    """

    difference_points: NDArray[np.float64]
    first: Totals
    second: Totals
    patches: int
    mean_points: float | None
    sd_points: float | None
    agreement: Interval | None


def compare_estimates(first: PatchTable, second: PatchTable) -> EstimateComparison:
    """Compare two estimates of one slide, patch by patch.

    Raises
    ------
    BadInput
        When their patches are not the same: other µm/px, or another slide.
    """
    if first.lattice != second.lattice:
        raise BadInput(
            "comparison: the two estimates do not share their patches; "
            "compare runs of one slide at one working resolution"
        )
    common = first.is_read & second.is_read
    difference = np.where(common, second.density_percent() - first.density_percent(), np.nan)
    values = difference[common]
    mean = float(values.mean()) if values.size else None
    sd = float(values.std(ddof=1)) if values.size > 1 else None
    return EstimateComparison(
        difference_points=difference,
        first=first.totals(common),
        second=second.totals(common),
        patches=values.size,
        mean_points=mean,
        sd_points=sd,
        agreement=None if mean is None or sd is None else _agreement(mean, sd),
    )


def _agreement(mean: float, sd: float) -> Interval:
    return Interval(mean - _LIMITS_OF_AGREEMENT * sd, mean + _LIMITS_OF_AGREEMENT * sd)
