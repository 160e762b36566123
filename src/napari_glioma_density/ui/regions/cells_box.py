"""Every cell of the grid in one table: figures, how sure they are, and against reference tissue."""

import time
from dataclasses import dataclass
from functools import partial

from napari_glioma_density.density import BandScale, Cell, CellGrid
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.comparison import ratio_to_reference
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.reference import Reference
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.findings.uncertainty import Uncertainty, cell_uncertainties
from napari_glioma_density.ui import words
from napari_glioma_density.ui.camera import fly_to
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, text
from napari_glioma_density.ui.dock.sorted_table import Column, SortedTable
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.identity import same_objects
from napari_glioma_density.ui.overlays.grid import cell_view
from napari_glioma_density.ui.reference import reference_tissue
from napari_glioma_density.ui.session import Session

PAUSE_S = 2.0
"""Between two tables while an estimate goes on."""
LEAST_HEIGHT_PX = 300
NOTHING = "Nothing is measured yet."
FILLING = "The cells are being listed."
UNSURE = "?"
"""Marks a band that may be another."""
INTERVAL, RATIO = 2, 5
"""Columns that are there only when their figures are known."""


@dataclass(frozen=True)
class CellRow:
    """A cell with all that is said of it; None for what is not known."""

    cell: Cell
    scale: BandScale
    corrected: bool
    unsure: Uncertainty | None
    ratio: float | None

    @property
    def name(self) -> str:
        """Its address, marked when a person corrected some of it."""
        return f"{words.CORRECTED} {self.cell.address}" if self.corrected else self.cell.address

    @property
    def interval(self) -> str:
        """The 95 % interval of its density of tissue."""
        if self.unsure is None:
            return words.NONE
        if self.unsure.is_known:
            return "by hand"
        return words.interval(self.unsure.tissue_density).removesuffix(" %")

    @property
    def is_band_unsure(self) -> bool:
        """Whether its interval reaches into another band."""
        return self.unsure is not None and self.unsure.crosses_limit(self.scale)

    @property
    def band(self) -> str:
        """Limits of its band."""
        mark = f" {UNSURE}" if self.is_band_unsure else ""
        return self.scale.spans[self.cell.band] + mark

    @property
    def band_tip(self) -> str:
        """What the mark of an unsure band says."""
        return "The 95 % interval reaches into another band" if self.is_band_unsure else ""


COLUMNS = (
    Column("Cell", lambda each: each.name, None, is_left=True),
    Column(
        "% of\ntissue",
        lambda each: _figure(each.cell.tissue_density_percent),
        lambda each: each.cell.tissue_density_percent,
        width_px=46,
    ),
    Column(
        "95 %\ninterval",
        lambda each: each.interval,
        lambda each: each.unsure.tissue_density.low if each.unsure else None,
        width_px=84,
    ),
    Column(
        "Nuclei\n/mm²",
        lambda each: words.number(each.cell.nuclei_per_mm2),
        lambda each: each.cell.nuclei_per_mm2,
        width_px=48,
    ),
    Column(
        "Tissue\nmm²",
        lambda each: _tissue(each.cell.tissue_mm2),
        lambda each: each.cell.tissue_mm2,
        tip=lambda each: square_mm(each.cell.tissue_mm2),
        width_px=54,
    ),
    Column(
        "× refe-\nrence", lambda each: _figure(each.ratio), lambda each: each.ratio, width_px=48
    ),
    Column(
        "Band\n%",
        lambda each: each.band,
        lambda each: each.cell.band,
        tip=lambda each: each.band_tip,
        width_px=62,
    ),
)


