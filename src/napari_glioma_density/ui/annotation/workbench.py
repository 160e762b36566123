"""The open field of a viewer: shown, followed as it is edited, put away."""

import time
from collections.abc import Callable
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.hint_settings import HintSettings
from napari_glioma_density.ui.annotation.field_layers import field_view
from napari_glioma_density.ui.annotation.hint_desk import Look
from napari_glioma_density.ui.annotation.open_field import OpenField
from napari_glioma_density.ui.annotation.shelved import Opened
from napari_glioma_density.ui.camera import fly_to
from napari_glioma_density.ui.session import Session

MOST_LEFT = 5
"""Fields put away last whose edits can be taken back once they are opened again."""
TICK_MS = 40
"""An edit reaches the screen's numbers in two or three of these, plus what it costs to sum up."""


class Workbench:
    """Holds one open field, or none; `save` is called where its latest edit is to be saved.

    Parameters
    ----------
    session
        Of the viewer.
    save
        Saves and counts the open field, if it was edited.
    put_away
        Called where the field is to be closed because its layer was taken off the list.
    """

    opened = Signal()
    """Another field is open, or none."""
    edited = Signal()
    """The open field was edited, or has other hints."""
    statistics_changed = Signal(object)
    """`ScoreStatistics` of the slide, for the chosen source of hints."""

    def __init__(
        self, session: Session, save: Callable[[], None], put_away: Callable[[], None]
    ) -> None:
        self._session, self._save, self._put_away = session, save, put_away
        self._settings: HintSettings | None = None
        self.field: OpenField | None = None
        self._left: dict[str, AnnotatedField] = {}
        self.begun_with = 0
        """The revision that was read from disk."""
        self._next_count = 0.0
        session.viewer.layers.events.removed.connect(self._layer_removed)

    @property
    def name(self) -> str:
        """Name of the open field; empty when there is none."""
        return self.field.record.name if self.field else ""

    def holds(self, name: str) -> bool:
        """Whether a field is open to be edited; one to look at may be opened anew."""
        return self.field is not None and self.name == name and not self.field.read_only

    def choose_hints(self, settings: HintSettings) -> None:
        """Find hints in another way."""
        self._settings = settings
        if self.field is not None:
            self.field.document.hints = settings.to_json()
            self.field.desk.choose(settings)

    def lay_out(self, opened: Opened, look: Look, *, without_hints: bool) -> None:
        """Put a field on the screen; none is open."""
        document = AnnotatedField.from_state(opened.record, opened.ground, opened.state)
        if opened.record.name in self._left:
            document.go_on_from(self._left[opened.record.name])
        problem = self._session.problem.emit
        self.field = OpenField(
            document,
            look,
            self._session.background,
            self._hear_edit,
            problem,
            without_hints=without_hints,
            read_only=opened.read_only,
        )
        self.begun_with = opened.state.revision
        document.changed.connect(self._clear_problem)
        self._clear_problem()
        self.field.desk.measured.connect(self._tell_statistics)
        self._show_layers(self.field)
        if self._settings is not None:
            self.choose_hints(self._settings)

    def select(self) -> None:
        """Have the pointer paint into the open field, if any, whichever tool was in hand."""
        if self.field is not None:
            self._session.viewer.layers.selection.active = self.field.layers.annotation

    def clear(self) -> None:
        """Take the open field off the screen; its edits are saved."""
        if self.field is None:
            return
        field, self.field = self.field, None
        field.close()
        self._leave(field)
        layers = self._session.viewer.layers
        with layers.batched_update():  # or napari collects garbage after each, half a second long
            for layer in field.layers.layers:
                if layer in layers:
                    layers.remove(layer)
        slide = self._session.slides.current
        if layers.selection.active is None and slide in layers:  # else napari's controls are empty
            layers.selection.active = slide

    def mark_unsaved(self) -> None:
        """Have the field saved and counted once more, if it was edited since it was read."""
        if self.field is not None and self.field.document.revision != self.begun_with:
            self.field.dirty = True

    def take_edited(self) -> AnnotatedField | None:
        """Return the field to be saved, if it was edited since the last call."""
        if self.field is None or not self.field.dirty:
            return None
        self.field.dirty = False
        self._next_count = time.monotonic() + TICK_MS / 1000
        return self.field.document

    def close(self) -> None:
        """Let go of the viewer."""
        self._session.viewer.layers.events.removed.disconnect(self._layer_removed)

    def _leave(self, field: OpenField) -> None:
        """Keep the steps of a field that is put away, and forget those of one long left."""
        if not field.read_only:
            name = field.record.name
            kept = [item for item in self._left.items() if item[0] != name][1 - MOST_LEFT :]
            self._left = {**dict(kept), name: field.document}

    def _layer_removed(self, event: Any) -> None:
        """Put the field away when its annotation was taken off the list of layers."""
        if self.field is not None and event.value is self.field.layers.annotation:
            QTimer.singleShot(0, self._put_away)  # once napari is through with the removal

    def _show_layers(self, field: OpenField) -> None:
        viewer = self._session.viewer
        for layer in field.layers.layers:
            viewer.add_layer(layer)
        self.select()
        fly_to(viewer, field_view(field.record), margin=1.1)

    def _hear_edit(self) -> None:
        """Count an edit at once; of several in a tick the later ones wait for the next."""
        if time.monotonic() >= self._next_count:
            self._save()
        self.edited.emit()

    def _clear_problem(self, _window: object = None) -> None:
        self._session.problem.emit("")

    def _tell_statistics(self, statistics: object) -> None:
        self.statistics_changed.emit(statistics)
