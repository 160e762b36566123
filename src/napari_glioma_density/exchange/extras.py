"""What an export may say beside the findings themselves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Cell, PatchTable
from napari_glioma_density.exchange.review_notes import Note
from napari_glioma_density.findings.comparison import Comparison
from napari_glioma_density.findings.count_error import CountError
from napari_glioma_density.findings.decay import Decay, Side, Slope
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.profiles import Profile, ProfileKind
from napari_glioma_density.findings.sections import MeasuredSection
from napari_glioma_density.findings.uncertainty import (
    Uncertainty,
    cell_uncertainties,
    total_uncertainty,
)
from napari_glioma_density.regions.measuring import RegionSums


@dataclass(frozen=True)
class Intervals:
    """How sure the figures are.

    Attributes
    ----------
    total
        Of all that was measured.
    cells
        By address; cells without tissue have none.
    error
        What they are made from: the model's validation, or corrected fields of the slide.
    count_error
        Of nucleus counts at the density of the total; None when not known.
    """

    total: Uncertainty | None
    cells: Mapping[str, Uncertainty]
    error: DensityError
    count_error: CountError | None = None

    @classmethod
    def of(
        cls,
        findings: Findings,
        error: DensityError,
        count_error: CountError | None = None,
        sections: Iterable[MeasuredSection] = (),
    ) -> Self:
        """Work out the intervals of all cells, those of sections too, and of the total."""
        shown = findings.snapshot
        known = (shown.patches, shown.known, error, shown.scope, shown.corrected)
        cells = _by_address(shown.cells, *known)
        for each in sections:
            asked = (
                each.section.patches if shown.scope is None else each.section.patches & shown.scope
            )
            of_section = (shown.patches, shown.known, error, asked, shown.corrected)
            cells |= _by_address(each.cells, *of_section)
        return cls(total_uncertainty(*known), cells, error, count_error)


def _by_address(
    cells: Sequence[Cell],
    patches: PatchTable,
    corrected: NDArray[np.bool_],
    error: DensityError,
    scope: NDArray[np.bool_] | None,
    edited: NDArray[np.bool_],
) -> dict[str, Uncertainty]:
    known = (patches, corrected, error, scope, edited)
    found = zip(cells, cell_uncertainties(cells, *known), strict=True)
    return {cell.address: unsure for cell, unsure in found if unsure is not None}


@dataclass(frozen=True)
class DrawnProfile:
    """Density along a line or against the distance from one, with its fit."""

    name: str
    kind: ProfileKind
    profile: Profile
    decay: Decay | None = None
    slope: Slope | None = None
    side: Side = Side.RIGHT


@dataclass(frozen=True)
class RegionComparison:
    """Two regions side by side: what they are called, what was measured in each."""

    first: str
    second: str
    first_sums: RegionSums
    second_sums: RegionSums
    comparison: Comparison


@dataclass(frozen=True)
class References:
    """Tissue density of cells over that of reference tissue, by address."""

    name: str
    ratios: Mapping[str, float]


@dataclass(frozen=True)
class Extras:
    """What is said beside the findings, computed elsewhere; all of it may be absent.

    Attributes
    ----------
    intervals
        None when the error of the model is not known.
    sections
        Pieces of tissue, each with its totals.
    field_hotspots
        Densest circles, by rank.
    references
        Cells against reference tissue.
    comparisons, profiles
        Those that were asked for.
    reviewed
        Addresses of cells that a person looked at.
    comments
        What was noted, by address.
    notes
        All that was noted in review, of places that are no cell here too.
    """

    intervals: Intervals | None = None
    sections: Sequence[MeasuredSection] = ()
    field_hotspots: Sequence[FieldHotspot] = ()
    references: References | None = None
    comparisons: Sequence[RegionComparison] = ()
    profiles: Sequence[DrawnProfile] = ()
    reviewed: Collection[str] = ()
    comments: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[Note] = ()
