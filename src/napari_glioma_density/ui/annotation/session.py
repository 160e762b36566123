"""The annotation of one viewer's slide: its fields, the one that is open, what they change."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial

from napari.layers import Layer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import Start
from napari_glioma_density.annotation.hint_settings import HintSettings
from napari_glioma_density.ui.annotation.actions import Actions
from napari_glioma_density.ui.annotation.field_effects import FieldEffects
from napari_glioma_density.ui.annotation.open_field import OpenField
from napari_glioma_density.ui.annotation.scores import SlideScores
from napari_glioma_density.ui.annotation.second_reading import FIRST, SECOND
from napari_glioma_density.ui.annotation.shelf import FieldShelf
from napari_glioma_density.ui.annotation.shelved import Listing, Opened, ShelvedField
from napari_glioma_density.ui.annotation.words import field_name, opened_instead
from napari_glioma_density.ui.annotation.workbench import TICK_MS, Workbench
from napari_glioma_density.ui.readiness import LoadSegmenter
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.stored import ShownRun

SAVED, SAVING = "All edits are saved.", "Saving …"
NOTHING_LISTED = Listing(0, (), is_held=False)
LOOKING = "Only to look at: this slide is annotated in another window."


class AnnotationSession:
    """What the annotation dock shows and commands; on the window's thread, never blocking it."""

    fields_changed = Signal()
    """Other fields, or other values of theirs."""
    saving = Signal(str)
    """How far the edits are on disk, in the words of the screen."""
    reader_changed = Signal()
    """Another person reads, or their name is known from earlier."""
    slide_changed = Signal()
    """Another slide or run is on show."""

    def __init__(self, session: Session, load: LoadSegmenter) -> None:
        self.session = session
        self._load = load
        self._authors = {FIRST: "", SECOND: ""}
        self.reader = FIRST
        self._bench = Workbench(session, self._save_now, self.close_field)
        self.opened, self.edited = self._bench.opened, self._bench.edited
        self.statistics_changed = self._bench.statistics_changed
        self.fields: tuple[ShelvedField, ...] = ()
        self.actions = Actions(session.viewer, lambda: self.field, session.problem.emit)
        self.shelf: FieldShelf | None = None
        self._listed = NOTHING_LISTED
        """The listing that is shown: an older one may come after it."""
        self._scores: SlideScores | None = None
        self._closed = False
        self._shown: ShownRun | None = None
        self._effects = FieldEffects(session)
        self._timer = QTimer()
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)
        session.savers.append(self._bring_to_disk)
        session.corrections = self._held
        session.overlays.companions.append(self._layers)
        session.measured.connect(self._follow_run)
        session.importing.connect(self.close_field)
        session.imported.connect(self._reread)
        self._follow_run()

    @property
    def field(self) -> OpenField | None:
        """The field that is open."""
        return self._bench.field

    def _layers(self) -> tuple[Layer, ...]:
        return (*self._effects.layers, *(self.field.layers.layers if self.field else ()))

    def _bring_to_disk(self) -> None:
        if self.shelf is not None:
            self.shelf.flush()

    def _held(self) -> Corrections | None:
        shelf = self.shelf
        return shelf.writable if shelf is not None and shelf.reader == FIRST else None

    def choose_hints(self, settings: HintSettings) -> None:
        """Find hints in another way."""
        self._bench.choose_hints(settings)

    def let_second_read(self, second: bool) -> None:
        """Hand over to the second reader, who sees nothing of the first's fields, or back."""
        self.reader = SECOND if second else FIRST
        self.session.problem.emit("")
        self.session.blind(second)
        self._shown = None
        self._follow_run()
        self.reader_changed.emit()

    @property
    def author(self) -> str:
        """Who reads, as far as somebody has said."""
        return self._authors[self.reader]

    @author.setter
    def author(self, name: str) -> None:
        self._authors[self.reader] = name

    def open(self, take: Callable[[FieldShelf], Opened]) -> None:
        """Open the field that `take` fetches from the shelf, elsewhere."""
        shelf = self.shelf
        if shelf is not None:
            self._save_now()
            self.session.background.submit(lambda: take(shelf), partial(self._show_field, shelf))

    def open_field(self, name: str) -> None:
        """Open a field that was begun before."""
        if not self._bench.holds(name):
            self.open(lambda shelf: shelf.open(name, self.author))

    def remove(self, name: str) -> None:
        """Take a field off the list; its files are kept."""
        shelf = self.shelf
        if shelf is None:
            return
        if self._bench.name == name:
            self.close_field()

        def taken_off() -> Listing:
            shelf.remove(name)
            return shelf.fields()

        self.session.background.submit(taken_off, partial(self._take_fields, shelf))

    def close_field(self) -> None:
        """Put the open field away; its edits are saved."""
        if self.field is None:
            return
        self._save_now()
        self._bench.clear()
        self._show_outlines()
        self.opened.emit()

    def tick(self) -> None:
        """Save and count what was edited since the last tick."""
        self._effects.follow_zoom()
        if self.field is None:
            return
        self.session.background.deliver()
        self._save_now()
        self._tell_saving()

    def close(self, *, clear: bool = False) -> None:
        """Save what is open and let go of the viewer. Twice does no harm.

        `clear` leaves nothing of the fields behind: a window that stays is shown to the first
        reader again.
        """
        self._save_now()
        if self.shelf is not None:
            self.shelf.close()
            self.shelf = None
        if not self._closed:
            self._closed = True
            self.session.savers.remove(self._bring_to_disk)
            self.session.overlays.companions.remove(self._layers)
            self.session.measured.disconnect(self._follow_run)
            self.session.corrections = lambda: None
            self.session.importing.disconnect(self.close_field)
            self.session.imported.disconnect(self._reread)
            self._bench.close()
            self.actions.close()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted timers and layers
            self._timer.stop()
            self.close_field()
            self._effects.close(clear=clear)
            if clear:
                self._hand_back()

    def _hand_back(self) -> None:
        """End the second reader's work: what was found is shown, the first one's fields count."""
        shown, slide = self._shown, self.session.slides.slide
        if self.reader == FIRST:
            return
        self.reader = FIRST
        self.session.blind(False)
        if shown is not None and slide is not None:
            shelf = FieldShelf(slide, shown, FIRST)
            self.session.background.submit(shelf.fields, self._count_again)
            self.session.exclusions.refresh()

    def _count_again(self, listing: Listing) -> None:
        self.fields = listing.fields
        self._show_outlines()
        self._amend()

    def _follow_run(self) -> None:
        """Turn to the fields of the run on show, when it is another one."""
        shown, slide = self.session.shown, self.session.slides.slide
        if shown is self._shown:
            return
        self._leave_shelf()
        self._shown = shown
        if shown is not None and slide is not None:
            self.shelf = FieldShelf(slide, shown, self.reader)
            self._listed = NOTHING_LISTED
            self._scores = SlideScores(self.shelf, self._load)
            self._reread()
        self.slide_changed.emit()
        self.fields_changed.emit()

    def _reread(self) -> None:
        """Take in the fields as they are on disk; imports and other windows change them."""
        shelf = self.shelf
        if shelf is not None:
            self.session.background.submit(shelf.fields, partial(self._take_fields, shelf))

    def _leave_shelf(self) -> None:
        self.close_field()
        if self.shelf is not None:
            self.shelf.close()
        self.shelf = self._scores = None
        self.fields = ()
        self._effects.frame(self.fields)

    def _take_fields(self, shelf: FieldShelf, listing: Listing) -> None:
        if shelf is not self.shelf or listing.number < self._listed.number:
            return
        self._listed, self.fields = listing, listing.fields
        self._bench.mark_unsaved()  # edited since the disk was read
        if self.fields and not self.author:
            self.author = self.fields[-1].record.author if self.fields[-1].begun else ""
            self.reader_changed.emit()
        for field in self.fields:
            if field.fault:
                self.session.problem.emit(field.fault)
        self._effects.frame(self.fields)
        self._show_outlines()
        self._amend()
        self.fields_changed.emit()

    def _show_field(self, shelf: FieldShelf, opened: Opened) -> None:
        """Put a field that was fetched on the screen, in place of the one before."""
        if shelf is not self.shelf or self._scores is None:
            return
        if self._bench.holds(opened.record.name):
            self._bench.select()  # and it stays: it may have been edited since the file was read
        else:
            self._replace_field(opened, self._scores)
        if opened.is_other:
            snapshot = self.session.snapshot
            grid = snapshot.grid if snapshot else None
            self.session.problem.emit(opened_instead(field_name(opened.record, grid)))

    def _replace_field(self, opened: Opened, scores: SlideScores) -> None:
        self.close_field()
        self._bench.lay_out(
            opened,
            partial(scores.look, opened),
            without_hints=self.reader == SECOND and opened.record.start is Start.BLANK,
        )
        begun = {one.record.name for one in self.fields if one.begun}
        if self._listed.is_held and opened.record.name in begun:
            self._show_outlines()
        else:
            self._reread()
        self.opened.emit()

    def _save_now(self) -> None:
        """Have the open field saved and counted, if it was edited."""
        document = None if self.shelf is None else self._bench.take_edited()
        if self.shelf is None or document is None:
            return
        saved = self.shelf.save(document)
        name = saved.record.name
        self.fields = tuple(
            replace(saved, learnt=f.learnt) if f.record.name == name else f for f in self.fields
        )
        self._amend()
        self.fields_changed.emit()

    def _amend(self) -> None:
        self._effects.amend(self.fields, self._shown, self.reader)

    def _show_outlines(self) -> None:
        self._effects.outline(self.fields, self._bench.name)

    def _tell_saving(self) -> None:
        """Say how far the edits are on disk, and what the saving thread had to say."""
        if self.shelf is None or self.field is None:
            return
        for problem in self.shelf.disk_problems():
            self.session.problem.emit(problem)
        if self.field.read_only:
            self.saving.emit(LOOKING)
            return
        document = self.field.document
        saved = self.shelf.saved_revision(document.record.name) or self._bench.begun_with
        self.saving.emit(SAVED if saved >= document.revision else SAVING)
