"""Nuclei of a field that come back from another program: as they were, changed, new or gone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.boxes import HIGHEST_ID
from napari_glioma_density.annotation.field import FieldState, Nucleus, Origin
from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.geojson.nucleus_labels import nuclei_as_labels
from napari_glioma_density.exchange.geojson.reading import NucleusOutline
from napari_glioma_density.regions.plane import Plane

_Labels = NDArray[np.uint16]


def take_in(
    before: FieldState,
    outlines: Sequence[NucleusOutline],
    plane: Plane,
    block: Block,
    exported: NDArray[np.int64],
) -> FieldState | None:
    """Return a field with the nuclei of a file.

    A nucleus of the file that covers exactly the pixels of one in the field stays what it was. If
    there is no such nucleus, the file is another program's own work and replaces all nuclei of the
    field. Otherwise it is an edited export of this program: its other nuclei are new, and nuclei
    that it lacks were deleted, except those that are never exported.

    Parameters
    ----------
    before
        The field.
    outlines
        Nuclei of the file that meet it, in level-0 px.
    plane, block
        The working plane and the field's patches.
    exported
        Ids of the field's nuclei that an export of this program's would have held.

    Returns
    -------
    FieldState | None
        None when nothing changes.

    Raises
    ------
    BadInput
        When there are more nuclei than a field can hold.
    """
    field = plane.block_outline(block)
    own = [field.covers(each.geometry.centroid) for each in outlines]
    # The field's own nuclei first, so that neighbours that reach over them do not change them.
    order = np.argsort(np.logical_not(own), kind="stable")
    drawn = nuclei_as_labels([outlines[place] for place in order.tolist()], plane, block)
    centred = np.array([False, *(own[place] for place in order.tolist())])
    returned, as_they_were = _unchanged(drawn, before.labels)
    is_ours = returned.size > 0
    kept = np.array(list(before.nuclei) if is_ours else [], np.int64)
    kept = kept[~np.isin(kept, exported) | np.isin(kept, as_they_were)]
    # A neighbour was not drawn for this field, which therefore takes in no more of it than before.
    drawn[~centred[drawn] & (is_ours | (before.labels == 0))] = 0
    drawn[np.isin(drawn, returned) | np.isin(before.labels, as_they_were)] = 0
    if len(kept) == len(before.nuclei) and not drawn.any():
        return None
    return _joined(before, kept, drawn, centred)


def _joined(
    before: FieldState, kept: NDArray[np.int64], drawn: _Labels, centred: NDArray[np.bool_]
) -> FieldState:
    """The field with the kept of its nuclei and what was drawn over them, under free ids.

    Of those that are drawn count the `centred`, by their label.
    """
    new = np.unique(drawn[drawn > 0])
    numbers = _free(kept, len(new))
    labels = np.where(np.isin(before.labels, kept), before.labels, 0).astype(np.uint16)
    labels[drawn > 0] = numbers[np.searchsorted(new, drawn[drawn > 0])]
    by_hand = {
        number: Nucleus(Origin.HAND, is_counted)
        for number, is_counted in zip(numbers.tolist(), centred[new].tolist(), strict=True)
    }
    there = np.unique(labels[labels > 0]).tolist()
    nuclei = {number: by_hand.get(number) or before.nuclei[number] for number in there}
    revision, edits = before.revision + 1, before.edits + 1
    return replace(before, labels=labels, nuclei=nuclei, revision=revision, edits=edits)


def _unchanged(drawn: _Labels, before: _Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of drawn nuclei that cover the very pixels of one there was before, and that one's."""
    pairs = drawn.astype(np.int64) * (HIGHEST_ID + 1) + before
    pair, px = np.unique(pairs, return_counts=True)
    new, old = np.divmod(pair, HIGHEST_ID + 1)
    of_new, of_old = np.bincount(drawn.ravel()), np.bincount(before.ravel())
    same = (new > 0) & (old > 0) & (px == of_new[new]) & (px == of_old[old])
    return new[same], old[same]


def _free(taken: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The lowest ids that none of the kept nuclei has."""
    free = np.setdiff1d(np.arange(1, HIGHEST_ID + 1), taken)
    if count > len(free):
        raise BadInput(f"{count} nuclei are too many for one field: choose fewer patches")
    return free[:count]
