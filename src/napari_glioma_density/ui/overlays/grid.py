"""The grid overlay: lines between cells, their names, and the cell that was chosen."""

from collections import deque
from collections.abc import Iterator

import numpy as np
from napari.layers import Layer, Points
from numpy.typing import NDArray

from napari_glioma_density.density import CellGrid, cell_address
from napari_glioma_density.ui.camera import View
from napari_glioma_density.ui.overlays.lines import NOTHING, LineOverlay, grid_segments
from napari_glioma_density.ui.world import MICROMETRE

LINE_COLOUR = "#1F2937"
CHOSEN_COLOUR = "#0057FF"
TAG_COLOUR = "#FFFFFFBF"
NAME_SIZE = 10
TAG_PX = 26
LEAST_CELL_PX = 2 * TAG_PX
"""Tags on smaller cells would hide most of the map."""
MOST_NAMES = 600
"""Beyond this many cells names would neither be legible nor quick to draw."""


class GridOverlay:
    """Cell borders and names of one grid, and a frame around the chosen cell."""

    def __init__(self, grid: CellGrid) -> None:
        self._grid = grid
        ys, xs = grid.edges_um()
        self._lines = LineOverlay("grid", grid_segments(ys, xs), LINE_COLOUR, width=1.0)
        self._frame = LineOverlay("chosen cell", NOTHING, CHOSEN_COLOUR, width=4.0)
        self._names = CellNames(grid)
        self._veiled = False
        self.layers = (self._lines.layer, self._names.layer, self._frame.layer)
        for layer in self.layers:
            layer.editable = False
            layer.locked = True

    @property
    def names(self) -> Layer:
        """The layer of the cells' names."""
        return self._names.layer

    def show(self, grid: CellGrid) -> None:
        """Lay another grid over the slide; the same one costs nothing."""
        if grid == self._grid:
            return
        self._grid = grid
        self._lines.draw(grid_segments(*grid.edges_um()))
        self.choose_none()
        self._names.show(grid)

    def show_names(self, shown: bool) -> None:
        """Switch the names of the cells on or off."""
        if self._names.layer.visible != shown:
            self._names.layer.visible = shown

    def veil(self) -> None:
        """Be drawn without being seen, so that what napari does once is done before it counts."""
        self._veiled = True
        for layer in self.layers:
            layer.opacity = 0.0
        self._names.begin_rehearsal()

    def rehearse(self) -> None:
        """Have a letter or two of the names drawn that were not drawn before."""
        self._names.rehearse()

    def unveil(self) -> None:
        """Be seen."""
        self._veiled = False
        self._names.end_rehearsal()
        for layer in self.layers:
            layer.opacity = 1.0

    def choose(self, row: int, column: int) -> None:
        """Frame one cell."""
        ys, xs = self._grid.edges_um()
        self._frame.draw(grid_segments(ys[row : row + 2], xs[column : column + 2]))

    def choose_none(self) -> None:
        """Frame no cell."""
        self._frame.draw(NOTHING)

    def follow_zoom(self, zoom: float) -> None:
        """Keep lines and names at their size on the screen (`zoom` in screen px per µm).

        One of them a call: napari takes 5 to 20 ms for each, more beside an estimate.
        """
        names = self._names
        if not self._veiled and names.give_way(zoom * self._grid.cell_mm * 1000):
            return
        parts = (names.keep_in_corners, names.keep_size, self._lines.follow_zoom)
        next((part for part in (*parts, self._frame.follow_zoom) if part(zoom)), None)


def cell_at(grid: CellGrid, y_um: float, x_um: float) -> tuple[int, int] | None:
    """Return row and column of the cell at a point of the slide, or None beyond its edge."""
    ys, xs = grid.edges_um()
    row, column = np.searchsorted(ys, y_um, "right") - 1, np.searchsorted(xs, x_um, "right") - 1
    if 0 <= row < grid.rows and 0 <= column < grid.columns:
        return int(row), int(column)
    return None


