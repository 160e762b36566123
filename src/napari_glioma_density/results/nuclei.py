"""The record of one nucleus, and the table of all that others read."""

from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_glioma_density.density import Block, Lattice, patches_of
from napari_glioma_density.durable import sync_tree

NUCLEUS_DTYPE = np.dtype([("y_px", "<f4"), ("x_px", "<f4"), ("area_px", "<u4"), ("origin", "u1")])
"""Centre and area in working px of the slide; `origin` tells the model's nuclei (0) from others."""

_ORIGINS = 4
"""How many there are; see ``annotation.field.Origin``."""
_TABLE_CHUNK = 65536


def as_records(nuclei: NDArray[np.void]) -> NDArray[np.void]:
    """Return nuclei, (n,) records, as `NUCLEUS_DTYPE`, matching fields by name."""
    records = np.empty(len(nuclei), NUCLEUS_DTYPE)
    for field in NUCLEUS_DTYPE.names or ():
        records[field] = nuclei[field]
    return records


def are_sound(lattice: Lattice, nuclei: NDArray[np.void]) -> bool:
    """Whether all centres are places on the slide, and all origins known."""
    y, x = nuclei["y_px"], nuclei["x_px"]
    inside = (y >= 0) & (y < lattice.height_px) & (x >= 0) & (x < lattice.width_px)
    known = nuclei["origin"] < _ORIGINS
    return bool((inside & known).all())  # of what is no number as well: it is neither


def within(nuclei: NDArray[np.void], block: Block | None) -> NDArray[np.void]:
    """Return those nuclei, (n,) `NUCLEUS_DTYPE`, that the patches of a block count; all if None.

    Of millions that is quicker than sorting.
    """
    if block is None:
        return nuclei
    row, column = patches_of(nuclei)
    in_rows = (row >= block.row) & (row < block.row + block.rows)
    in_columns = (column >= block.column) & (column < block.column + block.columns)
    return nuclei[in_rows & in_columns]


def in_slide_order(nuclei: NDArray[np.void]) -> NDArray[np.void]:
    """Sort nuclei by patch row, patch column, then y, x: the same whatever the order of blocks."""
    place = _patch_and_y(nuclei)
    order = np.argsort(place)
    # One key sorts millions several times faster than six; few nuclei of a patch share its y.
    place = place[order]
    same = np.flatnonzero(place[1:] == place[:-1])
    shared = np.union1d(same, same + 1)
    tied = nuclei[order[shared]]
    keys = tied["origin"], tied["area_px"], tied["x_px"], place[shared]
    order[shared] = order[shared][np.lexsort(keys)]
    return nuclei[order]


def _patch_and_y(nuclei: NDArray[np.void]) -> NDArray[np.uint64]:
    """Row and column of the patch, and y, in one number that sorts as the three do."""
    y = np.ascontiguousarray(nuclei["y_px"])
    row, column = (part.astype(np.uint64) for part in patches_of(nuclei))
    # The bits of a number that is not negative sort as the number does.
    place = (row << np.uint64(48)) | (column << np.uint64(32)) | y.view(np.uint32)
    return np.asarray(place, np.uint64)


def write_nucleus_table(folder: Path, nuclei: NDArray[np.void]) -> None:
    """Write one zarr array a field into the group `folder`, replacing what is there."""
    table = zarr.create_group(str(folder), overwrite=True)
    for field in NUCLEUS_DTYPE.names or ():
        table.create_array(field, data=np.ascontiguousarray(nuclei[field]), chunks=(_TABLE_CHUNK,))
    sync_tree(folder)
