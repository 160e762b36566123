"""What to estimate, the one big button, and how far it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QVBoxLayout

from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.findings.uncertainty import UNKNOWN, Uncertainty, total_uncertainty
from napari_glioma_density.results.spec import GLASS_TOO, NOT_BRIGHTFIELD, SHARPER
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.letters import Large, enlarge
from napari_glioma_density.ui.dock.parts import Box, keep_focus_elsewhere, row, text
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.region import Scope, draw_region, is_drawn, put_down
from napari_glioma_density.ui.session import Session

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Progress

STEPS = 1000

OF_SLIDE = "the slide's tissue"
"""Whose mm² are read, where the headline is of a part."""
PART = "of the part asked for; the map shows all that is read"
IN_VIEW = "of the tiles in view"
NO_TISSUE = "No tissue was found here."
HOW_TO_DRAW = (
    "Drag a rectangle on the slide, or take the polygon tool at the upper left; the last drawing "
    "counts. Where dragging moves the slide, choose “Drawn region” again."
)


class ScopeBox(Box):
    """Starts and stops the run of the model that `chosen_model` names, and follows it."""

    def __init__(
        self, session: Session, chosen_model: Callable[[], tuple[str | None, str]]
    ) -> None:
        super().__init__("Scope")
        self._session = session
        self._chosen_model = chosen_model
        self._is_listed, self._is_wanted = False, False
        self._scope = ComboBox(
            choices=[(str(scope), scope) for scope in Scope], value=session.wishes.scope
        )
        self._scope.native.setAccessibleName("Scope")
        self._estimate = QPushButton("Estimate density")
        enlarge(self._estimate, Large.ACTION)
        self._estimate.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._stop = QPushButton("Stop")
        enlarge(self._stop, Large.STOP)
        for button in (self._estimate, self._stop):
            keep_focus_elsewhere(button)
        self._bar = QProgressBar()
        self._bar.setRange(0, STEPS)
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(8)
        self._state, self._headline = (
            text(quiet=True),
            text(words.NONE, large=Large.HEADLINE, wrap=False),
        )
        self._measure, self._nuclei = text(words.MEASURE), text(quiet=True)
        self._advice = text(HOW_TO_DRAW, quiet=True)
        self.body.addWidget(self._scope.native)
        self.body.addWidget(self._advice)
        self.body.addLayout(row([self._estimate, self._stop], stretch=0))
        self.body.addWidget(self._bar)
        self.body.addWidget(self._state)
        self.body.addLayout(self._figures())
        self.connections = Connections()
        self.connections.add(self._scope.changed, self._scope_changed)
        self.connections.add(self._scope.native.activated, self._take_up_tool)
        self.connections.add(session.wishes.changed, self._show_scope)
        self.connections.add(self._estimate.clicked, self._start)
        self.connections.add(self._stop.clicked, session.estimating.stop)
        self.connections.add(session.models_listed, self._models_listed)
        self.connections.add(session.estimating.phase_changed, self._show_phase)
        self.connections.add(session.estimating.progressed, self._show_progress)
        self.connections.add(session.measured, self._show_totals)
        self._show_scope()
        self._show_phase()
        self._show_totals()

    def _figures(self) -> QHBoxLayout:
        """Return the headline, and beside it what it is."""
        explained = QVBoxLayout()
        explained.setSpacing(0)
        explained.addWidget(self._measure)
        explained.addWidget(self._nuclei)
        figures = row([self._headline])
        figures.setSpacing(2)
        figures.addLayout(explained, 1)
        return figures

    def press(self) -> bool:
        """Start with what is chosen; False while there is no model to start with."""
        model, device = self._chosen_model()
        if model is not None:
            scope = Scope(self._scope.value)
            self._session.estimating.begin(model, device, scope)
            self._offer_to_draw(scope)
        return model is not None

    def _offer_to_draw(self, scope: Scope) -> None:
        """Have the tool ready where no region is drawn: there may be no layer to draw on."""
        viewer, slide = self._session.viewer, self._session.slides.slide
        if scope is Scope.DRAWN and slide is not None and not is_drawn(viewer, slide):
            draw_region(viewer, slide)

    def _start(self) -> None:
        """Start, at once or as soon as the models are listed."""
        if self.press():
            return
        if self._is_listed:
            self._session.problem.emit(words.NO_MODEL)
        else:
            self._is_wanted = True
            self._state.setText("Looking for models …")

    def _models_listed(self) -> None:
        self._is_listed = True
        if self._is_wanted:
            self._is_wanted = False
            self._state.setText("")
            self._start()

    def _show_scope(self) -> None:
        with self._scope.changed.blocked():
            self._scope.value = self._session.wishes.scope
        self._advice.setVisible(self._session.wishes.scope is Scope.DRAWN)

    def _scope_changed(self, scope: str) -> None:
        self._session.wishes.choose_scope(Scope(scope))
        self._advice.setVisible(Scope(scope) is Scope.DRAWN)
        self._take_up_tool()

    def _take_up_tool(self, *_: int) -> None:
        """Have the tool ready, also where the scope is chosen once more after an estimate."""
        if Scope(self._scope.value) is Scope.DRAWN:
            draw_region(self._session.viewer, self._session.slides.slide)
        else:
            put_down(self._session.viewer)

    def _show_phase(self) -> None:
        phase = self._session.estimating.phase
        self._estimate.setEnabled(phase is Phase.READY)
        self._stop.setEnabled(phase in (Phase.OPENING, Phase.RUNNING, Phase.WATCHING))
        self._bar.setRange(0, 0 if phase is Phase.OPENING else STEPS)
        if phase is Phase.READY:
            self._show_totals()
        else:
            self._say(phase.value if phase is Phase.WATCHING else f"{phase.value} …")

    def _show_progress(self, progress: "Progress") -> None:
        self._fill_bar(progress.patches_done / max(progress.patches_total, 1))
        self._say(words.progress(progress))

    def _show_totals(self) -> None:
        snapshot, shown = self._session.snapshot, self._session.shown
        for widget in (self._headline, self._measure, self._nuclei):
            widget.setVisible(snapshot is not None)
        if snapshot is None or shown is None:
            self._fill_bar(0)
            self._say("")
            return
        self._headline.setText(words.percent(snapshot.totals.tissue_density_percent))
        unsure = _unsure(snapshot, self._session.sureness.error)
        left_out = words.left_out(snapshot.exclusions.read_mm2(snapshot.scope))
        is_whole = snapshot.scope is None
        part = "" if is_whole else IN_VIEW if self._session.estimating.is_live else PART
        lines = self._doubts(snapshot, unsure), _values(snapshot, unsure), part, left_out
        self._nuclei.setText("\n".join(line for line in lines if line))
        if self._session.estimating.phase is Phase.READY:
            read = snapshot.measured.totals()  # what is left out was read, too
            is_all = read.complete and not read.unread_mm2
            seen_mm2 = shown.tissue_mm2 if is_all else read.tissue_mm2
            self._show_read(seen_mm2, shown.tissue_mm2, "tissue" if is_whole else OF_SLIDE)

    def _doubts(self, snapshot: Snapshot, unsure: Uncertainty | None) -> str:
        """Say what else is to be known of the headline; why specimens have no interval is above."""
        shown, caution = self._session.shown, self._session.slides.specimen.caution
        is_unknown = unsure is None and snapshot.totals.tissue_density_percent is not None
        lines = []
        if is_unknown and shown is not None and shown.is_sharper:
            lines.append(SHARPER)
        elif is_unknown and not caution:
            lines.append(UNKNOWN.capitalize())
        if shown is not None and not shown.spec.tissue_mask:
            lines.append(GLASS_TOO)
        if shown is not None and not shown.is_brightfield:
            lines.append(NOT_BRIGHTFIELD)
        return "\n".join(lines)

    def _show_read(self, read_mm2: float, tissue_mm2: float, whose: str) -> None:
        self._fill_bar(min(read_mm2 / max(tissue_mm2, 1e-9), 1))
        # Nuclei drawn beyond the tissue map count as tissue: more may be read than was seen.
        self._say(words.read_of(min(read_mm2, tissue_mm2), tissue_mm2, whose))

    def _fill_bar(self, share: float) -> None:
        """Fill the bar, drawn with the next frame: by itself Qt draws the window there and then."""
        self._bar.setUpdatesEnabled(False)
        self._bar.setValue(round(STEPS * share))
        self._bar.setUpdatesEnabled(True)

    def _say(self, state: str) -> None:
        self._state.setText(state)
        self._state.setVisible(bool(state))


def _values(snapshot: Snapshot, unsure: Uncertainty | None) -> str:
    totals = snapshot.totals
    is_glass = totals.complete and not totals.patches
    return NO_TISSUE if is_glass else words.totals_values(totals, unsure)


def _unsure(snapshot: Snapshot, error: DensityError | None) -> Uncertainty | None:
    if error is None:
        return None
    known = (snapshot.patches, snapshot.known, error, snapshot.scope, snapshot.corrected)
    return total_uncertainty(*known)
