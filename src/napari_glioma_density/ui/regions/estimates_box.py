"""Two estimates of the slide side by side: figures, agreement, and a map of the difference."""

from functools import partial

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_glioma_density.findings.estimate_comparison import EstimateComparison
from napari_glioma_density.findings.written import MINUS
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.identity import same_objects
from napari_glioma_density.ui.overlays.difference import COLOURS, DifferenceScale
from napari_glioma_density.ui.regions.difference_map import DifferenceMap
from napari_glioma_density.ui.regions.estimates import AFTER, BEFORE, compare_with, other_runs
from napari_glioma_density.ui.regions.place_combo import PlaceCombo
from napari_glioma_density.ui.regions.places import Place
from napari_glioma_density.ui.regions.words import agreeing, side_by_side
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.stored import ShownRun

AS_FOUND = "Both as their models found them, without what was corrected."
CHOOSE = "Choose an estimate to compare with the one on show."
NONE_YET = "There is no other estimate of this slide: run another model, or correct fields."
MEASURING = "Comparing …"
AT_END = "They are compared once the estimate has ended."
NOT_COMPARED = ("", ())
SWATCH_PX = 12


class EstimatesBox(Box):
    """Follows the session; compares anew, in the background, when either estimate has changed."""

    def __init__(self, session: Session, difference: DifferenceMap) -> None:
        super().__init__("Two estimates of this slide")
        self._session, self._map = session, difference
        self._shown: ShownRun | None = None
        self._runs: tuple[Place, ...] = ()
        self._own = ""
        self._asked: object = None
        self._compared: tuple[str, tuple[object, ...]] = NOT_COMPARED
        self.comparison: EstimateComparison | None = None
        self._name, self._other = text(), PlaceCombo("Compared with")
        self._figures, self._result = _SideBySide(), text(CHOOSE)
        self._on_slide = QCheckBox("Difference map on the slide, instead of the density")
        self._legend = _Legend()
        line = row([self._name, text("less", wrap=False), self._other])
        line.setStretch(0, 1)
        line.setStretch(2, 1)
        self.body.addLayout(line)
        for part in (self._figures, self._result, self._on_slide, self._legend):
            self.body.addWidget(part)
        self.connections = Connections()
        self.connections.add(self._other.currentIndexChanged, self._compare)
        self.connections.add(self._on_slide.clicked, self._draw)
        self.connections.add(session.measured, self._follow)
        self.connections.add(session.estimating.phase_changed, self._look_for_runs)
        self.connections.add(difference.changed, self._show_map)
        self._follow()
        self._look_for_runs()

    def _follow(self) -> None:
        """Offer the estimates there are now, and compare anew what has changed."""
        session = self._session
        if session.shown is not self._shown:
            self._shown, self._runs = session.shown, ()
            self._own = session.shown.spec.model if session.shown else ""
            self._map.clear()
            self._look_for_runs()
        self._offer()
        if self._other.key and not self._is_up_to_date():
            self._compare()

    def _look_for_runs(self) -> None:
        shown = self._session.shown
        if shown is not None and self._session.estimating.phase is Phase.READY:
            self._session.background.submit(
                partial(other_runs, shown), partial(self._take_runs, shown)
            )

    def _take_runs(self, shown: ShownRun, found: tuple[str, tuple[Place, ...]]) -> None:
        if shown is self._session.shown:
            self._own, self._runs = found
            self._offer()
            if self._other.key and not self._is_up_to_date():
                self._compare()

    def _offer(self) -> None:
        snapshot = self._session.snapshot
        corrected = snapshot is not None and bool(snapshot.corrected.any())
        offered = [(BEFORE.capitalize(), BEFORE)] if corrected else []
        self._other.show_places([*offered, *self._runs] if snapshot else [])
        self._other.setEnabled(self._other.count() > 0)
        self._name_own()
        if not self._other.key:
            self._forget(CHOOSE if self._other.count() else NONE_YET)

    def _name_own(self) -> None:
        named = AFTER.capitalize() if self._other.key == BEFORE else self._own
        self._name.setText(named or "–")

    def _forget(self, said: str) -> None:
        self._asked = self.comparison = None
        self._compared = NOT_COMPARED
        self._result.setText(said)
        for part in (self._figures, self._on_slide):
            part.setVisible(False)
        self._map.clear()

    def _made_of(self) -> tuple[object, ...]:
        """What a comparison is made of; the same objects give the same comparison."""
        snapshot = self._session.snapshot
        if self._other.key == BEFORE or snapshot is None:
            return (snapshot,)
        return (snapshot.measured, self._session.exclusions.current)

    def _is_up_to_date(self) -> bool:
        name, made_of = self._compared
        return name == self._other.currentText() and same_objects(made_of, self._made_of())

    def _compare(self, _index: int = 0) -> None:
        """Compare elsewhere; only what was asked for last is shown."""
        session, key = self._session, self._other.key
        shown, snapshot, choices = session.shown, session.snapshot, session.choices
        self._name_own()
        if not key or shown is None or snapshot is None:
            return
        if session.estimating.phase is not Phase.READY:
            self._forget(AT_END)
            return
        asked = self._asked = object()
        self._compared = self._other.currentText(), self._made_of()
        if self.comparison is None:
            self._result.setText(MEASURING)

        def compared() -> EstimateComparison:
            session.bring_to_disk()
            return compare_with(key, shown, snapshot, choices)

        def take(found: EstimateComparison) -> None:
            if asked is self._asked:
                self._asked = None
                self._show(found)

        session.background.submit(compared, take, partial(self._stop_waiting, asked))

    def _stop_waiting(self, asked: object) -> None:
        if asked is self._asked:  # it failed: the problem line says why
            self._other.setCurrentIndex(-1)
            self._forget(CHOOSE)

    def _show(self, found: EstimateComparison) -> None:
        self.comparison = found
        names = self._name.text(), self._other.currentText()
        self._figures.show_lines(side_by_side(names, found))
        self._result.setText("\n".join((agreeing(found), *self._remarks())))
        self._figures.setVisible(bool(found.patches))
        self._on_slide.setVisible(bool(found.patches))
        if self._map.layer is not None:
            self._draw(True)

    def _remarks(self) -> tuple[str, ...]:
        """Say why figures are not those of the headline, where corrections are left out."""
        snapshot = self._session.snapshot
        is_corrected = snapshot is not None and bool(snapshot.corrected.any())
        return (AS_FOUND,) if is_corrected and self._other.key != BEFORE else ()

    def _draw(self, shown: bool) -> None:
        found, snapshot = self.comparison, self._session.snapshot
        if not shown or found is None or snapshot is None:
            self._map.clear()
            return
        scale = DifferenceScale.of(found.difference_points)
        self._legend.show_scale(scale)
        self._map.show(found.difference_points, snapshot.patches.lattice, scale)

    def _show_map(self) -> None:
        self._on_slide.setChecked(self._map.layer is not None)
        self._legend.setVisible(self._map.layer is not None)


