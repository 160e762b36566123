"""Where on a slide a circle of some size holds most nucleus for its tissue.

The slide is summed up in bins of 16 working px, the px of its tissue map, and a disk is moved over
them. That is close but not exact; the circles that are found are measured exactly elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, pi, sin, sqrt
from typing import Self

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.raster import Outline
from napari_glioma_density.results.masks import DOWNSAMPLES, MaskLevel, mask_shapes
from napari_glioma_density.slides import TISSUE_PX, TissueKind

BIN_PX = TISSUE_PX
"""Centres are tried a bin apart, 8 µm at 0.5 µm/px: less than a nucleus."""

_BINS_PER_PATCH = PATCH_PX // BIN_PX
_TILE_BINS = 512
_CORNERS = 256
_NOWHERE = -1.0
_STEP_PERCENT = 0.001
"""Densities nearer than this are a tie, which the upper left one wins: filtering is no finer."""

Window = tuple[slice, slice]


@dataclass(frozen=True)
class Circle:
    """A circle on the working plane."""

    radius_px: float

    @classmethod
    def of(cls, area_mm2: float, px_mm2: float) -> Self:
        """Return the circle of an area; `px_mm2` is that of a working px."""
        return cls(sqrt(area_mm2 / px_mm2 / pi))

    @property
    def reach_px(self) -> float:
        """How far the corners of its outline reach: a polygon inside it would be smaller."""
        turn = 2 * pi / _CORNERS
        return self.radius_px * sqrt(turn / sin(turn))

    def outline(self, y: float, x: float) -> shapely.Polygon:
        """Return a polygon of the circle's area around a point of the working plane."""
        turns = np.arange(_CORNERS) * 2 * pi / _CORNERS
        corners = self.reach_px * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        return shapely.Polygon(corners + np.array((x, y)))

    def kernel(self) -> NDArray[np.float32]:
        """Return the share of every bin that a circle covers, around the centre of a bin."""
        bins = ceil(self.radius_px / BIN_PX - 0.5)
        away = np.arange(-bins * BIN_PX, (bins + 1) * BIN_PX) - (BIN_PX - 1) / 2
        covered = away[:, None] ** 2 + away**2 <= self.radius_px**2
        side = 2 * bins + 1
        shares = covered.reshape(side, BIN_PX, side, BIN_PX).mean(axis=(1, 3), dtype=np.float32)
        return np.asarray(shares, np.float32)


@dataclass(frozen=True)
class Ground:
    """Nucleus and tissue px of every bin.

    `counted` is the share of each patch's px that count, `asked` the scope: both (lattice rows,
    lattice columns). `left_out` is in bins.
    """

    measured: Measured
    mask: MaskLevel
    counted: NDArray[np.float32]
    asked: NDArray[np.bool_]
    left_out: Outline | None

    @classmethod
    def of(
        cls,
        measured: Measured,
        mask: MaskLevel,
        scope: NDArray[np.bool_] | None,
        left_out: BaseGeometry | None,
    ) -> Self:
        """Lay out what counts: `left_out` is in level-0 px, `mask` at 1 or 1/4 of the plane."""
        patches = measured.patches
        asked = np.ones(patches.state.shape, bool) if scope is None else scope
        read = patches.read_px / patches.lattice.patch_px() * (patches.is_read & asked)
        outline = None
        if left_out is not None:
            in_bins = shapely.transform(measured.plane.to_working(left_out), lambda xy: xy / BIN_PX)
            outline = Outline.of(in_bins)
        return cls(measured, mask, read.astype(np.float32), asked, outline)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of bins."""
        return self.measured.tissue.shape[0], self.measured.tissue.shape[1]

    def inside(self, window: Window) -> NDArray[np.uint8]:
        """Tell which bins lie in scope, and on the slide with all their px."""
        lattice = self.measured.plane.lattice
        down, across = (
            bins < length // BIN_PX
            for bins, length in zip(
                _numbers(window), (lattice.height_px, lattice.width_px), strict=True
            )
        )
        return (self.asked[_patches(window)] & down[:, None] & across).astype(np.uint8)

    def has_any(self, window: Window) -> bool:
        """Whether anything in a window counts."""
        return bool(self.counted[_patches(window)].any())

    def sums(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return nucleus px and tissue px that count in every bin of a window."""
        counted = self.counted[_patches(window)]
        if self.left_out is not None:
            gone = self.left_out.within_rows(window[0]).covered_pixels(window)
            counted = np.where(gone, np.float32(0), counted)
        nucleus = self._nucleus_px(window) * (counted > 0)
        on_tissue = self.measured.tissue[window] == TissueKind.TISSUE
        tissue = np.where(on_tissue, counted * BIN_PX**2, 0)
        return nucleus, np.maximum(tissue, nucleus).astype(np.float32)

    def _nucleus_px(self, window: Window) -> NDArray[np.float32]:
        level = mask_shapes(self.measured.plane.lattice).index(tuple(self.mask.shape))
        downsample = DOWNSAMPLES[level]
        side = BIN_PX // downsample
        down, across = (slice(part.start * side, part.stop * side) for part in window)
        sums = cv2.boxFilter(
            self.mask[down, across],
            cv2.CV_32F,
            (side, side),
            normalize=False,
            anchor=(0, 0),
            borderType=cv2.BORDER_CONSTANT,
        )
        return np.asarray(sums[::side, ::side] * np.float32(downsample**2))


