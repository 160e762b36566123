"""The fields of the slide, and what random ones say of all of it."""

from collections.abc import Sequence
from functools import partial

from qtpy.QtWidgets import QPushButton

from napari_glioma_density.annotation.field import Choice
from napari_glioma_density.findings.random_fields import CorrectionFactor
from napari_glioma_density.ui import words
from napari_glioma_density.ui.annotation.asking import ask
from napari_glioma_density.ui.annotation.choosing import FieldChooser
from napari_glioma_density.ui.annotation.figures import field_densities, slide_correction
from napari_glioma_density.ui.annotation.second_reading import FIRST
from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.annotation.shelved import ShelvedField
from napari_glioma_density.ui.annotation.words import factor_line, field_name
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, list_of_rows, right_aligned, row, text

COLUMNS = ("", "Field", "Nuclei", "Model", "Corrected")
HEIGHT_PX = 132
NO_FIELDS = "No fields yet."


class FieldsBox(Box):
    """A click opens a field; done ones have a tick, random ones a die."""

    def __init__(self, annotation: AnnotationSession, chooser: FieldChooser) -> None:
        super().__init__("Fields of this slide")
        self._annotation = annotation
        self._chooser = chooser
        self._summary = text(NO_FIELDS, quiet=True)
        self._table = list_of_rows("Fields", COLUMNS, HEIGHT_PX, narrow=(0, 1))
        self._next = QPushButton("Next unfinished field")
        self._remove = QPushButton("Remove field …")
        self._remove.setToolTip(
            "Take the field off the list; it no longer counts, its file is kept."
        )
        self._factor = text()
        for part in (self._summary, self._table, self._factor):
            self.body.addWidget(part)
        self.body.addLayout(row([self._next, self._remove], stretch=0))
        self.connections = Connections()
        self.connections.add(self._table.cellDoubleClicked, self._open)
        self.connections.add(self._table.cellClicked, self._open)
        self.connections.add(self._next.clicked, self._open_next)
        self.connections.add(self._remove.clicked, self._remove_chosen)
        self.connections.add(annotation.fields_changed, self._show)
        self.connections.add(annotation.opened, self._show)
        self.connections.add(annotation.session.measured, self._show)
        self._show()

    def _open(self, place: int, _column: int = 0) -> None:
        fields = self._annotation.fields
        if place < len(fields):
            self._annotation.open_field(fields[place].record.name)

    def _open_next(self) -> None:
        self._chooser.open_next()

    def _remove_chosen(self) -> None:
        places = self._table.selectionModel().selectedRows()
        if places and places[0].row() < len(self._annotation.fields):
            field = self._annotation.fields[places[0].row()]
            if field.begun:
                self._make_sure(field)
            else:
                self._annotation.remove(field.record.name)

    def _make_sure(self, field: ShelvedField) -> None:
        """Ask before a field leaves the list, because no click brings it back."""
        snapshot = self._annotation.session.snapshot
        name = field_name(field.record, snapshot.grid if snapshot else None)
        question = f"Remove field {name}? It will no longer count; its file is kept in the store."
        ask(self, "Remove field", question, partial(self._annotation.remove, field.record.name))

    def _show(self) -> None:
        fields = self._annotation.fields
        done = sum(field.done for field in fields)
        self._summary.setText(f"{done} of {len(fields)} done" if fields else NO_FIELDS)
        for part in (self._table, self._next, self._remove):
            part.setVisible(bool(fields))
        # The second reader is not told how the model compares with what they draw.
        is_first = self._annotation.reader == FIRST
        line = factor_line(self._correction(fields), fields) if is_first else ""
        self._factor.setText(line)
        self._factor.setVisible(bool(line))
        self._table.setRowCount(len(fields))
        open_name = self._annotation.field.record.name if self._annotation.field else ""
        for place, field in enumerate(fields):
            for column, content in enumerate(self._columns(field)):
                self._table.setItem(place, column, right_aligned(content))
            if field.record.name == open_name:
                self._table.selectRow(place)
                self._table.scrollToItem(self._table.item(place, 0))

    def _correction(self, fields: Sequence[ShelvedField]) -> CorrectionFactor | None:
        session = self._annotation.session
        if session.snapshot is None or session.shown is None:
            return None
        return slide_correction(session.snapshot, fields, session.shown.validated)

    def _columns(self, field: ShelvedField) -> tuple[str, ...]:
        snapshot = self._annotation.session.snapshot
        marks = ("✓" if field.done else "") + ("⚄" if field.record.choice is Choice.RANDOM else "")
        model = corrected = None
        if snapshot is not None and self._annotation.reader == FIRST:  # the second is told neither
            model, corrected = field_densities(snapshot, field.record.block)
        return (
            marks,
            field_name(field.record, snapshot.grid if snapshot else None),
            words.number(field.nuclei) if field.begun else "to read",
            words.percent(model),
            words.percent(corrected),
        )
