"""The nuclei that a run counted in a field, each with its px."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.boxes import HIGHEST_ID, grown
from napari_glioma_density.annotation.field import Nucleus, Origin
from napari_glioma_density.annotation.pixels import Window
from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.centres import REACH_UM, match_centres
from napari_glioma_density.nuclei.table import (
    NUCLEUS_MARGIN_PX,
    measure_nuclei,
    separate_nuclei,
)
from napari_glioma_density.results import Run


def model_nuclei(run: Run, block: Block) -> tuple[NDArray[np.uint16], dict[int, Nucleus]]:
    """Return the nuclei of a run's mask in a block: (height, width) ids, and what is known of each.

    Exactly those count that the run has counted, so that an untouched field changes no number.

    Raises
    ------
    BadInput
        When there are more than 65 535.
    """
    window = run.lattice.window(block)
    around = grown(window, NUCLEUS_MARGIN_PX, (run.lattice.height_px, run.lattice.width_px))
    mask = np.asarray(run.mask(0)[around])
    outlined = outline_nuclei(mask, _within(window, around), run.lattice.um_per_px)
    counted = counted_ids(outlined, _centres(run, block), REACH_UM / run.lattice.um_per_px)
    every = range(1, outlined.highest_id + 1)
    return outlined.labels, {id_: Nucleus(Origin.MODEL, id_ in counted) for id_ in every}


class OutlinedField(NamedTuple):
    """The px of a field's mask, all of them with an id."""

    labels: NDArray[np.uint16]
    """(height, width) ids, 0 background; specks too small for a nucleus have the highest."""
    centres: NDArray[np.float64]
    """Of whole nuclei, from id 1 on, without specks: (n, 2) y and x in px of the field."""
    highest_id: int


def outline_nuclei(mask: NDArray[np.uint8], inner: Window, um_per_px: float) -> OutlinedField:
    """Tell the nuclei of a field's mask apart, as an estimate does.

    Parameters
    ----------
    mask
        (height, width) 0/1: the field and what is known around it.
    inner
        Where the field lies in the mask.
    um_per_px
        Resolution of the mask.

    Raises
    ------
    BadInput
        When there are more than 65 535.
    """
    apart = separate_nuclei(np.ascontiguousarray(mask), um_per_px)
    here = apart[inner]
    outlined = _ids(here)
    number_of = np.zeros(int(apart.max()) + 1, np.int32)
    number_of[outlined] = np.arange(1, len(outlined) + 1)
    _, specks = cv2.connectedComponents(
        ((mask[inner] > 0) & (here == 0)).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    total = len(outlined) + int(specks.max())
    if total > HIGHEST_ID:
        raise BadInput(f"a field of {total} nuclei is too much; choose fewer patches")
    labels = number_of[here] + np.where(specks > 0, specks + len(outlined), 0)
    found = measure_nuclei(apart)
    corner = [part.start for part in inner]
    centres = np.stack([found.y_px, found.x_px], axis=1)[np.isin(_ids(apart), outlined)] - corner
    return OutlinedField(labels.astype(np.uint16), centres, total)


def counted_ids(
    outlined: OutlinedField, wanted: NDArray[np.float64], reach_px: float
) -> frozenset[int]:
    """Return the nuclei of a field that a run has counted there.

    Parameters
    ----------
    outlined
        The field.
    wanted
        Centres of what the run has counted: (n, 2) y and x in px of the field.
    reach_px
        Farther from its centre nothing is the nucleus that was counted.

    Notes
    -----
    Near the edge of a block the run split touching nuclei in a mask that went on differently beyond
    the edge than the stored mask does, so some centres are not found again. For such a centre any
    nucleus beside it is counted.
    """
    given = match_centres(wanted, outlined.centres, reach_px)
    counted = {int(place) + 1 for place in given[given >= 0]}
    for y, x in wanted[given < 0]:
        beside = _ids_by_distance(outlined.labels, float(y), float(x), reach_px)
        free = [id_ for id_ in beside if id_ not in counted and id_ <= len(outlined.centres)]
        counted.update(free[:1])
    return frozenset(counted)


def _ids_by_distance(labels: NDArray[np.uint16], y: float, x: float, reach_px: float) -> list[int]:
    """Ids of which a px lies within reach of a place, nearest first."""
    reach = int(np.ceil(reach_px))
    top, left = (max(0, int(place) - reach) for place in (y, x))
    near = labels[top : int(y) + reach + 1, left : int(x) + reach + 1]
    rows, columns = np.nonzero(near)
    distance = np.hypot(rows + top + 0.5 - y, columns + left + 0.5 - x)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= reach_px]
    return list(dict.fromkeys(near[rows[order], columns[order]].tolist()))


def _centres(run: Run, block: Block) -> NDArray[np.float64]:
    """Of the nuclei that a run has counted in a block: (n, 2) y and x in px from its corner."""
    here = run.nuclei(block)
    corner = [part.start for part in run.lattice.window(block)]
    centres = np.stack([here["y_px"], here["x_px"]], axis=1).astype(np.float64)
    return np.subtract(centres, corner)


def _within(window: Window, outer: Window) -> Window:
    """Where a window lies in what an outer one cuts out."""
    down, across = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(window, outer, strict=True)
    )
    return down, across


def _ids(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Ids among labels, rising, without 0."""
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    return np.flatnonzero(counts)
