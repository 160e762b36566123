"""The chosen cell of the grid, and the ways to it: a click, a name, the list of hotspots."""

from collections.abc import Callable
from typing import Any

from psygnal import Signal

from napari_glioma_density.density import CellGrid, parse_address
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.camera import fly_to
from napari_glioma_density.ui.overlays.grid import cell_at, cell_view
from napari_glioma_density.ui.overlays.stack import OverlayStack


class Cells:
    """Chooses cells of the snapshot that `current` returns, and frames them on the slide."""

    changed = Signal()
    """Another cell is chosen, or none."""
    problem = Signal(str)

    def __init__(
        self, viewer: Any, overlays: OverlayStack, current: Callable[[], Snapshot | None]
    ) -> None:
        self._viewer = viewer
        self._overlays = overlays
        self._current = current
        self.chosen: tuple[int, int] | None = None

    def choose(self, row: int, column: int) -> None:
        """Frame a cell and show its values."""
        self.chosen = (row, column)
        self._overlays.choose(row, column)
        self.changed.emit()

    def forget(self) -> None:
        """Choose none."""
        self.chosen = None
        self._overlays.choose_none()
        self.changed.emit()

    def choose_at(self, y_um: float, x_um: float) -> None:
        """Choose the cell under a point of the world; beyond the grid nothing happens."""
        snapshot = self._current()
        cell = cell_at(snapshot.grid, y_um, x_um) if snapshot else None
        if cell is not None:
            self.problem.emit("")
            self.choose(*cell)

    def go_to(self, address: str) -> bool:
        """Fly to a cell named as in B6, and say whether; a name that is none is a problem told."""
        snapshot = self._current()
        if snapshot is None:
            self.problem.emit("There are no cells: estimate the density, or wait for its results.")
            return False
        try:
            row, column = _find(address, snapshot.grid)
        except ValueError as error:
            self.problem.emit(f"{error}.")
            return False
        self.problem.emit("")
        fly_to(self._viewer, cell_view(snapshot.grid, row, column))
        self.choose(row, column)
        return True


def _find(address: str, grid: CellGrid) -> tuple[int, int]:
    """Return row and column; ValueError when the grid has no such cell."""
    asked = parse_address(address)
    if asked.section and asked.section != grid.section:
        where = "choose the section under Grid" if grid.section else "all cells are of one grid"
        raise ValueError(f"{asked.section} is not on show: {where}")
    if asked.row >= grid.rows or asked.column >= grid.columns:
        last = grid.address(grid.rows - 1, grid.columns - 1)
        raise ValueError(f"There is no cell {address.upper()}: the last one is {last}")
    return asked.row, asked.column
