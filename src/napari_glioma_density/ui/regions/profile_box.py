"""Nuclear density along a drawn line, or against the distance from it."""

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QDoubleSpinBox, QPushButton

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.decay import (
    Decay,
    Side,
    Slope,
    fit_decay,
    slope,
    steps_beside,
)
from napari_glioma_density.findings.profiles import (
    REACH_UM,
    STEP_UM,
    Profile,
    ProfileKind,
    profile_along,
    profile_from_border,
)
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.figures import Figures, RegionFigures
from napari_glioma_density.ui.regions.place_combo import PlaceCombo
from napari_glioma_density.ui.regions.plot_picture import PlotPicture
from napari_glioma_density.ui.regions.purpose import KIND_NAMES, region_title
from napari_glioma_density.ui.regions.words import sloping

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DRAW_ONE = "Draw a line, or a border, under Draw."
REACHES = {RegionKind.LINE: "Width", RegionKind.BORDER: "Out to"}
MEASURING = "Measuring …"


class Measures(NamedTuple):
    """How to measure along a line or from a border.

    `reach_um` is the width of the strip along a line, and how far to go from a border.
    """

    reach_um: float
    step_um: float
    side: Side


class Measurement(NamedTuple):
    """A profile and what was fitted to it."""

    region: Region
    profile: Profile
    slope: Slope | None
    decay: Decay | None
    side: Side = Side.BOTH


class ProfileBox(Box):
    """Measures when asked, and when what was measured has changed since."""

    def __init__(self, desk: RegionDesk, figures: RegionFigures) -> None:
        super().__init__("Density against distance from a drawn line")
        self._desk, self._figures = desk, figures
        self._asked: object = None
        self._line = PlaceCombo("Line or border")
        self._reach_name = text(wrap=False)
        self._reach, self._step = (
            _micrometres(REACH_UM, 20, 20_000),
            _micrometres(STEP_UM, 10, 2000),
        )
        self._step.setAccessibleName("Step")
        self._side_name = text("Side", wrap=False)
        self._side = ComboBox(
            choices=[(each.capitalize(), each) for each in Side], value=Side.RIGHT
        )
        self._side.native.setAccessibleName("Side")
        self._side.native.setToolTip("Of the line, seen in the direction it was drawn")
        self._measure = QPushButton("Measure")
        self._result = text(DRAW_ONE)
        self.plot = PlotPicture(desk.session.background, "profile")
        self.body.addLayout(row([self._line, self._measure], stretch=0))
        step = text("Step", wrap=False)
        sizes = [self._reach_name, self._reach, step, self._step]
        self.body.addLayout(row(sizes))
        self.body.addLayout(row([self._side_name, self._side.native], stretch=1))
        self.body.addWidget(self._result)
        self.body.addWidget(self.plot)
        self.connections = Connections()
        add = self.connections.add
        add(self._line.currentIndexChanged, self._choose)
        add(self._measure.clicked, self.measure)
        add(desk.changed, self._offer)
        add(figures.changed, self._measure_again)
        self._offer()

    @property
    def _chosen(self) -> Region | None:
        return self._desk.region(self._line.key)

    def measure(self) -> None:
        """Measure the chosen line, elsewhere; only what was asked for last is shown."""
        region, figures = self._chosen, self._figures.latest
        if region is None or figures is None:
            return
        asked = self._asked = object()
        measures = Measures(self._reach.value(), self._step.value(), Side(self._side.value))
        self._result.setText(MEASURING)
        self._result.setVisible(True)

        def take(found: Measurement) -> None:
            if asked is self._asked:
                self._show(found)

        work = partial(measure_profile, region, figures, measures)
        self._desk.session.background.submit(work, take, self._stop_waiting)

    def _offer(self) -> None:
        lines = [region for region in self._desk.regions if region.kind.is_line]
        places = [(f"{KIND_NAMES[r.kind]}: {region_title(r)}", r.id) for r in lines]
        self._line.show_places(places, first=places[-1][1] if places else "")
        if not places:
            self._choose()

    def _choose(self, _index: int = 0) -> None:
        """Turn to another line; what was measured along the one before goes."""
        region = self._chosen
        self._measure.setEnabled(region is not None)
        border = region is not None and region.kind is RegionKind.BORDER
        self._reach_name.setText(REACHES[RegionKind.BORDER if border else RegionKind.LINE])
        self._reach.setAccessibleName(self._reach_name.text())
        for part in (self._side_name, self._side.native):
            part.setVisible(border)
        self._asked = None
        self._result.setText("" if region else DRAW_ONE)
        self._result.setVisible(region is None)
        self.plot.clear()

    def _measure_again(self) -> None:
        if self._asked is not None:
            self.measure()

    def _stop_waiting(self) -> None:
        if self._result.text() == MEASURING:  # it failed: the problem line says why
            self._asked = None
            self._result.setText("")

    def _show(self, found: Measurement) -> None:
        self._result.setText(sloping(found.slope, found.decay))
        self._result.setVisible(True)
        self.plot.show_plot(partial(_draw, found), small=partial(_draw, found, name=""))


def measure_profile(region: Region, figures: Figures, measures: Measures) -> Measurement:
    """Measure along a line or from a border; slow.

    Raises
    ------
    BadInput
        When the line branches, or is too short.
    """
    findings, left_out = figures.findings, figures.left_out
    if not region.kind.is_line:
        raise BadInput(f"{region.title}: is no line: draw a line or a border")
    if region.kind is RegionKind.LINE:
        profile = profile_along(
            region.geometry, measures.reach_um, measures.step_um, findings.measured, left_out
        )
        return Measurement(region, profile, slope(profile), None)
    profile = profile_from_border(
        region.geometry, measures.reach_um, measures.step_um, findings.measured, left_out
    )
    decay = None if measures.side is Side.BOTH else fit_decay(profile, measures.side)
    return Measurement(region, profile, slope(profile, measures.side), decay, measures.side)


def _micrometres(value: float, least: float, most: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setDecimals(0)
    box.setSingleStep(least)
    box.setSuffix(" µm")
    box.setValue(value)
    return box


def _draw(found: Measurement, name: str | None = None) -> "Figure":
    from napari_glioma_density.exchange.plots import draw_profile

    along = found.region.kind is RegionKind.LINE
    kind = ProfileKind.ALONG if along else ProfileKind.FROM
    shown = found.region.name if name is None else name
    profile = steps_beside(found.profile, found.side)
    return draw_profile(profile, kind, decay=found.decay, side=found.side, name=shown)
