"""The hint layer: what it is made from, where its threshold lies, and what is left to look at."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from magicgui.widgets import ComboBox
from psygnal import Signal
from qtpy.QtCore import QEvent, QSize, QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
from napari_glioma_density.ui.annotation.field_layers import HINT_COLOUR, UNSUPPORTED_COLOUR
from napari_glioma_density.ui.annotation.histogram_slider import HistogramSlider
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.words import number

if TYPE_CHECKING:
    from napari_glioma_density.annotation.slide_scores import ScoreStatistics

THROTTLE_MS = 80
"""While the line is dragged, hints are found anew at most this often."""
BEGIN_WITH = HintSettings(HintSource.HAEMATOXYLIN, threshold=0.5)
"""Finds most of what the model misses; the threshold is the slide's once its histogram is known."""
LARGEST_UM2 = 2000.0
SPIN_PX, AROUND_PX = 104, 46
"""Width of a number's field, and what of it the buttons and margins take."""
SURE = 0.4
NO_HINTS, SEARCHING = "Open a field to see hints.", "Looking for hints …"
VEILED = "None are shown: this field begins blank for the second reader."


class HintBox(Box):
    """Settings of the hint layer; what is computed from them is the owner's business.

    A threshold that the user has set is kept for its source until `forget_thresholds`; otherwise
    the line stands where the slide's histogram suggests.
    """

    changed = Signal(HintSettings)
    """Other settings, at most every `THROTTLE_MS` while something is dragged."""
    accept_above = Signal(float)
    """Accept every hint of at least this confidence, 0–1."""

    def __init__(self, settings: HintSettings = BEGIN_WITH) -> None:
        super().__init__("Hints: nuclei the mask may lack")
        self._told = settings
        self._chosen: dict[HintSource, float] = {}
        self._make_parts()
        self._lay_out()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(THROTTLE_MS)
        self.connections = Connections()
        self._connect()
        self.show_settings(settings)
        self.forget_thresholds()
        self.show_counts(None)

    def _make_parts(self) -> None:
        self._source = ComboBox(choices=_choices(HintSource))
        self._source.native.setAccessibleName("Source of hints")
        self.slider = HistogramSlider("Threshold of hints")
        self._threshold = _spin("Threshold of hints", 1, 2, 0.01)
        self._smallest = _spin("Smallest nucleus, µm²", LARGEST_UM2, 0, 1, " µm²")
        self._largest = _spin("Largest nucleus, µm²", LARGEST_UM2, 0, 10, " µm²")
        self._fill = QCheckBox("Fill holes")
        self._split = QCheckBox("Split touching nuclei")
        self._counts = text()
        self._sure = _spin("Confidence", 1, 2, 0.05)
        self._sure.setValue(SURE)
        self._accept = QPushButton("Accept all")

    def _lay_out(self) -> None:
        word = partial(text, wrap=False)
        self.body.addLayout(row([self._source.native, word("above"), self._threshold], stretch=0))
        self.body.addWidget(self.slider)
        area = [word("Nucleus area"), self._smallest, word("to"), self._largest]
        self.body.addLayout(_from_left(area))
        marks = _from_left([self._fill, self._split])
        marks.setSpacing(16)
        self.body.addLayout(marks)
        self.body.addWidget(self._counts)
        accepting = [self._accept, word("above"), self._sure, word("confidence")]
        self.body.addLayout(_from_left(accepting))

    def _connect(self) -> None:
        self.connections.add(self._pause.timeout, self._tell_last)
        self.connections.add(self._source.changed, self._choose_source)
        self.connections.add(self.slider.moved, self._move)
        self.connections.add(self._threshold.valueChanged, self._move)
        for spin in (self._smallest, self._largest):
            self.connections.add(spin.valueChanged, self._limit)
        for mark in (self._fill, self._split):
            self.connections.add(mark.toggled, self._tell)
        self.connections.add(self._accept.clicked, self._accept_all)

    def settings(self) -> HintSettings:
        """Return what the box shows."""
        return HintSettings(
            source=HintSource(self._source.value),
            threshold=self.slider.threshold,
            min_um2=self._smallest.value(),
            max_um2=self._largest.value(),
            fill_holes=self._fill.isChecked(),
            split=self._split.isChecked(),
        )

    def show_settings(self, settings: HintSettings) -> None:
        """Show settings, such as those a field was begun with, and tell nobody.

        Their threshold counts as the user's.
        """
        blocked = [self._smallest, self._largest, self._fill, self._split]
        for part in blocked:
            part.blockSignals(True)
        with self._source.changed.blocked():
            self._source.value = settings.source
        for spin in (self._smallest, self._largest):
            spin.setRange(0, LARGEST_UM2)  # wide again, or the last limits would cut the new ones
        self._smallest.setValue(settings.min_um2)
        self._largest.setValue(settings.max_um2)
        self._fill.setChecked(settings.fill_holes)
        self._split.setChecked(settings.split)
        for part in blocked:
            part.blockSignals(False)
        self._limit_spins()
        self._chosen[settings.source] = settings.threshold
        self._put_threshold(settings.threshold)
        self._told = self.settings()

    def show_statistics(self, statistics: "ScoreStatistics | None") -> None:
        """Draw a slide's histogram; None while it is being made.

        Unless the user has chosen one for this source, the suggested threshold is taken, and
        `changed` tells of it.
        """
        if statistics is None:
            self.slider.show_histogram(())
        elif statistics.source is HintSource(self._source.value):
            self.slider.show_histogram(statistics.histogram, statistics.threshold)
            if statistics.source not in self._chosen:
                self._put_threshold(statistics.threshold)
                self._tell()

    def forget_thresholds(self) -> None:
        """Take the suggested thresholds from now on: the slide is another one."""
        self._chosen.clear()

    def show_searching(self) -> None:
        """Say that hints of an opened field are being found."""
        self._accept.setEnabled(False)
        self._counts.setText(SEARCHING)

    def show_veiled(self) -> None:
        """Say that the open field is looked at without hints."""
        self._accept.setEnabled(False)
        self._counts.setText(VEILED)

    def offer_model(self, offered: bool) -> None:
        """Offer hints from the model's probability, or keep what the model thinks from a reader."""
        sources = [one for one in HintSource if offered or one is not HintSource.MODEL]
        if HintSource(self._source.value) not in sources:
            self._source.value = BEGIN_WITH.source
        with self._source.changed.blocked():
            self._source.choices = _choices(sources)

    def show_counts(self, left: int | None, rejected: int = 0, unsupported: int = 0) -> None:
        """Say how many hints wait and were rejected, and how many nuclei no hint supports.

        `left` is None while no field is open.
        """
        self._accept.setEnabled(bool(left))
        if left is None:
            self._counts.setText(NO_HINTS)
            return
        hints, nuclei = ("hint" if left == 1 else "hints"), _nuclei(unsupported)
        self._counts.setText(
            f"{_swatch(HINT_COLOUR)} {number(left)} {hints} left · {number(rejected)} rejected · "
            f"{_swatch(UNSUPPORTED_COLOUR)} {nuclei} without a hint"
        )

    def _choose_source(self, _source: str) -> None:
        source = HintSource(self._source.value)
        self.slider.show_histogram(())
        if source in self._chosen:
            self._put_threshold(self._chosen[source])
        self._tell()

    def _move(self, threshold: float) -> None:
        self._chosen[HintSource(self._source.value)] = threshold
        self._put_threshold(threshold)
        self._tell()

    def _put_threshold(self, threshold: float) -> None:
        self.slider.set_threshold(threshold)
        self._threshold.blockSignals(True)
        self._threshold.setValue(self.slider.threshold)
        self._threshold.blockSignals(False)

    def _limit(self, _um2: float) -> None:
        self._limit_spins()
        self._tell()

    def _limit_spins(self) -> None:
        """Keep the smallest area below the largest."""
        self._smallest.setMaximum(self._largest.value() - 1)
        self._largest.setMinimum(self._smallest.value() + 1)

    def _tell(self, _: object = None) -> None:
        """Tell at once, and after that not before the pause is over."""
        if not self._pause.isActive():
            self._tell_last()

    def _tell_last(self) -> None:
        settings = self.settings()
        if settings != self._told:
            self._told = settings
            self._pause.start()
            self.changed.emit(settings)

    def _accept_all(self) -> None:
        self.accept_above.emit(self._sure.value())


