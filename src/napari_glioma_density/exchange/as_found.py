"""Nuclei of a file that are just what a run found: an export that nobody went over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import Block
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
    """What runs found on a slide, less what is left out and so never exported.

    Attributes
    ----------
    runs
        All on one lattice.
    plane
        Theirs.
    left_out
        Regions.
    """

    runs: Sequence[Run]
    plane: Plane
    left_out: Sequence[Region]

    def is_all(
        self, outlines: Iterable[NucleusOutline], block: Block, told: NDArray[np.bool_]
    ) -> bool:
        """Whether a file holds of a block what one of the runs found there, no more and no less.

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
        return bool(shapes) and any(
            _are_same(run.spec.run_id, nuclei[_in_patches(by_patch, block, told)], shapes)
            for run, nuclei, by_patch in self._nuclei
        )

    @cached_property
    def _nuclei(self) -> tuple[tuple[Run, NDArray[np.void], PatchNuclei], ...]:
        found = []
        for run in self.runs:
            nuclei = run.nuclei()
            nuclei = nuclei[counted_nuclei(nuclei, self.left_out, self.plane)]
            found.append((run, nuclei, PatchNuclei.of(nuclei, self.plane.lattice)))
        return tuple(found)


def _in_patches(by_patch: PatchNuclei, block: Block, told: NDArray[np.bool_]) -> NDArray[np.int64]:
    there = by_patch.of_block(block)
    return there[told.ravel()[by_patch.patch[there]]]


def _are_same(run_id: str, nuclei: NDArray[np.void], shapes: Mapping[str, BaseGeometry]) -> bool:
    known = {nucleus_id(run_id, nucleus): nucleus for nucleus in nuclei.tolist()}
    return known.keys() == shapes.keys() and all(
        _is_same(known[number], shape) for number, shape in shapes.items()
    )


def _is_same(nucleus: tuple[float, float, int, int], shape: BaseGeometry) -> bool:
    y, x, area_px, _ = nucleus
    centre = shape.centroid
    moved = max(abs(centre.y - y), abs(centre.x - x))
    return bool(moved <= _MOVED_PX and abs(shape.area - area_px) <= _REDRAWN * area_px)