def cell_view(grid: CellGrid, row: int, column: int) -> View:
    """Return the extent of a cell in the world."""
    ys, xs = grid.edges_um()
    height, width = ys[row + 1] - ys[row], xs[column + 1] - xs[column]
    return View(float(ys[row]), float(xs[column]), float(height), float(width))


class CellNames:
    """One Points layer: each name on a light tag in the upper left corner of its cell."""

    def __init__(self, grid: CellGrid) -> None:
        self._corners, names = _name_places(grid)
        self._rehearsed: deque[int] = deque()
        self._offset, self._size = 0.0, float(TAG_PX)
        self._gave_way: float | None = None
        """Opacity to come back to; None while the names are seen."""
        self.layer = Points(
            self._corners,
            ndim=2,
            name="cell names",
            features={"cell": names},
            text={"string": "{cell}", "size": NAME_SIZE, "color": LINE_COLOUR, "anchor": "center"},
            symbol="square",
            face_color=TAG_COLOUR,
            border_width=0,
            size=self._size,
            units=(MICROMETRE, MICROMETRE),
        )

    def show(self, grid: CellGrid) -> None:
        """Name the cells of another grid."""
        self._corners, names = _name_places(grid)
        self.layer.data = self._corners
        self.layer.features = {"cell": names}
        self.layer.size = self._size
        if self._rehearsed:  # places among the names of before
            self.begin_rehearsal()

    def begin_rehearsal(self) -> None:
        """Show no name until `rehearse` does.

        A letter takes 20 to 40 ms when it is drawn for the first time, all of them half a second.
        """
        self._rehearsed = deque(_names_with_new_letters(list(self.layer.features["cell"])))
        self.layer.shown = np.zeros(len(self._corners), np.bool_)

    def rehearse(self) -> None:
        """Show one more name that has a letter no other has shown."""
        if self._rehearsed:
            shown = self.layer.shown.copy()
            shown[self._rehearsed.popleft()] = True
            self.layer.shown = shown

    def end_rehearsal(self) -> None:
        """Show every name."""
        self._rehearsed.clear()
        self.layer.shown = np.ones(len(self._corners), np.bool_)

    def give_way(self, cell_px: float) -> bool:
        """Be seen only on cells wide enough on the screen; return whether it took work."""
        gives_way = cell_px < LEAST_CELL_PX
        if gives_way == (self._gave_way is not None):
            return False
        if self._gave_way is None:
            self._gave_way, self.layer.opacity = self.layer.opacity, 0.0
        else:
            self._gave_way, self.layer.opacity = None, self._gave_way
        return True

    def keep_in_corners(self, zoom: float) -> bool:
        """Keep tags within their cells (`zoom` in screen px per µm); return whether it took work.

        The layer is moved and not its points, which takes napari longer.
        """
        offset = TAG_PX / 2 / zoom
        if np.isclose(offset, self._offset, rtol=0.05):
            return False
        self._offset = offset
        # Nothing else about it changes, and napari has no public way to know that.
        with self.layer._block_refresh():
            self.layer.translate = (offset, offset)
        return True

    def keep_size(self, zoom: float) -> bool:
        """Keep tags at their size (`zoom` in screen px per µm); return whether it took work."""
        if np.isclose(TAG_PX / zoom, self._size, rtol=0.05):
            return False
        self._size = TAG_PX / zoom
        self.layer.size = self._size
        return True


def _names_with_new_letters(names: list[str]) -> Iterator[int]:
    """Yield the places of names, in order, that hold a letter or digit none before them holds."""
    known: set[str] = set()
    for place, name in enumerate(names):
        if not known.issuperset(name):
            known.update(name)
            yield place


def _name_places(grid: CellGrid) -> tuple[NDArray[np.float64], list[str]]:
    if grid.rows * grid.columns > MOST_NAMES:
        return np.zeros((0, 2)), []
    ys, xs = grid.edges_um()
    corners = np.stack(np.meshgrid(ys[:-1], xs[:-1], indexing="ij"), axis=-1).reshape(-1, 2)
    # Without the section, which the dock names: a tag has room for a letter and a number.
    names = [cell_address(r, c) for r in range(grid.rows) for c in range(grid.columns)]
    return corners, names
