"""The truth of a made-up slide: what a perfect measurement of its patches would find."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.bands import PAPER_BANDS, band_of
from napari_glioma_density.density.lattice import PATCH_PX, Lattice
from napari_glioma_density.density.patches import PatchState, PatchTable
from napari_glioma_density.synthesis.layout import CELL_PX, Layout
from napari_glioma_density.synthesis.nuclear_forms import Kind
from napari_glioma_density.synthesis.placement import Nuclei
from napari_glioma_density.synthesis.scene import Region
from napari_glioma_density.synthesis.targets import Target

WORKING_UM_PER_PX = 0.5
# Working px are whole sixteenths of level-0 px, so a patch is a whole number of level-0 px.
_SIXTEENTHS = 16
_COLUMNS = (
    "row", "column", "x_px", "y_px", "state", "density_percent",
    "nucleus_px", "read_px", "tissue_px", "count", "band",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """The true numbers of a slide.

    Attributes
    ----------
    slide, csv
        The slide file and the table beside it.
    patches
        True values; READ where a patch holds tissue, else BACKGROUND.
    spoiled
        bool, shape of the patches: blur or ink covers a tenth of the patch or more, so a
        measurement there need not come as close.
    """

    slide: Path
    csv: Path
    patches: PatchTable
    spoiled: NDArray[np.bool_]

    @property
    def density_percent(self) -> float:
        """Nuclear area of all patches with tissue (P1 eq. 6)."""
        return self.patches.totals().density_percent or 0.0


def truth_path(slide: Path) -> Path:
    """Return where the table of a slide lies: `OUT.tiff` → `OUT.truth.csv`."""
    return slide.with_suffix(".truth.csv")


def truth_target(slide: Path) -> Target:
    """Return the table of a slide as a file to write."""
    return Target(truth_path(slide), "truth of a synthetic slide", ",".join(_COLUMNS).encode())


class TruthCounter:
    """Adds up the patches of a slide, cell by cell, in any order.

    Pixels are counted at level 0, where nuclei are drawn, and turned into working px.
    """

    def __init__(self, layout: Layout) -> None:
        sixteenths = round(_SIXTEENTHS * WORKING_UM_PER_PX / layout.um_per_px)
        self._scale = sixteenths / _SIXTEENTHS
        self._patch = PATCH_PX * sixteenths // _SIXTEENTHS
        self._layout = layout
        self._lattice = Lattice.over(
            layout.height * _SIXTEENTHS // sixteenths,
            layout.width * _SIXTEENTHS // sixteenths,
            layout.um_per_px * self._scale,
        )
        shape = (self._lattice.rows, self._lattice.columns)
        self._nucleus, self._tissue, self._spoiled, self._count = np.zeros(
            (4, *shape), dtype=np.int64
        )

    def add(self, row: int, column: int, cell: Region, nuclei: Nuclei | None) -> None:
        """Count one cell: its pixels, and the nuclei whose centre it owns."""
        top, left = row * CELL_PX, column * CELL_PX
        height, width = cell.labels.shape
        for total, plane in (
            (self._nucleus, cell.labels > 0),
            (self._tissue, cell.tissue),
            (self._spoiled, cell.spoiled),
        ):
            self._add_px(total, plane, top, left)
        if nuclei is not None:
            here = (
                (nuclei.kind != Kind.GHOST) & (nuclei.y < top + height) & (nuclei.x < left + width)
            )
            self._add_centres(nuclei.y[here], nuclei.x[here])

    def table(self) -> PatchTable:
        """Return the patches counted so far, in working px."""
        read = self._lattice.patch_px()
        nucleus, tissue = (
            np.minimum(np.rint(px / self._scale**2).astype(np.int64), read)
            for px in (self._nucleus, self._tissue)
        )
        state = np.where(tissue > 0, PatchState.READ, PatchState.BACKGROUND).astype(np.uint8)
        nothing = np.zeros_like(read)
        return PatchTable(self._lattice, state, nucleus, read, tissue, nothing, self._count.copy())

    def spoiled(self) -> NDArray[np.bool_]:
        """Return which patches blur or ink covers by a tenth or more."""
        return np.asarray(10 * self._spoiled >= self._patch**2)

    def _add_px(
        self, total: NDArray[np.int64], plane: NDArray[np.bool_], top: int, left: int
    ) -> None:
        """Add a plane's true pixels to the patches they lie in."""
        rows, row_starts = self._parts(top, plane.shape[0], total.shape[0])
        columns, column_starts = self._parts(left, plane.shape[1], total.shape[1])
        by_rows = np.add.reduceat(plane.astype(np.int64), row_starts, axis=0)
        sums = np.add.reduceat(by_rows, column_starts, axis=1)
        total[rows, columns] += sums[: rows.stop - rows.start, : columns.stop - columns.start]

    def _parts(self, start: int, length: int, most: int) -> tuple[slice, NDArray[np.int64]]:
        """Return the patches along one axis that an interval touches, and where each begins."""
        first, last = start // self._patch, (start + length - 1) // self._patch
        starts = np.maximum(np.arange(first, last + 1) * self._patch - start, 0)
        return slice(min(first, most), min(last + 1, most)), starts

    def _add_centres(self, y: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        rows, columns = (y // self._patch).astype(int), (x // self._patch).astype(int)
        on_slide = (rows < self._count.shape[0]) & (columns < self._count.shape[1])
        np.add.at(self._count, (rows[on_slide], columns[on_slide]), 1)


def write_truth(path: Path, patches: PatchTable) -> None:
    """Write the patches with tissue as `patches.csv` has them."""
    density = patches.density_percent()
    bands = band_of(density, PAPER_BANDS)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for row, column in zip(*np.nonzero(patches.is_read), strict=True):
            at = (row, column)
            writer.writerow([
                row, column, column * PATCH_PX, row * PATCH_PX, "read", f"{density[at]:.4f}",
                patches.nucleus_px[at], patches.read_px[at], patches.tissue_px[at],
                patches.count[at], bands[at],
            ])  # fmt: skip
