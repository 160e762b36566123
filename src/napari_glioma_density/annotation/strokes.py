"""Reading the strokes of napari's paint events.

A paint event of napari's Labels layer carries the atoms of a stroke, oldest first. An atom is
``(window, mask or None, old values under the mask, new value)``, from brush, fill and polygon,
or ``(indices, old values, new values)``, from ``data_setitem``. A polygon's event comes before
its pixels change, a brush's after.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from napari_glioma_density.annotation.pixels import PixelChange, flat_places, in_a_row

_MASKED_ATOM_PARTS = 4

Atom: TypeAlias = tuple[Any, ...]


def stroke_change(atoms: Sequence[Atom], shape: tuple[int, int]) -> PixelChange:
    """Return what a stroke of at least one atom changes in labels of that shape."""
    return in_a_row([_change_of(atom, shape) for atom in atoms])


def _change_of(atom: Atom, shape: tuple[int, int]) -> PixelChange:
    if len(atom) == _MASKED_ATOM_PARTS:
        window, mask, old, new = atom
        down, across = (
            slice(*part.indices(length)[:2]) for part, length in zip(window, shape, strict=True)
        )
        if mask is None:
            mask = np.ones((down.stop - down.start, across.stop - across.start), bool)
        at = flat_places((down, across), mask, shape[1])
    else:
        (y, x), old, new = atom
        at = np.asarray(y, np.int64) * shape[1] + np.asarray(x, np.int64)
    values = (np.broadcast_to(np.ravel(one).astype(np.uint16), at.shape) for one in (old, new))
    return PixelChange(at, *values)
