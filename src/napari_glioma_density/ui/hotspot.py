"""A dense place of a slide, as the screen shows it."""

from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import Cell
from napari_glioma_density.findings.field_hotspots import FieldHotspot
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.ui.camera import View
from napari_glioma_density.ui.overlays.grid import cell_view


@dataclass(frozen=True)
class Hotspot:
    """A cell of the grid, or a circle, among the densest.

    `outline` is in level-0 px; `view` frames it; `cell` is (row, column) of a cell of the grid.
    """

    name: str
    tissue_density_percent: float | None
    nuclei_per_mm2: float | None
    tissue_mm2: float
    outline: BaseGeometry
    view: View
    cell: tuple[int, int] | None
    corrected: bool


def of_cell(cell: Cell, snapshot: Snapshot, plane: Plane) -> Hotspot:
    """Return a cell of the grid as such a place."""
    return Hotspot(
        cell.address,
        cell.tissue_density_percent,
        cell.nuclei_per_mm2,
        cell.tissue_mm2,
        plane.block_outline(snapshot.grid.block(cell.row, cell.column)),
        cell_view(snapshot.grid, cell.row, cell.column),
        (cell.row, cell.column),
        snapshot.is_corrected(cell.row, cell.column),
    )


def of_circle(spot: FieldHotspot) -> Hotspot:
    """Return a circle as such a place."""
    side = 2 * spot.radius_um
    return Hotspot(
        str(spot.rank),
        spot.sums.tissue_density_percent,
        spot.sums.nuclei_per_mm2,
        spot.sums.tissue_mm2,
        spot.outline,
        View(spot.centre_y_um - spot.radius_um, spot.centre_x_um - spot.radius_um, side, side),
        None,
        corrected=False,
    )
