"""What a key or a click does to the open field, at the place the pointer is over."""

from collections.abc import Callable
from typing import Any

from napari_glioma_density.annotation.field import Origin
from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.annotation.open_field import OpenField
from napari_glioma_density.ui.camera import look_at, visible_part
from napari_glioma_density.ui.pointing import Pointer

Point = tuple[int, int]
VEILED = "This field begins blank for the second reader: no hints are shown in it."
LOOK_ONLY = "This slide is annotated in another window: close it there, then open the field anew."
NO_EDIT = "No edit of this field is left to take back."
NONE_UNDONE = "No edit of this field was taken back that could be made again."
NO_FIELD = "No field is open: annotate one first."


class Actions:
    """Edits of the field that `current` returns; problems are told, not raised."""

    def __init__(
        self,
        viewer: Any,
        current: Callable[[], OpenField | None],
        problem: Callable[[str], None],
    ) -> None:
        self._viewer = viewer
        self._mouse = Pointer(viewer)
        self._current = current
        self._problem = problem

    def close(self) -> None:
        """Follow the pointer no more."""
        self._mouse.close()

    def accept(self) -> None:
        """Make a nucleus of the hint under the pointer, or of the one asked about."""
        self._answer(lambda field, hint: field.accept((hint.id,)))

    def reject(self) -> None:
        """Turn down the hint under the pointer, or the one asked about."""
        self._answer(lambda field, hint: field.document.reject(hint.y, hint.x))

    def next_hint(self) -> None:
        """Ask about the nearest hint that is not answered yet and was not passed over."""
        field = self._hinted_field()
        if field is not None:
            asked = field.desk.current if self._mouse.is_resting else None
            here = (asked.y, asked.x) if asked else self._pointer(field)
            self._ask_next(field, here or field.centre)

    def grow(self) -> None:
        """Grow a nucleus around the pointer."""
        self._at_pointer(self._grow)

    def grow_in_field(self, y: int, x: int) -> None:
        """Grow a nucleus around a px of the open field."""
        self._with_field(lambda field: self._grow(field, y, x))

    def _grow(self, field: OpenField, y: int, x: int) -> None:
        """Grow a nucleus from the score that hints are made of."""
        mask = field.grown(y, x)
        if field.document.id_at(y, x):
            self._problem("There is a nucleus here already.")
        elif mask is None:
            self._problem("Nothing like a nucleus is here: paint it with napari's brush (P).")
        else:
            field.document.add(mask, Origin.GROWN)

    def delete(self) -> None:
        """Delete the nucleus under the pointer."""
        self._at_nucleus(lambda field, number: field.document.delete(number))

    def split(self) -> None:
        """Split the nucleus under the pointer where it is thinnest."""

        def cut(field: OpenField, number: int) -> None:
            if len(field.document.split(number)) == 1:
                self._problem("This nucleus has no waist: rub a line through it (E).")

        self._at_nucleus(cut)

    def merge(self) -> None:
        """Merge the nucleus under the pointer with the nearest one it touches."""

        def join(field: OpenField, number: int) -> None:
            y, x = self._pointer(field) or field.centre
            other = field.touching(number, y, x)
            if other is None:
                self._problem("This nucleus touches no other.")
            else:
                field.document.merge((number, other))

        self._at_nucleus(join)

    def undo(self) -> None:
        """Take the last edit back."""
        self._with_field(lambda field: field.document.undo() or self._problem(NO_EDIT))

    def redo(self) -> None:
        """Make the edit again that was taken back."""
        self._with_field(lambda field: field.document.redo() or self._problem(NONE_UNDONE))

    def toggle_done(self) -> None:
        """Call the field finished, or not any more."""
        self._with_field(lambda field: field.document.set_done(not field.document.done))

    def accept_above(self, confidence: float) -> None:
        """Make nuclei of all hints at least as sure as this, in one edit."""

        def take(field: OpenField) -> None:
            found = field.desk.found
            hints = () if found is None else found.missing.hints
            sure = tuple(hint.id for hint in hints if hint.confidence >= confidence)
            if sure:
                field.accept(sure)
            else:
                most = max((hint.confidence for hint in hints), default=0.0)
                self._problem(
                    f"No hint left has a confidence of {confidence:.2f} or more; "
                    f"the highest is {most:.2f}."
                )

        self._with_field(take)

    def _answer(self, answer: Callable[[OpenField, Any], object]) -> None:
        """Answer a hint, then ask about the next one."""
        field = self._hinted_field()
        if field is None or not self._may_edit(field):
            return
        pointer = None if self._mouse.is_resting else self._pointer(field)
        under = field.desk.hint_at(*pointer) if pointer else None
        hint = under or field.desk.current
        if hint is None:
            self._problem("No hint is under the pointer: J goes to the next one.")
            return
        if under is None and self._bring_into_view(field.world(hint.y, hint.x)):
            self._problem("The hint asked about was out of view; here it is.")
            return
        self._try(lambda: answer(field, hint))
        self._ask_next(field, (hint.y, hint.x), answered=hint.id)

    def _ask_next(self, field: OpenField, near: Point, answered: int | None = None) -> None:
        hint = field.desk.next_after(*near, answered)
        self._mouse.rest()  # what it happens to lie over is not what is asked about
        if hint is None and field.desk.found is None:
            self._problem("Hints are still being found: a moment.")
        elif hint is None:
            self._problem("" if answered else "No hint is left in this field.")
        else:
            self._bring_into_view(field.world(hint.y, hint.x))

    def _bring_into_view(self, place_um: tuple[float, float]) -> bool:
        """Centre the view on a place that is not in it, and say whether that was needed."""
        view = visible_part(self._viewer)
        inside_y = view.y_um <= place_um[0] <= view.y_um + view.height_um
        inside_x = view.x_um <= place_um[1] <= view.x_um + view.width_um
        if inside_y and inside_x:
            return False
        look_at(self._viewer, place_um)
        return True

    def _at_nucleus(self, act: Callable[[OpenField, int], object]) -> None:
        def at(field: OpenField, y: int, x: int) -> None:
            number = field.document.id_at(y, x)
            if number:
                act(field, number)
            else:
                self._problem("No nucleus is under the pointer.")

        self._at_pointer(at)

    def _at_pointer(self, act: Callable[[OpenField, int, int], object]) -> None:
        def at(field: OpenField) -> None:
            pointer = self._pointer(field)
            if pointer is None:
                self._problem("The pointer is not over the field.")
            else:
                act(field, *pointer)

        self._with_field(at)

    def _with_field(self, act: Callable[[OpenField], object]) -> None:
        field = self._field()
        if field is not None and self._may_edit(field):
            self._try(lambda: act(field))

    def _try(self, act: Callable[[], object]) -> None:
        self._problem("")
        try:
            act()
        except BadInput as error:
            self._problem(str(error))

    def _may_edit(self, field: OpenField) -> bool:
        if field.read_only:
            self._problem(LOOK_ONLY)
        return not field.read_only

    def _hinted_field(self) -> OpenField | None:
        field = self._field()
        if field is not None and field.desk.veiled:
            self._problem(VEILED)
            return None
        return field

    def _field(self) -> OpenField | None:
        field = self._current()
        if field is None:
            self._problem(NO_FIELD)
        return field

    def _pointer(self, field: OpenField) -> Point | None:
        """Return the px of the field under the pointer; None beside it."""
        return field.px(*self._mouse.place_um)
