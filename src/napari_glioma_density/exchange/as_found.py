"""Recognising nuclei of a file that are exactly what a run found: an export that nobody edited."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.exchange.geojson.features import nucleus_id
from napari_glioma_density.exchange.geojson.reading import NucleusOutline
from napari_glioma_density.regions.exclusion import counted_nuclei
from napari_glioma_density.regions.patch_nuclei import PatchNuclei
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Region
from napari_glioma_density.results import Run

_MOVED_PX: Final = 0.1
_REDRAWN: Final = 0.02
"""Share of its area; corners in a file are rounded to 0.01 level-0 px."""


@dataclass(frozen=True, eq=False)
class AsFound:
    """What runs found on a slide.

    Attributes
    ----------
    runs
        All on one lattice.
    plane
        Theirs.
    left_out
        Regions whose nuclei are not exported. A file older than such a region may still hold them.
    """

    runs: Sequence[Run]
    plane: Plane
    left_out: Sequence[Region]

    def is_all(
        self, outlines: Iterable[NucleusOutline], block: Block, told: NDArray[np.bool_]
    ) -> bool:
        """Whether a file holds, in a block, exactly what one of the runs found there.

        Nuclei that are left out may be there or not.

        Parameters
        ----------
        outlines
            Nuclei of the file that meet the block.
        block
            Some patches.
        told
            Patches of the slide that the file has nuclei in, bool, (rows, columns).
        """
        field = self.plane.block_outline(block)
        centred = {one.id: one for one in outlines if field.covers(one.geometry.centroid)}
        shapes = {number: self.plane.to_working(one.geometry) for number, one in centred.items()}
        whole = {number: shape for number, shape in shapes.items() if not _is_cut(shape, told)}
        return bool(shapes) and any(
            _are_same(found, _in_patches(found.by_patch, block, told), shapes.keys(), whole)
            for found in self._found
        )

    @cached_property
    def _found(self) -> "tuple[_Found, ...]":
        return tuple(self._of(run.spec.run_id, run.nuclei()) for run in self.runs)

    def _of(self, run_id: str, nuclei: NDArray[np.void]) -> "_Found":
        counted = counted_nuclei(nuclei, self.left_out, self.plane)
        return _Found(run_id, nuclei, counted, PatchNuclei.of(nuclei, self.plane.lattice))


class _Found(NamedTuple):
    """The nuclei of a run, and which of them are not left out."""

    run_id: str
    nuclei: NDArray[np.void]
    counted: NDArray[np.bool_]
    by_patch: PatchNuclei


def _in_patches(by_patch: PatchNuclei, block: Block, told: NDArray[np.bool_]) -> NDArray[np.int64]:
    there = by_patch.of_block(block)
    return there[told.ravel()[by_patch.patch[there]]]


def _is_cut(shape: BaseGeometry, told: NDArray[np.bool_]) -> bool:
    """Whether a shape, in working px, ends at a patch that nothing is told of.

    It may not have been read yet: the mask ended there, and so did the outline.
    """
    untold = ~told
    beside, own = (untold[_patches(shape, px)] for px in (_MOVED_PX, -_MOVED_PX))
    return bool(np.count_nonzero(beside) > np.count_nonzero(own))


def _patches(shape: BaseGeometry, grown_px: float) -> tuple[slice, slice]:
    """Rows and columns of the patches that a shape lies on when it is grown by so much."""
    left, top, right, bottom = shape.bounds
    rows, columns = (
        slice(max(0, int((first - grown_px) // PATCH_PX)), int((last + grown_px) // PATCH_PX) + 1)
        for first, last in ((top, bottom), (left, right))
    )
    return rows, columns


def _are_same(
    found: _Found,
    places: NDArray[np.int64],
    numbers: Set[str],
    shapes: Mapping[str, BaseGeometry],
) -> bool:
    """Whether nuclei of these numbers are what was found, and have the shapes, as far as given."""
    known = {nucleus_id(found.run_id, one): one for one in found.nuclei[places].tolist()}
    expected = {nucleus_id(found.run_id, one) for one in _counted(found, places).tolist()}
    return expected <= numbers <= known.keys() and all(
        _is_same(known[number], shape) for number, shape in shapes.items()
    )


def _counted(found: _Found, places: NDArray[np.int64]) -> NDArray[np.void]:
    return found.nuclei[places[found.counted[places]]]


def _is_same(nucleus: tuple[float, float, int, int], shape: BaseGeometry) -> bool:
    y, x, area_px, _ = nucleus
    centre = shape.centroid
    moved = max(abs(centre.y - y), abs(centre.x - x))
    return bool(moved <= _MOVED_PX and abs(shape.area - area_px) <= _REDRAWN * area_px)
