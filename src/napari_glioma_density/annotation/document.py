"""A field while a reader works on it: every edit a step that can be taken back."""

from collections.abc import Iterable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation import shaping
from napari_glioma_density.annotation.boxes import grown, hull
from napari_glioma_density.annotation.field import (
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Origin,
)
from napari_glioma_density.annotation.painting import PaintedField
from napari_glioma_density.annotation.pixels import NO_CHANGE, Draft, Window
from napari_glioma_density.annotation.shaping import Mask
from napari_glioma_density.errors import BadInput


class PlacedHint(Protocol):
    """A hint as far as it is needed here: its id and a window that holds all of it."""

    @property
    def id(self) -> int: ...  # noqa: D102
    @property
    def window(self) -> Window: ...  # noqa: D102


class LabelledHints(Protocol):
    """Hints, and the array that holds their ids."""

    @property
    def labels(self) -> NDArray[np.int32]: ...  # noqa: D102
    @property
    def hints(self) -> Sequence[PlacedHint]: ...  # noqa: D102


class AnnotatedField(PaintedField):
    """A field that is being edited, by one thread.

    Every method that changes it is one step, however many nuclei it changes, and steps can be
    taken back. Nuclei are outlined in `labels`, which napari may paint into as long as it tells
    :meth:`painted` before anything else happens to the field.

    Attributes
    ----------
    changed
        Emitted once for every step, done or taken back, with the window (rows, columns; empty
        when no pixel is concerned) to be drawn anew.
    record, ground
        What the field is of.
    labels
        (height, width) uint16 ids, 0 background: always the same array.
    nuclei
        What is known of each; its keys are exactly the ids of `labels`. Not to be changed.
    rejected, done, revision, edits
        As in `FieldState`.
    seconds, hints
        Time spent, and the hint layer's settings: kept for whoever saves, no part of any step.
    """

    @classmethod
    def from_state(cls, record: FieldRecord, ground: FieldGround, state: FieldState) -> Self:
        """Take up a field where it was left.

        Raises
        ------
        BadInput
            When the state does not fit the record, or its labels and nuclei do not match.
        """
        return cls(record, ground, state)

    def add(self, mask: Mask, origin: Origin) -> int | None:
        """Add a nucleus: the largest connected piece of `mask` (height, width) that is free.

        Returns its id; None when nothing is free. BadInput when no id is left.
        """
        rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
        if not rows.size:
            return None
        window = (
            slice(int(rows[0]), int(rows[-1]) + 1),
            slice(int(columns[0]), int(columns[-1]) + 1),
        )
        added = self._add_all([(window, mask[window])], origin)
        return added[0] if added else None

    def accept(self, hint_map: LabelledHints, hint_ids: Iterable[int]) -> tuple[int, ...]:
        """Make nuclei of hints, all in one step, as :meth:`add` does of a mask.

        Returns the ids of the nuclei, without hints of which nothing is free. BadInput when not
        enough ids are left; nothing is changed then.
        """
        wanted = set(hint_ids)
        windows = {hint.id: hint.window for hint in hint_map.hints if hint.id in wanted}
        masks = [(window, hint_map.labels[window] == hint) for hint, window in windows.items()]
        return self._add_all(masks, Origin.HINT)

    def reject(self, y: int, x: int) -> None:
        """Turn down the hint at a place; BadInput when the place lies outside the field."""
        if not self._holds(y, x):
            raise BadInput(f"{self.record.name}: ({y}, {x}) lies outside; point into the field")
        if (y, x) not in self.rejected:
            self._commit(NO_CHANGE, rejected=(*self.rejected, (y, x)))

    def delete(self, number: int) -> None:
        """Remove a nucleus; BadInput when there is no such nucleus."""
        self.delete_many((number,))

    def delete_many(self, numbers: Iterable[int]) -> None:
        """Remove nuclei, all in one step; BadInput when one of them does not exist."""
        gone = self._known(numbers)
        if not gone:
            return
        draft = Draft(self.labels)
        for number in gone:
            draft.write(self._boxes[number], self._mask(number), 0)
        self._commit(draft.change(), dict.fromkeys(gone))

    def split(
        self, number: int, line: tuple[float, float, float, float] | None = None
    ) -> tuple[int, ...]:
        """Split a nucleus at its neck, or along a line y0, x0, y1, x1 in px of the field.

        Returns
        -------
        tuple of int
            Ids of the parts, the largest of which keeps its own; that one alone, and no step,
            when the nucleus is too small or the line does not part it.

        Raises
        ------
        BadInput
            When there is no such nucleus, or no id is left.
        """
        self._demand(number)
        mask, um_per_px = self._mask(number), self.record.working_um_per_px
        if line is None:
            parts = shaping.split_apart(mask, um_per_px)
        else:
            top, left = (side.start for side in self._boxes[number])
            ends = (line[0] - top, line[1] - left, line[2] - top, line[3] - left)
            parts = shaping.split_along(mask, ends, um_per_px)
        if len(parts) == 1:
            return (number,)
        numbers = (number, *self._free_ids(len(parts) - 1))
        draft = Draft(self.labels)
        named = zip(numbers, parts, strict=True)
        drawn = self._draw(draft, self._boxes[number], named, self.nuclei[number])
        self._commit(draft.change(), drawn)
        return numbers

    def merge(self, numbers: Iterable[int]) -> int:
        """Make one nucleus of several that touch, or nearly so: a small gap is filled.

        Returns the id of the largest, which is kept.

        Raises
        ------
        BadInput
            When one of them does not exist, fewer than two are given, or they lie apart.
        """
        ids = self._known(numbers)
        if len(ids) < 2:
            raise BadInput(f"{self.record.name}: one nucleus cannot be merged; choose two or more")
        um_per_px = self.record.working_um_per_px
        window = grown(
            hull(self._boxes[number] for number in ids),
            max(1, round(shaping.WIDEST_GAP_UM / um_per_px)),
            self.labels.shape,
        )
        part = self.labels[window]
        whole = shaping.joined(np.isin(part, ids), part == 0, um_per_px)
        if whole is None:
            raise BadInput(
                f"{self.record.name}: these nuclei lie apart; paint the gap between them first"
            )
        kept = max(ids, key=lambda number: np.count_nonzero(self._mask(number)))
        known = Nucleus(Origin.HAND, any(self.nuclei[number].counted for number in ids))
        draft = Draft(self.labels)
        drawn = self._draw(draft, window, [(kept, whole)], known)
        self._commit(draft.change(), {**dict.fromkeys(ids), **drawn})
        return kept

    def set_done(self, done: bool) -> None:
        """Call the field finished, or not."""
        if done != self.done:
            self._commit(NO_CHANGE, done=done)

    def _add_all(self, masks: Iterable[tuple[Window, Mask]], origin: Origin) -> tuple[int, ...]:
        """Add a nucleus for each mask, given in its window, of which something is free."""
        free = ((window, mask & (self.labels[window] == 0)) for window, mask in masks)
        parts = [(window, shaping.largest_piece(mask)) for window, mask in free if mask.any()]
        if not parts:
            return ()
        numbers = self._free_ids(len(parts))
        draft = Draft(self.labels)
        for number, (window, mask) in zip(numbers, parts, strict=True):
            draft.write(window, mask, number)
        least = shaping.smallest_px(self.record.working_um_per_px)
        added = {
            number: Nucleus(origin, bool(np.count_nonzero(mask) >= least))
            for number, (_, mask) in zip(numbers, parts, strict=True)
        }
        self._commit(draft.change(), added)
        return tuple(numbers)
