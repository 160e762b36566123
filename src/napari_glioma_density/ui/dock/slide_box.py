"""The slide: its pseudonym, size and resolution, which is given here when the file has none.

And of its tissue what a person alone can tell: the organ, and how it was prepared.
"""

from contextlib import suppress
from functools import partial

from magicgui.widgets import ComboBox, FloatSpinBox
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QPushButton, QWidget

from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides import Slide
from napari_glioma_density.slides.resolution import GIVEN
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, bring_into_view, form, row, text
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.specimen import ORGAN_NAMES, Specimen

QUICK_CHOICES = {"20×": 0.5, "40×": 0.25}
"""What scanners mean by an objective, in µm/px."""

DECIMALS = 4
"""Of µm/px, typed and shown."""

OFFERED = 0.25
"""The µm/px to begin with where a slide states none."""


def _estimated_from(objective: str) -> str:
    return f"estimated from {objective}"


GIVEN_HERE = {GIVEN, *map(_estimated_from, QUICK_CHOICES)}
"""Sources of µm/px that a person may want to put right."""

CAUTION_STYLE = "background: #F2C14E; color: #2B2205; border-radius: 4px; padding: 4px 6px;"


class SlideBox(Box):
    """Shows the current slide; with more than one open, lets the user choose."""

    def __init__(self, session: Session) -> None:
        super().__init__("Slide")
        self._session = session
        self._slides = QComboBox()
        self._slides.setAccessibleName("Slide on show")
        self._name, self._size, self._resolution, self._tissue = (
            text(wrap=False) for _ in range(4)
        )
        self._specimen = ComboBox(name="specimen", choices=[(str(kind), kind) for kind in Specimen])
        self._specimen.native.setAccessibleName("Preparation of the tissue")
        self._specimen.native.setToolTip("How the specimen was prepared")
        names = [(name, organ) for organ, name in ORGAN_NAMES.items()]
        self._organ = ComboBox(name="organ", choices=names)
        self._organ.native.setAccessibleName("Organ")
        self._organ.native.setToolTip("Nuclei of other organs are outlined more closely")
        self._caution = text()
        self._caution.setStyleSheet(CAUTION_STYLE)
        facts = form()
        facts.addRow("Name", self._name)
        facts.addRow("Size", self._size)
        facts.addRow("Resolution", self._resolution)
        facts.addRow("Organ", row([self._organ.native], stretch=0))
        facts.addRow("Tissue", row([self._tissue, self._specimen.native], stretch=0))
        self._ask = self._asking()
        self.body.addWidget(self._slides)
        self.body.addLayout(facts)
        self.body.addWidget(self._caution)
        self.body.addWidget(self._ask)
        self.connections = Connections()
        self.connections.add(self._slides.activated, self._choose)
        self.connections.add(self._specimen.changed, self._set_specimen)
        self.connections.add(self._organ.changed, session.slides.set_organ)
        self.connections.add(session.slides.organ_changed, self._show_organ)
        self.connections.add(session.estimating.phase_changed, self._show_organ)
        self.connections.add(session.slides.changed, self._show)
        self.connections.add(session.slides.listed, self._show_slides)
        self.connections.add(session.slides.specimen_changed, self._show_specimen)
        self.connections.add(session.tissue_seen, self._show_tissue)
        self.connections.add(session.slides.changed, self._ask_in_view)
        self.connections.add(session.problem, self._ask_again)
        self._show()

    def _asking(self) -> QWidget:
        """Return the line on which µm/px is given."""
        line = QWidget()
        # What is not a slide's resolution can be typed, so that it is refused with a word.
        self._um_per_px = FloatSpinBox(value=OFFERED, min=0, max=10_000, step=0.01)
        self._um_per_px.native.setDecimals(DECIMALS)
        self._um_per_px.native.setAccessibleName("Micrometres per px")
        give = QPushButton("Set µm/px")
        give.clicked.connect(self._give_typed)
        quick = [QPushButton(name) for name in QUICK_CHOICES]
        for button, um_per_px in zip(quick, QUICK_CHOICES.values(), strict=True):
            source = _estimated_from(button.text())
            button.setToolTip(f"{um_per_px} µm/px, {source}")
            button.clicked.connect(partial(self._give_quickly, um_per_px, source))
        line.setLayout(row([*quick, self._um_per_px.native, give], stretch=2))
        return line

    def _give_quickly(self, um_per_px: float, source: str, *_: bool) -> None:
        # Whether a button is checked is told or not, as the binding to Qt has it.
        self._give(um_per_px, source)

    def _give_typed(self) -> None:
        self._give(self._um_per_px.value, GIVEN)

    def _give(self, um_per_px: float, source: str) -> None:
        try:
            self._session.slides.set_um_per_px(um_per_px, source)
        except BadInput as error:
            self._session.problem.emit(str(error))

    def _choose(self, index: int) -> None:
        self._session.slides.choose(self._session.slides.layers[index])

    def _set_specimen(self, specimen: str) -> None:
        self._session.slides.set_specimen(Specimen(specimen))

    def _show_specimen(self) -> None:
        slides = self._session.slides
        with self._specimen.changed.blocked():
            self._specimen.value = slides.specimen
        self._specimen.enabled = slides.slide is not None
        self._caution.setText(slides.specimen.caution)
        self._caution.setVisible(bool(slides.specimen.caution))

    def _show_organ(self) -> None:
        """Show what the slide is of; while it is estimated it stays so."""
        slides = self._session.slides
        with self._organ.changed.blocked():
            self._organ.value = slides.organ
        is_idle = self._session.estimating.phase is Phase.READY
        self._organ.enabled = slides.slide is not None and is_idle

    def _show_slides(self) -> None:
        slides = self._session.slides
        self._slides.clear()
        self._slides.addItems([layer.name for layer in slides.layers])
        self._slides.setVisible(len(slides.layers) > 1)
        if slides.current is not None:
            self._slides.setCurrentIndex(slides.layers.index(slides.current))

    def _show(self) -> None:
        self._show_slides()
        self._show_facts(self._session.slides.slide)
        self._show_specimen()
        self._show_organ()
        self._show_tissue()

    def _show_facts(self, slide: Slide | None) -> None:
        self._ask.setVisible(slide is not None and _is_asked(slide))
        if slide is None:
            self._name.setText("none: File > Open, or Open Sample")
            self._size.setText(words.NONE)
            self._resolution.setText(words.NONE)
            return
        # Never what another slide has: one press would give it to this one.
        self._um_per_px.value = round(slide.um_per_px or OFFERED, DECIMALS)
        self._name.setText(slide.pseudonym)
        self._size.setText(words.extent(slide.width, slide.height, slide.um_per_px))
        self._resolution.setText(words.resolution(slide.um_per_px, slide.resolution.source))

    def _ask_in_view(self) -> None:
        """Scroll to the question, once Qt has laid it out: without an answer nothing goes on."""
        slide = self._session.slides.slide
        if slide is not None and slide.um_per_px is None:
            QTimer.singleShot(0, self._bring_question_into_view)

    def _ask_again(self, problem: str) -> None:
        if problem == words.NO_RESOLUTION:
            self._ask_in_view()

    def _bring_question_into_view(self) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            for part in (self, self._ask):  # what is asked, too, where there is room for it
                bring_into_view(part)

    def _show_tissue(self) -> None:
        mm2 = self._session.tissue_mm2
        self._tissue.setText(words.NONE if mm2 is None else words.area(mm2))


def _is_asked(slide: Slide) -> bool:
    """Whether µm/px are to be given, or were and may be given again."""
    return slide.um_per_px is None or slide.resolution.source in GIVEN_HERE