class _Spin(QDoubleSpinBox):  # type: ignore[misc]
    """Has room for its largest number, however large the letters are."""

    def __init__(self, largest: float) -> None:
        super().__init__()
        self._largest = largest
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802
        self.ensurePolished()  # or the letters are those of the style before
        longest = self.textFromValue(self._largest) + self.suffix()
        needed = self.fontMetrics().horizontalAdvance(longest) + AROUND_PX
        return QSize(max(SPIN_PX, needed), super().sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Follow the letters; with them napari's style asks for a width of its own."""
        handled = bool(super().event(event))
        if event.type() in (QEvent.Type.Polish, QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self.setMinimumWidth(self.sizeHint().width())
        return handled


def _spin(name: str, largest: float, decimals: int, step: float, unit: str = "") -> QDoubleSpinBox:
    spin = _Spin(largest)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    spin.setDecimals(decimals)
    spin.setRange(0, largest)
    spin.setSingleStep(step)
    spin.setSuffix(unit)
    return spin


def _from_left(widgets: Sequence[QWidget]) -> QHBoxLayout:
    line = row(widgets)
    line.addStretch()
    return line


def _choices(sources: Iterable[HintSource]) -> list[tuple[str, HintSource]]:
    return [(str(one).capitalize(), one) for one in sources]


def _swatch(colour: str) -> str:
    return f'<span style="color: {colour};">■</span>'


def _nuclei(count: int) -> str:
    return f"{number(count)} {'nucleus' if count == 1 else 'nuclei'}"
