"""What napari paints, made into nuclei: each one piece, and no specks."""

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from napari_glioma_density.annotation import shaping
from napari_glioma_density.annotation.boxes import ids_in
from napari_glioma_density.annotation.field import Nucleus, Origin
from napari_glioma_density.annotation.pixels import Draft, PixelChange, Window, in_a_row
from napari_glioma_density.annotation.shaping import Mask
from napari_glioma_density.annotation.steps import SteppedField
from napari_glioma_density.annotation.strokes import Atom, stroke_change
from napari_glioma_density.errors import BadInput


class PaintedField(SteppedField):
    """A field whose labels napari paints into; other edits are `AnnotatedField`'s."""

    def painted(self, atoms: Sequence[Atom]) -> None:
        """Take over what napari painted: the value of a paint event of its Labels layer.

        Whatever the stroke changed counts as drawn by hand. Nuclei without a px left are gone,
        specks that remain of others are removed, and a nucleus left in several pieces becomes
        several nuclei, the largest of which keeps the id.

        Parameters
        ----------
        atoms
            The stroke as :mod:`~napari_glioma_density.annotation.strokes` describes it. A polygon's
            event comes before napari changes its pixels: call this once napari is through.

        Raises
        ------
        BadInput
            When no id is left for the pieces; the stroke is undone then.
        """
        if not atoms:
            return
        flat = self.labels.reshape(-1)
        stroke = stroke_change(atoms, self.labels.shape)
        flat[stroke.at] = stroke.new
        drawn = ids_in(stroke.new)
        touched = sorted({*drawn, *ids_in(stroke.old)})
        self._boxes.follow(stroke, touched)
        try:
            tidying, nuclei = self._tidied(touched, drawn)
        except BadInput:
            flat[stroke.at] = stroke.old
            self._boxes.follow(stroke._replace(old=stroke.new, new=stroke.old), self.nuclei)
            self.changed.emit(stroke.window(self.labels.shape))
            raise
        if touched:
            self._commit(in_a_row((stroke, tidying)), nuclei, unindexed=tidying)

    def _tidied(
        self, touched: Sequence[int], drawn: Sequence[int]
    ) -> tuple[PixelChange, dict[int, Nucleus | None]]:
        """Make every nucleus that a stroke touched one piece; return what that changes.

        BadInput, with nothing changed, when no id is left for the pieces.
        """
        parts = {number: self._pieces(number, number in drawn) for number in touched}
        more = sum(max(0, len(masks) - 1) for masks in parts.values())
        numbers = iter(self._free_ids(more, taken=touched))
        nuclei: dict[int, Nucleus | None] = dict.fromkeys(touched)
        draft = Draft(self.labels)
        for number in (one for one in touched if one in self._boxes):
            window, masks, known = self._boxes[number], parts[number], self.nuclei.get(number)
            specks = self._mask(number)
            for mask in masks:
                specks &= ~mask
            draft.write(window, specks, 0)
            owners = (number, *islice(numbers, max(0, len(masks) - 1)))
            nuclei.update(self._draw(draft, window, zip(owners, masks, strict=False), known))
        return draft.change(), nuclei

    def _pieces(self, number: int, is_drawn: bool) -> list[Mask]:
        """The pieces of a nucleus but for specks; of one that was drawn the largest is none.

        Nor are they where a line has parted a small nucleus: they stay, and count for nothing.
        """
        if number not in self._boxes:
            return []
        least = shaping.smallest_px(self.record.working_um_per_px)
        found = shaping.pieces(self._mask(number))
        kept = [piece for piece in found if np.count_nonzero(piece) >= least]
        if kept or len(found) < 2:
            return kept or found[:is_drawn]
        together = sum(map(np.count_nonzero, found))
        return found if together >= least else found[:is_drawn]

    def _draw(
        self,
        draft: Draft,
        window: Window,
        parts: Iterable[tuple[int, Mask]],
        known: Nucleus | None,
    ) -> dict[int, Nucleus]:
        """Draw nuclei, ids and masks in a window, in place of one; return what is known of them."""
        drawn, least = {}, shaping.smallest_px(self.record.working_um_per_px)
        for number, mask in parts:
            draft.write(window, mask, number)
            # Beyond the field's edge nothing was redrawn: there the side of the centre stays.
            if self._at_edge(window, mask):
                counted = known is None or known.counted
            else:
                counted = bool(np.count_nonzero(mask) >= least)
            drawn[number] = Nucleus(Origin.HAND, counted)
        return drawn
