"""Every nucleus that counts, as a table."""

from collections.abc import Iterator, Sequence
from math import isnan
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import Origin
from napari_glioma_density.density import patches_of
from napari_glioma_density.exchange.whole_output import whole_file
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.sections import Section

NUCLEUS_COLUMNS: Final = (
    "id", "section", "cell", "centroid_x_um", "centroid_y_um", "centroid_x_px", "centroid_y_px",
    "area_um2", "equivalent_diameter_um", "mean_haematoxylin_od", "corrected",
    "origin",
)  # fmt: skip

_AT_ONCE: Final = 65536
_ORIGINS: Final = {origin.value: origin.name.lower() for origin in Origin}


def write_nuclei_csv(
    path: Path,
    findings: Findings,
    *,
    haematoxylin: NDArray[np.float64] | None = None,
    sections: Sequence[Section] = (),
) -> None:
    """Write one row for every nucleus that counts, in the order of patches.

    Centroids are in µm and in level-0 px from the slide's top left corner. `equivalent_diameter_um`
    is that of a circle of the same area. `cell` is the address in grid.csv; in every cell
    there are as many rows as it counts nuclei. `corrected` is 1 where a person went over the patch,
    `origin` tells the model's nuclei from accepted hints, grown and hand-drawn ones.

    Parameters
    ----------
    path
        The file to replace; written piece by piece, a million nuclei need no memory to speak of.
    findings
        What is said of the slide.
    haematoxylin
        Mean optical density of haematoxylin of each nucleus, as `mean_haematoxylin` gives it; the
        column stays empty without.
    sections
        Pieces of tissue, for the column `section`.

    Raises
    ------
    StoreError
        When the file cannot be written; what was there before is kept.
    """
    densities = np.full(len(findings.nuclei), np.nan) if haematoxylin is None else haematoxylin
    places = _Places(findings, sections)
    with whole_file(path) as part, part.open("w", encoding="ascii", newline="") as file:
        file.write(",".join(NUCLEUS_COLUMNS) + "\n")
        for start in range(0, len(findings.nuclei), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            file.writelines(_lines(start, findings, some, places, densities[some]))


class _Places:
    """The section and the cell of nuclei, and whether their patch is corrected."""

    def __init__(self, findings: Findings, sections: Sequence[Section]) -> None:
        lattice, self._grid = findings.plane.lattice, findings.snapshot.grid
        self._section = np.full((lattice.rows, lattice.columns), "", "U16")
        for section in sections:
            self._section[section.patches] = section.name
        self._corrected = findings.snapshot.corrected.astype(int)

    def of(self, nuclei: NDArray[np.void]) -> tuple[list[str], list[str], list[int]]:
        """Return section, cell and 1 or 0 for corrected of each."""
        row, column = patches_of(nuclei)
        places = zip(row.tolist(), column.tolist(), strict=True)
        addresses = [self._address(*place) for place in places]
        return (
            self._section[row, column].tolist(),
            addresses,
            self._corrected[row, column].tolist(),
        )

    def _address(self, row: int, column: int) -> str:
        """Of the cell of a patch; empty where the grid, that of a section, does not reach."""
        covered, side = self._grid.covered, self._grid.patches_per_cell
        down, across = row - covered.row, column - covered.column
        if not (0 <= down < covered.rows and 0 <= across < covered.columns):
            return ""
        return self._grid.address(down // side, across // side)


def _lines(
    before: int,
    findings: Findings,
    some: slice,
    places: _Places,
    densities: NDArray[np.float64],
) -> Iterator[str]:
    nuclei, um = findings.nuclei[some], findings.spec.working_um_per_px
    px = findings.plane.level0_px_per_px
    x, y = (nuclei[name].astype(np.float64) for name in ("x_px", "y_px"))
    area = nuclei["area_px"] * um**2
    numbers = np.stack([x * um, y * um, x * px, y * px, area, np.sqrt(4 * area / np.pi)], axis=1)
    rows = zip(
        *places.of(nuclei), numbers.tolist(), densities.tolist(), nuclei["origin"].tolist(),
        strict=True,
    )  # fmt: skip
    for number, (section, cell, corrected, values, density, origin) in enumerate(rows, before + 1):
        printed = ",".join(f"{value:.2f}" for value in values)
        stain = "" if isnan(density) else f"{density:.4f}"
        yield f"{number},{section},{cell},{printed},{stain},{corrected},{_ORIGINS[origin]}\n"
