"""Taking a field, and what the open one holds."""

from collections import Counter
from enum import StrEnum

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QLineEdit, QPushButton

from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import FieldRecord, Origin, Start
from napari_glioma_density.annotation.stored import tells_of_error
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.ui import words
from napari_glioma_density.ui.annotation.choosing import FieldChooser
from napari_glioma_density.ui.annotation.clicking import ClickAdding
from napari_glioma_density.ui.annotation.field_layers import (
    CURRENT_COLOUR,
    HINT_COLOUR,
    ORIGIN_COLOURS,
    UNSUPPORTED_COLOUR,
)
from napari_glioma_density.ui.annotation.second_reading import SECOND
from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.annotation.words import correction, field_name
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.region import draw_region, put_down

STARTS = (("the model's nuclei", Start.MODEL), ("a blank field", Start.BLANK))
SAMPLE = 10
ORIGIN_WORDS = {
    Origin.MODEL: "model",
    Origin.HINT: "accepted",
    Origin.GROWN: "grown",
    Origin.HAND: "drawn",
}
NOTHING_OPEN = "No field is open. Choose where, and press Annotate field."
MORE_IS_READ = (
    "More can be read here than when this field was saved: it counts again from your next edit, "
    "or once you take <i>Done</i> back and mark it done again."
)


class Where(StrEnum):
    """Which field to take, in the words of the screen."""

    VIEW = "Patch at the view's centre"
    CELL = "Chosen grid cell"
    DRAWN = "Drawn rectangle"
    RANDOM = "Random patch of the slide"


