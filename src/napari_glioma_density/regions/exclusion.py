"""What drawn exclusions leave out of every sum, each pixel and each nucleus once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.density import PART_DTYPE, Block, Exclusions
from napari_glioma_density.regions.measuring import SUMS, Measured
from napari_glioma_density.regions.patch_nuclei import PatchNuclei
from napari_glioma_density.regions.patch_pixels import NOTHING, PatchSums
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.raster import MetPatches, Outline
from napari_glioma_density.regions.region import Region, RegionKind


def exclusions_of(
    regions: Iterable[Region], measured: Measured, model: Measured | None = None
) -> Exclusions:
    """Return what the exclusions among some regions leave out.

    No pixel is left out twice: where regions overlap, the earlier one gives the reason. Only
    patches that were read have something to leave out.

    Parameters
    ----------
    regions
        In the order in which they win; other kinds are passed over.
    measured
        The run, as corrected.
    model
        The same without corrections; None when there are none.
    """
    drawn = _exclusions(regions)
    reasons = tuple(dict.fromkeys(str(region.reason) for region in drawn))
    reason_of = np.array([reasons.index(str(region.reason)) for region in drawn], np.uint8)
    tables = measured, model or measured
    claims = _Claims.of([_outline(region, measured.plane) for region in drawn], measured)
    divided = [
        (*patch, reason_of[drawn_by], sums.read_px, *_taken(sums), *_taken(model_sums))
        for patch, drawn_by, sums, model_sums in claims.divided(*tables)
    ]
    parts = np.concatenate(
        [claims.whole(*tables, reason_of), np.array(divided, PART_DTYPE).reshape(-1)]
    )
    return Exclusions(measured.plane.lattice, reasons, parts)


def left_out_geometry(regions: Iterable[Region]) -> shapely.MultiPolygon:
    """Return all that the exclusions among some regions leave out, in level-0 px."""
    union = shapely.unary_union([region.geometry for region in _exclusions(regions)])
    return shapely.MultiPolygon([part for part in shapely.get_parts(union) if part.area])


def counted_nuclei(
    nuclei: NDArray[np.void], regions: Iterable[Region], plane: Plane
) -> NDArray[np.bool_]:
    """Tell which nuclei, (n,) `NUCLEUS_DTYPE`, lie in none of the exclusions: bool, (n,).

    As in `exclusions_of`, a nucleus lies where the pixel does that holds its centre.
    """
    outlines = [_outline(region, plane) for region in _exclusions(regions)]
    return ~PatchNuclei.of(nuclei, plane.lattice).inside(outlines)


def _exclusions(regions: Iterable[Region]) -> list[Region]:
    return [region for region in regions if region.kind is RegionKind.EXCLUSION]


def _outline(region: Region, plane: Plane) -> Outline:
    return Outline.of(plane.to_working(region.geometry))


def _taken(sums: PatchSums) -> tuple[int, int, int]:
    return sums.nucleus_px, sums.tissue_px, sums.count


@dataclass(frozen=True)
class _Claims:
    """Which outlines claim what of which patches.

    `holder` is the first outline that holds a whole patch, or -1; `shared` are the patches of
    which an earlier one, or one alone, claims a part. Both have shape (lattice rows, columns).
    """

    outlines: list[Outline]
    met: list[MetPatches]
    holder: NDArray[np.int64]
    shared: NDArray[np.bool_]

    @classmethod
    def of(cls, outlines: list[Outline], measured: Measured) -> Self:
        """Find out, for the patches that count."""
        read = measured.patches.is_read
        met = [outline.patches_met(measured.plane.lattice) for outline in outlines]
        first = np.full(read.shape, len(met), np.int64)
        for number in reversed(range(len(met))):
            first[met[number].block.patches][met[number].inside] = number
        shared = np.zeros(read.shape, bool)
        for number, (block, _, crossed) in enumerate(met):
            there = block.patches
            shared[there] |= crossed & (first[there] > number) & read[there]
        holder = np.where((first < len(met)) & read, first, -1)
        return cls(outlines, met, holder, shared)

    def whole(
        self, measured: Measured, model: Measured, reason_of: NDArray[np.uint8]
    ) -> NDArray[np.void]:
        """Return, as `PART_DTYPE`, the patches that one outline has to itself."""
        held = (self.holder >= 0) & ~self.shared
        parts = np.zeros(np.count_nonzero(held), PART_DTYPE)
        parts["row"], parts["column"] = np.nonzero(held)
        parts["reason"] = reason_of[self.holder[held]]
        for name in SUMS:
            parts[name] = getattr(measured.patches, name)[held]
        for name in SUMS[1:]:
            parts[f"model_{name}"] = getattr(model.patches, name)[held]
        return parts

    def divided(
        self, measured: Measured, model: Measured
    ) -> Iterator[tuple[tuple[int, int], int, PatchSums, PatchSums]]:
        """Patch, outline and sums (also the model's) of every part of a shared patch."""
        lattice = measured.plane.lattice
        for patch, claimants in self._claimants():
            window = lattice.window(Block(*patch, 1, 1))
            pixels = measured.pixels_of(*patch)
            model_pixels = pixels if model is measured else model.pixels_of(*patch)
            taken = np.zeros(pixels.tissue.shape, bool)
            before, model_before = NOTHING, NOTHING
            for number in claimants:
                taken |= self.outlines[number].covered_pixels(window)
                after, model_after = pixels.sums_in(taken), model_pixels.sums_in(taken)
                if (after, model_after) != (before, model_before):
                    yield patch, number, after - before, model_after - model_before
                before, model_before = after, model_after

    def _claimants(self) -> Iterable[tuple[tuple[int, int], list[int]]]:
        """Every shared patch and the outlines that claim of it, up to the first that holds it."""
        claimants: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, (block, inside, crossed) in enumerate(self.met):
            holder = self.holder[block.patches]
            claims = (inside | crossed) & self.shared[block.patches]
            claims &= (holder < 0) | (number <= holder)
            for row, column in np.argwhere(claims).tolist():
                claimants[block.row + row, block.column + column].append(number)
        return claimants.items()
