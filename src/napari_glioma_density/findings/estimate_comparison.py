"""Two estimates of one slide side by side: two models, or before and after correction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import BlandAltman, PatchTable, Totals, bland_altman
from napari_glioma_density.errors import BadInput


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
    agreement
        Of these patches, second less first; None where there is none.
    """

    difference_points: NDArray[np.float64]
    first: Totals
    second: Totals
    patches: int
    agreement: BlandAltman | None


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
    densities = first.density_percent(), second.density_percent()
    return EstimateComparison(
        difference_points=np.where(common, densities[1] - densities[0], np.nan),
        first=first.totals(common),
        second=second.totals(common),
        patches=int(np.count_nonzero(common)),
        agreement=bland_altman(*(of[common] for of in densities)) if common.any() else None,
    )