class CellsBox(Box):
    """A table that is filled only while somebody can see it; a click on a row flies there.

    While an estimate goes on it is not changed under the pointer.
    """

    def __init__(self, session: Session) -> None:
        super().__init__("Cells of the grid")
        self.body.setContentsMargins(4, 4, 4, 4)
        self._session = session
        self._reference = reference_tissue(session)
        self._rows: tuple[CellRow, ...] = ()
        self._made_of: tuple[object, ...] = ()
        self._grid: CellGrid | None = None
        self._next = 0.0
        self._note = text(NOTHING, quiet=True)
        self.table = SortedTable("Cells of the grid", COLUMNS)
        self.table.setMinimumHeight(LEAST_HEIGHT_PX)
        self._show_columns()
        self.body.addWidget(self._note)
        self.body.addWidget(self.table, 1)
        self.connections = Connections()
        self.connections.add(self.table.row_clicked, self._fly)
        self.connections.add(session.cells.changed, self._choose)
        self.connections.add(session.measured, self._follow)
        self._follow()

    def tick(self) -> None:
        """Fill the table anew when it is due."""
        session = self._session
        snapshot, reference = session.snapshot, self._reference.current
        if snapshot is None or not self.isVisible():
            return
        error = session.sureness.error
        made_of = (snapshot, reference, error)
        if same_objects(made_of, self._made_of):
            return
        running = session.estimating.phase is not Phase.READY
        if running and (time.monotonic() < self._next or self.table.underMouse()):
            return
        self._made_of, self._next = made_of, time.monotonic() + PAUSE_S
        session.background.submit(
            partial(cell_rows, snapshot, error, reference),
            partial(self._show, made_of, snapshot.grid),
        )

    def _show(self, made_of: tuple[object, ...], grid: CellGrid, rows: tuple[CellRow, ...]) -> None:
        if made_of is not self._made_of:
            return
        self._rows, self._grid = rows, grid
        self._show_columns()
        self.table.show_rows(rows)
        self._note.setText(self._said())
        self._choose(show=False)

    def _show_columns(self) -> None:
        """Show a column only where there is something in it."""
        self.table.setColumnHidden(INTERVAL, not any(each.unsure for each in self._rows))
        self.table.setColumnHidden(RATIO, all(each.ratio is None for each in self._rows))

    def _said(self) -> str:
        reference, snapshot = self._reference.current, self._session.snapshot
        said = [f"{len(self._rows)} cells; a click on a head sorts, on a row flies there."]
        if reference is not None:
            percent = words.percent(reference.sums.tissue_density_percent)
            said.append(f"Reference: {reference.names}, {percent} of tissue.")
        if any(each.is_band_unsure for each in self._rows):
            said.append(f"{UNSURE} the interval reaches into another band.")
        if snapshot is not None and not snapshot.totals.complete:
            said.append("Provisional: not all is read.")
        return "\n".join(said)

    def _fly(self, place: int) -> None:
        snapshot, cell = self._session.snapshot, self._rows[place].cell
        if snapshot is not None and snapshot.grid == self._grid:  # else the rows are about to go
            fly_to(self._session.viewer, cell_view(snapshot.grid, cell.row, cell.column))
            self._session.cells.choose(cell.row, cell.column)

    def _choose(self, *, show: bool = True) -> None:
        """Choose the row of the chosen cell."""
        chosen = self._session.cells.chosen
        places = [(each.cell.row, each.cell.column) for each in self._rows] if chosen else []
        self.table.choose(places.index(chosen) if chosen in places else None, show=show)

    def _follow(self) -> None:
        """Say what there is until the table is filled, and forget cells of another slide."""
        if self._session.snapshot is None:
            self._rows, self._made_of, self._grid = (), (), None
            self.table.show_rows(())
            self._note.setText(NOTHING)
        elif self._grid is None:
            self._note.setText(FILLING)


def cell_rows(
    snapshot: Snapshot, error: DensityError | None, reference: Reference | None
) -> tuple[CellRow, ...]:
    """Return every cell with its interval and its ratio; slow where there are many."""
    cells = snapshot.cells
    unsure: tuple[Uncertainty | None, ...] = (None,) * len(cells)
    ratios: tuple[float | None, ...] = (None,) * len(cells)
    if error is not None:
        known = (snapshot.patches, snapshot.known, error, snapshot.scope, snapshot.corrected)
        unsure = cell_uncertainties(cells, *known)
    if reference is not None:
        ratios = ratio_to_reference(cells, reference.sums)
    return tuple(
        CellRow(cell, snapshot.scale, snapshot.is_corrected(cell.row, cell.column), ends, ratio)
        for cell, ends, ratio in zip(cells, unsure, ratios, strict=True)
    )


def _tissue(mm2: float) -> str:
    """An area as everywhere, but of a sliver only what the column has room for."""
    return min(square_mm(mm2), f"{mm2:.4f}", key=len)


def _figure(value: float | None) -> str:
    return words.NONE if value is None else f"{value:.1f}"
