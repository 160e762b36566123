"""The field that is being annotated: its document, its layers, its hints."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QTimer

from napari_glioma_density.annotation.boxes import hull
from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import FieldRecord, Origin
from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.annotation.field_layers import FieldLayers, Window, field_view
from napari_glioma_density.ui.annotation.hint_desk import Annotated, HintDesk, Look
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.connections import Connections

MOST_IDLE_SECONDS = 60.0
"""A pause longer than this is not time spent on the field."""


class OpenField:
    """Ties a document to what is seen of it; `dirty` until someone has saved the latest edit.

    Parameters
    ----------
    document
        The field.
    look
        Makes scores of the field for the hints; slow, called elsewhere.
    background
        Where slow work is done.
    edited, problem
        Called after every edit, and with one line when one cannot be made.
    without_hints
        Whether no hint is to anchor the eye.
    read_only
        Whether it can only be looked at.
    """

    def __init__(
        self,
        document: AnnotatedField,
        look: Look,
        background: Background,
        edited: Callable[[], None],
        problem: Callable[[str], None],
        *,
        without_hints: bool,
        read_only: bool,
    ) -> None:
        self.document = document
        self.read_only = read_only
        self._problem = problem
        self._edited = edited
        self._touched = time.monotonic()
        self.dirty = False
        self.layers = FieldLayers(document.record, document.labels, self._origin_codes)
        self.desk = HintDesk(
            background,
            look,
            self._seen_by_hints,
            document.record.working_um_per_px,
            veiled=without_hints,
        )
        self._connections = Connections()
        self._connections.add(document.changed, self._show_edit)
        self._connections.add(self.desk.changed, self._show_hints)
        self._connections.add(self.layers.annotation.events.paint, self._take_stroke)
        if read_only:
            self.layers.annotation.editable = False
        else:
            self._prepare_brush(self.layers.annotation)

    @property
    def record(self) -> FieldRecord:
        """Which field."""
        return self.document.record

    @property
    def centre(self) -> tuple[int, int]:
        """Its middle, in px."""
        return self.record.height_px // 2, self.record.width_px // 2

    def px(self, y_um: float, x_um: float) -> tuple[int, int] | None:
        """Return the px of the field at a place of the world; None beside it."""
        view = field_view(self.record)
        y = int((y_um - view.y_um) // self.record.working_um_per_px)
        x = int((x_um - view.x_um) // self.record.working_um_per_px)
        inside = 0 <= y < self.record.height_px and 0 <= x < self.record.width_px
        return (y, x) if inside else None

    def world(self, y: int, x: int) -> tuple[float, float]:
        """Return the place of a px of the field in the world, (y, x) in µm."""
        um, block = self.record.working_um_per_px, self.record.block
        return (block.row * PATCH_PX + y + 0.5) * um, (block.column * PATCH_PX + x + 0.5) * um

    def accept(self, hints: tuple[int, ...]) -> None:
        """Make nuclei of hints, by id, in one edit."""
        if self.desk.found is not None:
            self.document.accept(self.desk.found.missing, hints)

    def grown(self, y: int, x: int) -> NDArray[np.bool_] | None:
        """Grow a nucleus around a px from the score of the hints; None where there is none."""
        settings, score = self.desk.settings, self.desk.score
        if settings is None or score is None:
            return None
        from napari_glioma_density.annotation.growing import grow

        um_per_px, taken = self.record.working_um_per_px, self.document.labels > 0
        return grow(score, y, x, um_per_px, taken, settings.min_um2, settings.max_um2)

    def touching(self, number: int, y: int, x: int) -> int | None:
        """Return the nucleus that touches nucleus `number` nearest to a px."""
        ids = self.document.labels
        own = ids == number
        around = np.zeros_like(own)
        around[1:] |= own[:-1]
        around[:-1] |= own[1:]
        around[:, 1:] |= own[:, :-1]
        around[:, :-1] |= own[:, 1:]
        rows, columns = np.nonzero(around & ~own & (ids > 0))
        if not len(rows):
            return None
        nearest = np.argmin((rows - y) ** 2 + (columns - x) ** 2)
        return int(ids[rows[nearest], columns[nearest]])

    def close(self) -> None:
        """Stop following document and layers."""
        self._connections.close()

    def _seen_by_hints(self) -> Annotated:
        nuclei = self.document.nuclei.items()
        of_model = [number for number, nucleus in nuclei if nucleus.origin is Origin.MODEL]
        return Annotated(self.document.labels, self.document.rejected, of_model)

    def _origin_codes(self, ids: NDArray[np.uint16]) -> NDArray[np.uint8]:
        numbers = np.unique(ids)
        codes = np.zeros(int(numbers[-1]) + 1, np.uint8)
        for number in numbers[numbers > 0].tolist():
            codes[number] = self.document.origin_of(number) + 1
        return np.asarray(codes[ids])

    def _show_edit(self, window: Window) -> None:
        now = time.monotonic()
        self.document.seconds += min(now - self._touched, MOST_IDLE_SECONDS)
        self._touched = now
        self.dirty = True
        self.layers.repaint(self._whole_nuclei(window))
        self.layers.annotation.selected_label = self.document.next_id()
        self._edited()
        self.desk.refresh()  # last, so that numbers need not wait for hints

    def _whole_nuclei(self, window: Window) -> Window:
        """Return a window that holds all of every nucleus in it: its colour may be another."""
        numbers = np.unique(self.document.labels[window])
        windows = [self.document.window_of(int(number)) for number in numbers if number]
        return hull([window, *windows])

    def _show_hints(self) -> None:
        codes = self.desk.codes()
        if codes is not None:
            self.layers.show_hints(codes)
        self._edited()

    def _take_stroke(self, event: Any) -> None:
        """Record a stroke once napari is through: a polygon's px change after its event."""
        atoms = event.value
        QTimer.singleShot(0, lambda: self._record_stroke(atoms))

    def _record_stroke(self, atoms: Any) -> None:
        try:
            self.document.painted(atoms)
        except BadInput as error:
            self._problem(str(error))

    def _prepare_brush(self, layer: Labels) -> None:
        """Let a stroke that begins on a nucleus redraw it, and any other draw a new one."""
        layer.selected_label = self.document.next_id()

        def choose(_: Labels, event: Any) -> None:
            if layer.mode == "paint":
                at = self.px(*event.position[-2:])
                layer.selected_label = (at and self.document.id_at(*at)) or self.document.next_id()

        layer.mouse_drag_callbacks.insert(0, choose)
        for key, act in (
            ("Control-Z", self.document.undo),
            ("Control-Shift-Z", self.document.redo),
        ):
            layer.bind_key(key, lambda _layer, act=act: _ignore(act()), overwrite=True)


def _ignore(_: object) -> None:
    return None