class _SideBySide(QWidget):  # type: ignore[misc]
    """A few lines of figures under the names of what they are of."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setHorizontalSpacing(12)
        self._labels: dict[tuple[int, int], QLabel] = {}
        self.setVisible(False)

    def show_lines(self, lines: tuple[tuple[str, ...], ...]) -> None:
        """Show lines of as many words and figures each; the first line is the head."""
        for place, line in enumerate(lines):
            for column, content in enumerate(line):
                self._label(place, column).setText(content)

    def texts(self) -> list[str]:
        """Return what is shown, line after line."""
        return [label.text() for _, label in sorted(self._labels.items())]

    def _label(self, place: int, column: int) -> QLabel:
        if (place, column) not in self._labels:
            label = self._labels[place, column] = text(
                quiet=not place or not column, wrap=not place
            )
            if column:
                label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignBottom)
            self._grid.addWidget(label, place, column)
        return self._labels[place, column]


class _Legend(QWidget):  # type: ignore[misc]
    """Seven swatches in a row, and below where one gives way to the next, the limit in points."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(0)
        self._limits: list[QLabel] = []
        for place, colour in enumerate(COLOURS):
            swatch = QLabel()
            swatch.setFixedHeight(SWATCH_PX)
            swatch.setStyleSheet(f"background: {colour};")
            grid.addWidget(swatch, 0, 2 * place, 1, 2)
        for place in range(len(COLOURS) - 1):
            limit = QLabel()
            limit.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            limit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.addWidget(limit, 1, 2 * place + 1, 1, 2)
            self._limits.append(limit)
        for column in range(2 * len(COLOURS)):
            grid.setColumnStretch(column, 1)
        grid.addWidget(text("points of nuclear area, % of patch", quiet=True), 2, 0, 1, -1)
        self.setVisible(False)

    def show_scale(self, scale: DifferenceScale) -> None:
        """Write the limits of a scale."""
        for label, limit in zip(self._limits, scale.limits_points, strict=True):
            label.setText(f"{limit:+g}".replace("-", MINUS))

    def texts(self) -> list[str]:
        """Return the limits as written."""
        return [label.text() for label in self._limits]
