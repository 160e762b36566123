"""The *Annotation assist* dock: what it shows, and how its boxes are tied to the session."""

from typing import Any

from qtpy.QtWidgets import QTabWidget

from napari_glioma_density.annotation.review import Mark
from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.annotation.agreement_figures import compare_readers
from napari_glioma_density.ui.annotation.choosing import FieldChooser
from napari_glioma_density.ui.annotation.clicking import ClickAdding
from napari_glioma_density.ui.annotation.field_box import FieldBox
from napari_glioma_density.ui.annotation.fields_box import FieldsBox
from napari_glioma_density.ui.annotation.fine_tune_box import FineTuneBox
from napari_glioma_density.ui.annotation.hint_box import HintBox
from napari_glioma_density.ui.annotation.keys import annotation_keys
from napari_glioma_density.ui.annotation.review_box import ReviewBox
from napari_glioma_density.ui.annotation.reviewing import Reviewing
from napari_glioma_density.ui.annotation.second_reading import FIRST
from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.annotation.table import Figures
from napari_glioma_density.ui.annotation.words import field_name
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.lifetime import LivingDock, scrolled
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.dock.problem_line import ProblemLine
from napari_glioma_density.ui.keys import Key, KeyBindings, keys_line
from napari_glioma_density.ui.readiness import LoadSegmenter, load_segmenter
from napari_glioma_density.ui.sessions import borrow_session

NEXT_CELL = "Shift-N"


class AnnotationDock(LivingDock):
    """Takes fields of the slide in a viewer, has them corrected, and lets a model learn from them.

    Parameters
    ----------
    napari_viewer
        The viewer; napari fills it in by this name.
    load
        Where segmenters come from.
    """

    def __init__(self, napari_viewer: Any, load: LoadSegmenter = load_segmenter) -> None:
        super().__init__(borrow_session(napari_viewer, load))
        self.annotation = AnnotationSession(self.session, load)
        self.chooser = FieldChooser(self.annotation)
        self.adding = ClickAdding(self.annotation)
        self.reviewing = Reviewing(self.annotation)
        self.field_box = FieldBox(self.annotation, self.chooser, self.adding)
        self.hint_box = HintBox()
        self.fields_box = FieldsBox(self.annotation, self.chooser)
        self.review_box = ReviewBox(
            self.session.background,
            self._compare_readers,
            NEXT_CELL,
        )
        self.tune_box = FineTuneBox(self.session.background, self.session.problem.emit)
        go_on = Key(NEXT_CELL, "next cell to review", self.review_box.go_on)
        click = Key("Shift-G", "add by click", self.adding.toggle)
        own = (*annotation_keys(self.annotation.actions), click, go_on)
        keys = KeyBindings(napari_viewer, own)
        self._wires = Connections()
        self.life.callback(self._close_annotation)
        for part in (keys, self.adding, self._wires):
            self.life.callback(part.close)
        self.life.callback(self.tune_box.close_job)
        self._wire_hints()
        self._wire_review()
        self._wire_tuning()
        self.tabs = self._make_tabs(keys)
        boxes = [
            self.field_box, self.hint_box, self.fields_box, self.review_box, self.tune_box,
        ]  # fmt: skip
        self.lay_out(ProblemLine(self.session), self.tabs, boxes)

    def _close_annotation(self) -> None:
        self.annotation.close(clear=self.is_taken_out)

    def _make_tabs(self, keys: KeyBindings) -> QTabWidget:
        tabs = QTabWidget()
        line = text(keys_line(keys.bound), quiet=True)
        tabs.addTab(scrolled([self.field_box, self.hint_box, self.fields_box, line]), "Correct")
        tabs.addTab(scrolled([self.review_box]), "Review")
        tabs.addTab(scrolled([self.tune_box]), "Fine-tune")
        return tabs

    def _wire_hints(self) -> None:
        """Tie the hint box, which knows no session, to the hints of the open field."""
        annotation, box, add = self.annotation, self.hint_box, self._wires.add
        annotation.choose_hints(box.settings())
        add(box.changed, annotation.choose_hints)
        add(box.accept_above, annotation.actions.accept_above)
        add(annotation.statistics_changed, box.show_statistics)
        add(annotation.slide_changed, self._forget_slide)
        add(annotation.edited, self._count_hints)
        add(annotation.opened, self._count_hints)
        add(annotation.reader_changed, self._show_sources)

    def _wire_review(self) -> None:
        box, add = self.review_box, self._wires.add
        add(box.next_asked, self.reviewing.next)
        add(box.noted, self.reviewing.note)
        add(box.second_reader, self.annotation.let_second_read)
        add(box.walk_chosen, self._show_review)
        add(self.reviewing.changed, self._show_review)
        add(self.reviewing.unwritten, self._show_unwritten)
        add(self.annotation.session.blinded_changed, lambda _: self._show_review())

    def _wire_tuning(self) -> None:
        add = self._wires.add
        for changed in (self.tune_box.model_made, self.tune_box.model_removed):
            add(changed, self._tell_of_models)
        add(self.annotation.fields_changed, self._offer_fields)
        self._offer_fields()

    def _forget_slide(self) -> None:
        self.hint_box.forget_thresholds()
        self.hint_box.show_statistics(None)

    def _show_sources(self) -> None:
        self.hint_box.offer_model(self.annotation.reader == FIRST)

    def _count_hints(self) -> None:
        field = self.annotation.field
        found = field.desk.found if field else None
        if field is None:
            self.hint_box.show_counts(None)
        elif field.desk.veiled:
            self.hint_box.show_veiled()
        elif found is None:
            self.hint_box.show_searching()
        else:
            rejected = len(field.document.rejected)
            self.hint_box.show_counts(len(found.missing.hints), rejected, found.unsupported_nuclei)

    def _show_review(self) -> None:
        # A second reader is not to know what the first thought of a cell.
        blinded = self.annotation.session.blinded
        cell = None if blinded else self.reviewing.cell
        self.review_box.show_cell(*(cell or (None,)))
        progress = (0, 0) if blinded else self.reviewing.progress(self.review_box.walk)
        self.review_box.show_count(*progress)

    def _show_unwritten(self, address: str, mark: Mark | None) -> None:
        cell = None if self.annotation.session.blinded else self.reviewing.cell
        if cell is not None and cell[0] == address:
            self.review_box.fall_back(mark)

    def _compare_readers(self) -> Figures:
        if self.annotation.shelf is None:
            raise BadInput("Nothing is annotated here yet.")
        snapshot = self.session.snapshot
        grid = snapshot.grid if snapshot else None
        records = [field.record for field in self.annotation.fields]
        names = {record.name: field_name(record, grid) for record in records}
        return compare_readers(*self.annotation.shelf.reader_folders(), names)

    def _tell_of_models(self, _name: str) -> None:
        self.session.models_changed.emit()

    def _offer_fields(self) -> None:
        """Offer the finished fields of this slide to learn from."""
        shelf = self.annotation.shelf
        done = sum(field.done for field in self.annotation.fields)
        self.tune_box.data_sets.show_own(shelf.folder if shelf else None, done)