def _numbers(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    down, across = window
    return np.arange(down.start, down.stop), np.arange(across.start, across.stop)


def _patches(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the patch of every bin of a window, to index arrays of patches with."""
    rows, columns = (bins // _BINS_PER_PATCH for bins in _numbers(window))
    return rows[:, None], columns[None]


def scores(ground: Ground, circle: Circle, min_tissue_share: float) -> NDArray[np.float32]:
    """Return the tissue density, %, of the circle around each bin; -1 where none may be.

    Tile by tile, so that memory does not grow with the mask.
    """
    percent = np.full(ground.shape, _NOWHERE, np.float32)
    kernel = circle.kernel()
    least_px = min_tissue_share * float(kernel.sum()) * BIN_PX**2
    for tile in _tiles(ground.shape):
        seen, core = _with_halo(tile, len(kernel) // 2 + 1, ground.shape)
        if not ground.has_any(seen):
            continue
        nucleus, tissue = (_around(px, kernel)[core] for px in ground.sums(seen))
        inside = cv2.copyMakeBorder(ground.inside(seen), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        away = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1][core]
        # To the farthest corner of the first bin that is not inside.
        allowed = (away >= circle.reach_px / BIN_PX + sqrt(0.5)) & (tissue >= max(least_px, 1))
        steps = np.rint(100 * nucleus / np.maximum(tissue, 1) / _STEP_PERCENT)
        percent[tile] = np.where(allowed, np.maximum(steps * _STEP_PERCENT, 0), _NOWHERE)
    return percent


def _around(px: NDArray[np.float32], kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.filter2D(px, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT))


def _tiles(shape: tuple[int, int]) -> Iterator[Window]:
    rows, columns = shape
    for top, left in product(range(0, rows, _TILE_BINS), range(0, columns, _TILE_BINS)):
        yield (
            slice(top, min(top + _TILE_BINS, rows)),
            slice(left, min(left + _TILE_BINS, columns)),
        )


def _with_halo(tile: Window, halo: int, shape: tuple[int, int]) -> tuple[Window, Window]:
    """Return a tile with what circles in it reach, as far as there is any; and where it lies."""
    seen = tuple(
        slice(max(part.start - halo, 0), min(part.stop + halo, length))
        for part, length in zip(tile, shape, strict=True)
    )
    core = tuple(
        slice(part.start - wide.start, part.stop - wide.start)
        for part, wide in zip(tile, seen, strict=True)
    )
    return (seen[0], seen[1]), (core[0], core[1])


def picks(scores: NDArray[np.float32], circle: Circle) -> Iterator[tuple[float, float]]:
    """Yield centres (y, x, working px) by score, highest first; no two circles overlap.

    `scores` is used up.
    """
    apart = 2 * circle.reach_px / BIN_PX
    reach = ceil(apart)
    while scores.size:
        row, column = divmod(int(scores.argmax()), scores.shape[1])
        if scores[row, column] < 0:
            return
        yield (row + 0.5) * BIN_PX, (column + 0.5) * BIN_PX
        down = slice(max(row - reach, 0), row + reach + 1)
        across = slice(max(column - reach, 0), column + reach + 1)
        near = scores[down, across]
        y = np.arange(near.shape[0])[:, None] + down.start - row
        x = np.arange(near.shape[1]) + across.start - column
        near[y**2 + x**2 < apart**2] = _NOWHERE