class FieldBox(Box):
    """Where the next field is taken, and the numbers of the one that is open."""

    def __init__(
        self, annotation: AnnotationSession, chooser: FieldChooser, adding: ClickAdding
    ) -> None:
        super().__init__("Field")
        self._annotation = annotation
        self._chooser, self._adding = chooser, adding
        self._where = ComboBox(choices=[(where.value, where) for where in Where], value=Where.VIEW)
        self._start = ComboBox(choices=list(STARTS), value=Start.MODEL)
        self._where.native.setAccessibleName("Which field to take")
        self._start.native.setAccessibleName("What the field begins with")
        self._reader = text("Reader", wrap=False)
        self._author = QLineEdit()
        self._author.setPlaceholderText("Your name or initials")
        self._author.setAccessibleName("Reader")
        self._annotate = QPushButton("Annotate field")
        self._sample = QPushButton(f"Sample {SAMPLE} random fields")
        self._sample.setToolTip(
            "Takes random patches of the tissue. Finished, they tell how far the whole slide's "
            "density is off."
        )
        self._numbers = text(NOTHING_OPEN)
        self._legend = text(legend())  # not quiet, which would dull its colours
        self._saving = text(quiet=True)
        self._done = QPushButton("Done (Shift-D)")
        self._done.setCheckable(True)
        self._close = QPushButton("Close field")
        self._add = QPushButton("Add by click (Shift-G)")
        self._add.setCheckable(True)
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        self.body.addLayout(row([text("Take", wrap=False), self._where.native], stretch=1))
        self.body.addLayout(row([text("Begin with", wrap=False), self._start.native], stretch=1))
        self.body.addLayout(row([self._reader, self._author], stretch=1))
        self.body.addLayout(row([self._annotate, self._sample], stretch=0))
        for part in (self._numbers, self._legend, self._saving):
            self.body.addWidget(part)
        self.body.addLayout(row([self._add, self._done, self._close]))

    def _connect(self) -> None:
        self.connections = Connections()
        add, annotation = self.connections.add, self._annotation
        add(self._annotate.clicked, self._take)
        add(self._sample.clicked, self._take_sample)
        add(self._where.changed, self._choose_where)
        add(self._where.native.activated, self._choose_where)
        add(self._start.changed, self._begin_with)
        add(self._author.textChanged, self._sign)
        add(self._done.clicked, self._toggle_done)
        add(self._add.clicked, self._toggle_adding)
        add(self._adding.changed, self._show_adding)
        add(self._close.clicked, self._put_away)
        add(annotation.reader_changed, self._show_reader)
        add(annotation.opened, self._show)
        add(annotation.edited, self._show)
        add(annotation.saving, self._show_saving)
        add(annotation.session.measured, self._show)

    def _take(self) -> None:
        takes = {
            Where.VIEW: self._chooser.at_view,
            Where.CELL: self._chooser.at_cell,
            Where.DRAWN: self._chooser.at_drawing,
            Where.RANDOM: self._chooser.at_random,
        }
        takes[self._where.value]()

    def _choose_where(self, *_: object) -> None:
        """Take up the drawing tool when a rectangle is wanted, and put it down when none is.

        So it is where that is chosen once more, to draw another.
        """
        session = self._annotation.session
        if Where(self._where.value) is Where.DRAWN:
            draw_region(session.viewer, session.slides.slide)
        else:
            put_down(session.viewer)

    def _show_reader(self) -> None:
        second = self._annotation.reader == SECOND
        self._reader.setText("Second reader" if second else "Reader")
        self._start.enabled = not second  # they begin with nothing, whatever is chosen
        self._author.setText(self._annotation.author)

    def _take_sample(self) -> None:
        self._chooser.at_random(SAMPLE)

    def _begin_with(self, start: Start) -> None:
        self._chooser.start = Start(start)

    def _sign(self, author: str) -> None:
        self._annotation.author = author.strip()

    def _show_adding(self, on: bool) -> None:
        self._add.setChecked(on)

    def _show_saving(self, saving: str) -> None:
        self._saving.setText(saving)

    def _toggle_adding(self) -> None:
        self._adding.toggle()

    def _toggle_done(self) -> None:
        self._annotation.actions.toggle_done()

    def _put_away(self) -> None:
        self._annotation.close_field()

    def _show(self) -> None:
        field = self._annotation.field
        for part in (self._legend, self._saving, self._add, self._done, self._close):
            part.setVisible(field is not None)
        if field is None:
            self._numbers.setText(NOTHING_OPEN)
            return
        self._done.setChecked(field.document.done)
        for part in (self._add, self._done):
            part.setEnabled(not field.read_only)
        snapshot = self._annotation.session.snapshot
        name = field_name(field.record, snapshot.grid if snapshot else None)
        counts = ", ".join(
            f"{words.number(number)} {ORIGIN_WORDS[origin]}"
            for origin, number in origin_counts(field.document).items()
        )
        lines = [f"<b>{name}</b>: {counts or 'no nuclei yet'}"]
        lines += self._said_of(field.document)
        self._numbers.setText("<br>".join(lines))

    def _said_of(self, document: AnnotatedField) -> list[str]:
        """What the open field changes, or why it changes nothing yet."""
        record, snapshot = document.record, self._annotation.session.snapshot
        shown = self._annotation.session.shown
        if self._annotation.reader == SECOND:
            return ["Second reader: the numbers are hidden."]
        if record.start is Start.BLANK and not document.done:
            return ["Begun blank: it counts once it is done."]
        of_other = shown is not None and not tells_of_error(record, shown.spec)
        origin = f"Begun with the outlines of {title_of(record.model)}" if of_other else ""
        if origin and not document.done:
            return [f"{origin}: it counts here once it is done."]
        if self._is_outdated(record):
            return [MORE_IS_READ]
        numbers = [] if snapshot is None else correction(snapshot, record.block)
        told = [f"{origin}: it tells how far that model is off, not this one."] if origin else []
        return numbers + told

    def _is_outdated(self, record: FieldRecord) -> bool:
        """Whether more was read of a field since it was saved, so that nobody has seen that."""
        snapshot = self._annotation.session.snapshot
        values = (one.values for one in self._annotation.fields if one.record == record)
        saved = next(values, None)
        if snapshot is None or saved is None:
            return False
        return not saved.saw_all(snapshot.measured.read_px[record.block.patches]).all()


def origin_counts(document: AnnotatedField) -> dict[Origin, int]:
    """Count the nuclei of a field, as an estimate counts, by where they come from."""
    counts = Counter(nucleus.origin for nucleus in document.nuclei.values() if nucleus.counted)
    return {origin: counts[origin] for origin in Origin if counts[origin]}


def legend() -> str:
    """Return the colours of the layers, each beside its word."""
    nuclei = {ORIGIN_WORDS[origin]: colour for origin, colour in ORIGIN_COLOURS.items()}
    hints = {"hint": HINT_COLOUR, "next hint": CURRENT_COLOUR, "no hint": UNSUPPORTED_COLOUR}
    return "<br>".join(
        " &nbsp;".join(f"{swatch(colour)} {word}" for word, colour in each)
        for each in (nuclei.items(), hints.items())
    )


def swatch(colour: str) -> str:
    """Return a square of a colour; of white the outline, which is seen in light themes, too."""
    is_white = colour == ORIGIN_COLOURS[Origin.GROWN]
    return "□" if is_white else f'<span style="color:{colour}">■</span>'
