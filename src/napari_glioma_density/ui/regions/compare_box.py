"""One place of the slide against another: difference and ratio."""

from functools import partial
from typing import NamedTuple

from napari_glioma_density.density import CellGrid
from napari_glioma_density.findings.comparison import Comparison, compare
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.uncertainty import is_whole_slide
from napari_glioma_density.regions.measuring import RegionSums, parts_of
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.figures import Figures, RegionFigures
from napari_glioma_density.ui.regions.place_combo import PlaceCombo
from napari_glioma_density.ui.regions.places import SLIDE, place_outline, places_to_compare
from napari_glioma_density.ui.regions.words import compared, measured_place

CHOOSE = "Choose two places: drawn regions, reference tissue, the chosen cell or the whole slide."
NO_TISSUE = "One of the two has no tissue that counts."
MEASURING = "Measuring …"


class Compared(NamedTuple):
    """Two places and how they differ; sums without tissue leave nothing to compare."""

    one: RegionSums
    other: RegionSums
    comparison: Comparison | None


class CompareBox(Box):
    """Follows regions, the chosen cell and new figures."""

    def __init__(self, desk: RegionDesk, figures: RegionFigures) -> None:
        super().__init__("Compare")
        self._desk, self._figures = desk, figures
        self._session = desk.session
        self._asked: object = None
        self._one, self._other = PlaceCombo("What to compare"), PlaceCombo("Compared with")
        self._places, self._result = text(), text(CHOOSE)
        # Each on a line of its own: side by side their names would be cut off.
        self.body.addWidget(self._one)
        self.body.addLayout(row([text("with", wrap=False), self._other], stretch=1))
        self.body.addWidget(self._places)
        self.body.addWidget(self._result)
        self.connections = Connections()
        add = self.connections.add
        add(self._one.currentIndexChanged, self._compare)
        add(self._other.currentIndexChanged, self._compare)
        add(desk.changed, self._offer)
        add(self._session.cells.changed, self._offer)
        add(figures.changed, self._compare)
        add(self._session.sureness.changed, self._compare)
        self._offer()

    def _offer(self) -> None:
        snapshot, chosen = self._session.snapshot, self._session.cells.chosen
        section = snapshot.grid.section if snapshot else ""
        places, references = places_to_compare(self._desk.regions, chosen, section)
        everything = [*places, *references]
        self._one.show_places(everything, first=places[0][1])
        self._other.show_places(everything, first=references[0][1] if references else "")

    def _compare(self, _index: int = 0) -> None:
        """Measure both places elsewhere; only the latest pair asked for is shown."""
        one, other, figures = self._one.key, self._other.key, self._figures.latest
        snapshot = self._session.snapshot
        asked = self._asked = object()
        self._places.setVisible(False)
        if not one or not other or figures is None or snapshot is None:
            self._result.setText(CHOOSE)
            return
        self._result.setText(MEASURING)
        error = self._session.sureness.error
        measure = partial(compare_places, one, other, figures, snapshot.grid, error)
        names = self._one.currentText(), self._other.currentText()

        def take(found: Compared | None) -> None:
            if asked is self._asked:
                self._show(names, found)

        self._session.background.submit(measure, take, self._stop_waiting)

    def _stop_waiting(self) -> None:
        if self._result.text() == MEASURING:  # it failed: the problem line says why
            self._result.setText(CHOOSE)

    def _show(self, names: tuple[str, str], found: Compared | None) -> None:
        if found is None:
            self._result.setText(CHOOSE)
            return
        one, other, comparison = found
        lines = (measured_place(name, sums) for name, sums in zip(names, (one, other), strict=True))
        self._places.setText("\n".join(lines))
        self._places.setVisible(True)
        self._result.setText(compared(*names, comparison) if comparison else NO_TISSUE)


def compare_places(
    one: str, other: str, figures: Figures, grid: CellGrid, error: DensityError | None
) -> Compared | None:
    """Compare two places by their keys; slow. None when one is not there any more."""
    findings = figures.findings
    outlines = [place_outline(key, findings, grid) for key in (one, other)]
    if outlines[0] is None or outlines[1] is None:
        return None
    first, second = (
        parts_of(outline, findings.measured, findings.exclusions, figures.left_out)
        for outline in outlines
    )
    sums = [figures.sum_up(parts) for parts in (first, second)]
    shown = findings.snapshot
    marks, is_whole = (shown.known, shown.corrected), is_whole_slide(shown.patches)
    whole = one == SLIDE and is_whole, other == SLIDE and is_whole
    comparison = compare(sums[0], sums[1], first, second, error, *marks, whole)
    return Compared(sums[0], sums[1], comparison)
