"""What lies in a drawn region: the sums of its pixels and nuclei, exact to the pixel."""

from dataclasses import astuple, dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import (
    Block,
    Exclusions,
    PatchTable,
    leave_out,
)
from napari_glioma_density.density.patches import share_percent
from napari_glioma_density.regions.patch_nuclei import PatchNuclei
from napari_glioma_density.regions.patch_pixels import PatchPixels, PatchSums
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.raster import MetPatches, Outline
from napari_glioma_density.results.masks import MaskLevel
from napari_glioma_density.results.unread import UnreadMaps
from napari_glioma_density.slides import TISSUE_PX, TissueKind

SUMS = ("read_px", "nucleus_px", "tissue_px", "count")

REGION_PART_DTYPE = np.dtype([("row", "<i4"), ("column", "<i4"), *((name, "<i8") for name in SUMS)])
"""What of a region lies in one patch."""


@dataclass(frozen=True)
class Measured:
    """What regions of a run are measured on: corrections applied, nothing left out.

    Attributes
    ----------
    plane
        The run's working plane.
    patches
        Its patches.
    mask
        Level 0: uint8, 1 where there is nucleus.
    nuclei
        `NUCLEUS_DTYPE`, in the run's order; those that `patches` counts.
    tissue
        The run's `TissueKind` values, uint8, one per 16×16 working px.
    unread
        Px that could not be read, as far as the run keeps them.
    """

    plane: Plane
    patches: PatchTable
    mask: MaskLevel
    nuclei: NDArray[np.void]
    tissue: NDArray[np.uint8]
    unread: UnreadMaps = field(default_factory=UnreadMaps)

    @cached_property
    def patch_nuclei(self) -> PatchNuclei:
        """The nuclei by patch."""
        return PatchNuclei.of(self.nuclei, self.plane.lattice)

    def pixels_of(self, row: int, column: int) -> PatchPixels:
        """Read the pixels of a patch."""
        down, across = window = self.plane.lattice.window(Block(row, column, 1, 1))
        nucleus = self.mask[window] > 0
        tissue = self._tissue_of(down, across)[: nucleus.shape[0], : nucleus.shape[1]]
        whole = PatchSums(*(int(getattr(self.patches, name)[row, column]) for name in SUMS))
        centres = self.patch_nuclei.pixels_of_patch(row, column)
        unread = self.unread.of_patch(row, column, nucleus.shape)
        read = None if unread is None else ~unread
        return PatchPixels(nucleus, tissue | nucleus, whole, *centres, read)

    def _tissue_of(self, down: slice, across: slice) -> NDArray[np.bool_]:
        rows, columns = (
            slice(part.start // TISSUE_PX, -(-part.stop // TISSUE_PX)) for part in (down, across)
        )
        tissue = self.tissue[rows, columns] == TissueKind.TISSUE
        return np.asarray(tissue.repeat(TISSUE_PX, axis=0).repeat(TISSUE_PX, axis=1))


@dataclass(frozen=True)
class RegionSums:
    """What was measured in a region: working px, nuclei; `px_mm2` is the area of one px.

    Sums of regions that share no pixel may be added.
    """

    nucleus_px: int
    read_px: int
    tissue_px: int
    count: int
    px_mm2: float

    def __add__(self, other: "RegionSums") -> "RegionSums":
        return RegionSums(
            self.nucleus_px + other.nucleus_px,
            self.read_px + other.read_px,
            self.tissue_px + other.tissue_px,
            self.count + other.count,
            self.px_mm2,
        )

    @property
    def density_percent(self) -> float | None:
        """Nucleus px / read px (P1 eq. 6); None when nothing was read."""
        return share_percent(self.nucleus_px, self.read_px)

    @property
    def tissue_density_percent(self) -> float | None:
        """Nucleus px / tissue px; None without tissue."""
        return share_percent(self.nucleus_px, self.tissue_px)

    @property
    def nuclei_per_mm2(self) -> float | None:
        """Nuclei per mm² of tissue; None without tissue."""
        return self.count / self.tissue_mm2 if self.tissue_px else None

    @property
    def tissue_mm2(self) -> float:
        """Area of tissue."""
        return self.tissue_px * self.px_mm2

    @property
    def read_mm2(self) -> float:
        """Area that was read."""
        return self.read_px * self.px_mm2


def parts_of(
    geometry: BaseGeometry,
    measured: Measured,
    exclusions: Exclusions | None = None,
    left_out: BaseGeometry | None = None,
) -> NDArray[np.void]:
    """Return what of a geometry lies in each patch that counts.

    A pixel belongs to the geometry where its centre lies in it, a nucleus where the pixel does
    that holds its centre. Patches wholly inside give what the table holds of them; only the mask
    of patches that the outline divides is read. Of patches with unread px see
    `PatchPixels.kinds`.

    Parameters
    ----------
    geometry
        A valid polygon or multi-polygon in level-0 px (x, y). Lines hold nothing.
    measured
        The run.
    exclusions, left_out
        What is left out, as patch sums and as a geometry in level-0 px; both or neither.

    Returns
    -------
    ndarray
        Records of `REGION_PART_DTYPE`, by patch row and column; none of nothing.
    """
    if (exclusions is None) != (left_out is None):
        raise ValueError("exclusions and left_out are two sides of one thing: give both")
    plane = measured.plane
    outline = Outline.of(plane.to_working(geometry))
    met = outline.patches_met(plane.lattice)
    kept = measured.patches if exclusions is None else leave_out(measured.patches, exclusions)
    gaps = _Gaps(measured, exclusions, left_out)
    divided = [
        (row, column, *astuple(gaps.sums_in(row, column, covered)))
        for row, column, covered in outline.crossed_patches(met, plane.lattice)
        if kept.is_read[row, column]
    ]
    parts = np.concatenate(
        [_whole_parts(met, kept), np.array(divided, REGION_PART_DTYPE).reshape(-1)]
    )
    parts = parts[(parts["read_px"] > 0) | (parts["count"] > 0)]
    return parts[np.lexsort((parts["column"], parts["row"]))]


def sums_of(
    geometry: BaseGeometry,
    measured: Measured,
    exclusions: Exclusions | None = None,
    left_out: BaseGeometry | None = None,
) -> RegionSums:
    """Sum up what lies in a geometry; parameters are those of :func:`parts_of`."""
    parts = parts_of(geometry, measured, exclusions, left_out)
    sums = {name: int(parts[name].sum()) for name in SUMS}
    return RegionSums(**sums, px_mm2=measured.plane.lattice.px_mm2)


def _whole_parts(met: MetPatches, patches: PatchTable) -> NDArray[np.void]:
    """Return, as `REGION_PART_DTYPE`, the patches inside an outline that count."""
    there = met.block.patches
    inside = met.inside & patches.is_read[there]
    parts = np.zeros(np.count_nonzero(inside), REGION_PART_DTYPE)
    row, column = np.nonzero(inside)
    parts["row"], parts["column"] = row + met.block.row, column + met.block.column
    for name in SUMS:
        parts[name] = getattr(patches, name)[there][inside]
    return parts


class _Gaps:
    """Takes what is left out off the parts of patches."""

    def __init__(
        self, measured: Measured, exclusions: Exclusions | None, left_out: BaseGeometry | None
    ) -> None:
        self._measured = measured
        self._outline = None
        if exclusions is not None and left_out is not None:
            self._outline = Outline.of(measured.plane.to_working(left_out))
            parts = exclusions.parts
            self._patches = set(zip(parts["row"].tolist(), parts["column"].tolist(), strict=True))

    def sums_in(self, row: int, column: int, covered: NDArray[np.bool_]) -> PatchSums:
        """Return what was measured in some pixels of a patch and is not left out."""
        pixels = self._measured.pixels_of(row, column)
        if self._outline is None or (row, column) not in self._patches:
            return pixels.sums_in(covered)
        window = self._measured.plane.lattice.window(Block(row, column, 1, 1))
        gone = self._outline.covered_pixels(window)
        return pixels.sums_in(covered | gone) - pixels.sums_in(gone)
