"""95 % intervals of the densities of cells and totals, made from the error of the model."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, BandScale, Cell, Lattice, PatchState, PatchTable
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.interval import Interval

BY_HAND = "all of it was gone through by hand"
UNKNOWN = "interval unknown: the model was checked on too few slides, or on none"
"""What stands where nothing is known of how far a model is off."""


def density_interval(
    percent: float,
    error: DensityError,
    *,
    whole_slide: bool = False,
    middle: float | None = None,
) -> Interval:
    """Return the 95 % interval of a density the model found.

    Parameters
    ----------
    percent
        Nucleus px per tissue px, as the model has it.
    error
        Of the model.
    whole_slide
        Whether it is that of a whole slide, in which the errors of single tissues cancel out;
        otherwise it is that of a part, which may be of one tissue alone.
    middle
        Of the interval, where a person has put some of it right; else that of the error.
    """
    middle = error.centre * percent if middle is None else middle
    tissue = 0.0 if whole_slide else error.tissue_sd(percent)
    half = error.factor * float(np.hypot(error.slide_sd(percent), tissue))
    return Interval(max(0.0, middle - half), min(100.0, middle + half))


@dataclass(frozen=True)
class Uncertainty:
    """95 % intervals of a cell, a region or a slide, in percent.

    Attributes
    ----------
    density
        Of nucleus px / read px.
    tissue_density
        Of nucleus px / tissue px.
    is_known
        Whether all of it was corrected by a person: then the intervals are one number each.
    """

    density: Interval
    tissue_density: Interval
    is_known: bool = False

    def crosses_limit(self, scale: BandScale) -> bool:
        """Tell whether the band might be another: bands are those of density over read px."""
        return self.density.crosses_limit(scale)


def cell_uncertainties(
    cells: Iterable[Cell],
    patches: PatchTable,
    corrected: NDArray[np.bool_],
    error: DensityError,
    scope: NDArray[np.bool_] | None = None,
    edited: NDArray[np.bool_] | None = None,
) -> tuple[Uncertainty | None, ...]:
    """Return the intervals of cells, one a cell, in their order; None for one without tissue.

    What a person corrected is taken as known; the model's error holds for the rest.

    Parameters
    ----------
    cells
        As measured of these patches.
    patches
        With corrections, without what is left out.
    corrected
        Patches whose values a person vouches for, bool, (lattice rows, lattice columns): those of
        finished fields.
    error
        Of the model.
    scope
        Patches that count, bool of the same shape; all by default.
    edited
        Patches whose values are a person's, vouched for or not yet, bool of the same shape;
        those of `corrected` by default. They are not put right by the middle of the error again.
    """
    asked, marks = _asked(patches, scope), _Marks.of(corrected, edited)
    places = (_patches_of(cell, patches.lattice) for cell in cells)
    return tuple(_uncertainty(patches, asked, marks, error, place) for place in places)


def total_uncertainty(
    patches: PatchTable,
    corrected: NDArray[np.bool_],
    error: DensityError,
    scope: NDArray[np.bool_] | None = None,
    edited: NDArray[np.bool_] | None = None,
) -> Uncertainty | None:
    """Return the intervals of the totals of a scope; parameters are those of a cell's.

    Of a scope that leaves some of the slide's tissue out, or while some of it is not estimated
    yet, they are those of a part.
    """
    asked, marks, whole = _asked(patches, scope), _Marks.of(corrected, edited), np.s_[:, :]
    is_slide = is_whole_slide(patches, scope)
    return _uncertainty(patches, asked, marks, error, whole, whole_slide=is_slide)


def is_whole_slide(patches: PatchTable, scope: NDArray[np.bool_] | None = None) -> bool:
    """Tell whether a scope leaves none of the slide's tissue out, and all of it is estimated."""
    is_left = (patches.state == PatchState.PENDING) | (patches.is_read & ~_asked(patches, scope))
    return not is_left.any()


_Place = tuple[slice, slice]


class _Marks(NamedTuple):
    """Patches that a person vouches for, and those whose values are a person's at all."""

    known: NDArray[np.bool_]
    edited: NDArray[np.bool_]

    @classmethod
    def of(cls, known: NDArray[np.bool_], edited: NDArray[np.bool_] | None) -> "_Marks":
        return cls(known, known if edited is None else known | edited)


def _asked(patches: PatchTable, scope: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    return patches.is_read if scope is None else patches.is_read & scope


def _patches_of(cell: Cell, lattice: Lattice) -> _Place:
    """Return the patches of a cell, whichever grid it is of."""
    patch_um = PATCH_PX * lattice.um_per_px
    top, left = round(cell.y_um / patch_um), round(cell.x_um / patch_um)
    # The last patches may hang over the slide's edge, where cells end.
    rows, columns = (ceil(side / patch_um - 1e-6) for side in (cell.height_um, cell.width_um))
    return slice(top, top + rows), slice(left, left + columns)


def _uncertainty(
    patches: PatchTable,
    asked: NDArray[np.bool_],
    marks: _Marks,
    error: DensityError,
    place: _Place,
    *,
    whole_slide: bool = False,
) -> Uncertainty | None:
    asked = asked[place]
    unsure = asked & ~marks.known[place]
    read, tissue = (int(px[place][asked].sum()) for px in (patches.read_px, patches.tissue_px))
    if not tissue:
        return None
    nucleus, unsure_nucleus, unsure_tissue, as_found = (
        int(px[place][where].sum())
        for px, where in (
            (patches.nucleus_px, asked), (patches.nucleus_px, unsure), (patches.tissue_px, unsure),
            (patches.nucleus_px, unsure & ~marks.edited[place]),
        )
    )  # fmt: skip
    known = 100 * (nucleus - unsure_nucleus) / tissue
    interval = Interval(known, known)
    if unsure_tissue:
        found = 100 * unsure_nucleus / unsure_tissue
        middle = found + 100 * (error.centre - 1) * as_found / unsure_tissue
        ends = density_interval(found, error, whole_slide=whole_slide, middle=middle)
        interval = Interval(*(known + end * unsure_tissue / tissue for end in ends))
    share = tissue / read
    of_read = Interval(interval.low * share, interval.high * share)
    return Uncertainty(of_read, interval, is_known=not unsure_tissue)
