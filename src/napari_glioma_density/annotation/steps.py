"""A field's labels and nuclei, and the steps that changed them, which can be taken back."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_glioma_density.annotation.boxes import (
    HIGHEST_ID,
    BoxIndex,
    ids_in,
)
from napari_glioma_density.annotation.edits import Edit, History, PackedChange, Points
from napari_glioma_density.annotation.field import (
    FieldGround,
    FieldRecord,
    FieldState,
    FieldValues,
    Nucleus,
    Origin,
)
from napari_glioma_density.annotation.measurement import FieldMeasure
from napari_glioma_density.annotation.pixels import PixelChange, Window
from napari_glioma_density.annotation.shaping import Mask
from napari_glioma_density.errors import BadInput

_NONE: Mapping[int, Nucleus | None] = MappingProxyType({})


class SteppedField:
    """What :class:`~napari_glioma_density.annotation.document.AnnotatedField` is built on.

    It holds the field, answers questions about it, and does and undoes steps; the subclass defines
    which steps there are.
    """

    changed = Signal(tuple)

    def __init__(self, record: FieldRecord, ground: FieldGround, state: FieldState) -> None:
        self.record = record
        self.ground = ground
        self.labels = np.array(state.labels, np.uint16, order="C")
        self.nuclei = dict(state.nuclei)
        self.rejected: Points = tuple(state.rejected)
        self.done = state.done
        self.revision = state.revision
        self.edits = state.edits
        self.seconds = state.seconds
        self.hints = dict(state.hints)
        self._demand_consistency()
        self._boxes = BoxIndex(self.labels)
        self._measure = FieldMeasure(self.labels, ground, record.block)
        self._history = History()

    def go_on_from(self, left: Self) -> bool:
        """Take over the steps of a field that was left, so that they can be taken back.

        False, and nothing is taken over, where it is another one, or was changed since.
        """
        known = (self.record, self.revision, self.nuclei, self.rejected, self.done)
        if known != (left.record, left.revision, left.nuclei, left.rejected, left.done):
            return False
        if not np.array_equal(self.labels, left.labels):
            return False
        self._history = left._history
        return True

    def state(self) -> FieldState:
        """Return the field as it is now; what is returned does not change any more."""
        labels = self.labels.copy()
        labels.flags.writeable = False
        return FieldState(
            labels=labels,
            nuclei=dict(self.nuclei),
            rejected=self.rejected,
            done=self.done,
            revision=self.revision,
            edits=self.edits,
            seconds=self.seconds,
            hints=dict(self.hints),
        )

    def values(self) -> FieldValues:
        """Return what the field measures now."""
        return self._measure.values(self.nuclei)

    def nucleus_records(self) -> NDArray[np.void]:
        """Return the nuclei that count: (n,) `NUCLEUS_DTYPE`."""
        return self._measure.records(self.nuclei)

    def id_at(self, y: int, x: int) -> int:
        """Return the nucleus at a place, 0 when there is none or the place lies outside."""
        return int(self.labels[y, x]) if self._holds(y, x) else 0

    def origin_of(self, number: int) -> Origin:
        """Return where a nucleus comes from; BadInput when there is no such nucleus."""
        self._demand(number)
        return self.nuclei[number].origin

    def window_of(self, number: int) -> Window:
        """Return the bounding box of a nucleus; BadInput when there is no such nucleus."""
        self._demand(number)
        return self._boxes[number]

    def next_id(self) -> int:
        """Return an id that no nucleus has, for napari to paint with.

        Raises
        ------
        BadInput
            When all 65 535 are taken.
        """
        return self._free_ids(1)[0]

    def undo(self) -> bool:
        """Take the last step back; False when there is none left."""
        return self._replay(self._history.back(), 0)

    def redo(self) -> bool:
        """Do again what was taken back last; False when there is nothing."""
        return self._replay(self._history.forth(), 1)

    def _commit(
        self,
        change: PixelChange,
        nuclei: Mapping[int, Nucleus | None] = _NONE,
        *,
        rejected: Points | None = None,
        done: bool | None = None,
        unindexed: PixelChange | None = None,
    ) -> None:
        """Make a step of a change of the labels that was made.

        `nuclei` holds what is new of each nucleus, None of those gone; `unindexed` the part of
        the change that the box index does not know yet, all of it when not given.
        """
        edit = Edit(
            pixels=PackedChange.of(change),
            nuclei={number: (self.nuclei.get(number), now) for number, now in nuclei.items()},
            rejected=(self.rejected, self.rejected if rejected is None else rejected),
            done=(self.done, self.done if done is None else done),
        )
        self._history.add(edit)
        self._install(edit, 1, change, change if unindexed is None else unindexed)

    def _replay(self, edit: Edit | None, side: int) -> bool:
        if edit is None:
            return False
        change = edit.pixels.apply(self.labels)
        self._install(edit, side, change, change)
        return True

    def _install(self, edit: Edit, side: int, change: PixelChange, unindexed: PixelChange) -> None:
        """Let all but the labels be as before (side 0) or after (1) a step, and say so."""
        for number, known in edit.nuclei.items():
            now = known[side]
            if now is None:
                self.nuclei.pop(number, None)
            else:
                self.nuclei[number] = now
        self.rejected, self.done = edit.rejected[side], edit.done[side]
        self.revision += 1
        if edit.changes_nuclei:
            self.edits += 1 if side else -1
        self._boxes.follow(unindexed, self.nuclei)
        self._measure.follow(change)
        self.changed.emit(change.window(self.labels.shape))

    def _mask(self, number: int) -> Mask:
        """The pixels of a nucleus in its box."""
        return np.equal(self.labels[self._boxes[number]], number)

    def _holds(self, y: int, x: int) -> bool:
        height, width = self.labels.shape
        return bool(0 <= y < height and 0 <= x < width)

    def _at_edge(self, window: Window, mask: Mask) -> bool:
        """Whether a mask in a window touches the field's edge."""
        (down, across), (height, width) = window, self.labels.shape
        return bool(
            (down.start == 0 and mask[0].any())
            or (across.start == 0 and mask[:, 0].any())
            or (down.stop == height and mask[-1].any())
            or (across.stop == width and mask[:, -1].any())
        )

    def _free_ids(self, count: int, taken: Collection[int] = ()) -> list[int]:
        """Return ids above all others, or where these run out, ids that fell free."""
        highest = max(self.nuclei, default=0)
        free = [
            number
            for number in range(highest + 1, min(highest + count + len(taken), HIGHEST_ID) + 1)
            if number not in taken
        ]
        if len(free) < count:
            free += [
                number
                for number in range(1, highest + 1)
                if number not in self.nuclei and number not in taken
            ]
        if len(free) < count:
            raise BadInput(
                f"{self.record.name}: all {HIGHEST_ID} ids are taken; annotate a smaller field"
            )
        return free[:count]

    def _known(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """Return ids without repetition; BadInput when one has no nucleus."""
        ids = tuple(dict.fromkeys(numbers))
        for number in ids:
            self._demand(number)
        return ids

    def _demand(self, number: int) -> None:
        if number not in self.nuclei:
            raise BadInput(f"{self.record.name}: holds no nucleus {number}; point at one")

    def _demand_consistency(self) -> None:
        record = self.record
        if self.labels.shape != (record.height_px, record.width_px):
            raise BadInput(
                f"{record.name}: labels of {self.labels.shape} px do not fit a field of "
                f"{(record.height_px, record.width_px)} px; restore an earlier revision"
            )
        if ids_in(self.labels) != sorted(self.nuclei):
            raise BadInput(
                f"{record.name}: its labels and its list of nuclei do not match; "
                "restore an earlier revision"
            )
