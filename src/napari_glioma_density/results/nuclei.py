"""The record of one nucleus, and the table of all that others read."""

from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.results.durable import sync_tree

NUCLEUS_DTYPE = np.dtype([("y_px", "<f4"), ("x_px", "<f4"), ("area_px", "<u4"), ("origin", "u1")])
"""Centre and area in working px of the slide; `origin` tells the model's nuclei (0) from others."""

_TABLE_CHUNK = 65536


def as_records(nuclei: NDArray[np.void]) -> NDArray[np.void]:
    """Return nuclei as `NUCLEUS_DTYPE`, matching fields by name."""
    records = np.empty(len(nuclei), NUCLEUS_DTYPE)
    for field in NUCLEUS_DTYPE.names or ():
        records[field] = nuclei[field]
    return records


def in_slide_order(nuclei: NDArray[np.void]) -> NDArray[np.void]:
    """Sort nuclei by patch row, patch column, then y, x: the same whatever the order of blocks."""
    y, x = nuclei["y_px"], nuclei["x_px"]
    order = np.lexsort((nuclei["origin"], nuclei["area_px"], x, y, x // PATCH_PX, y // PATCH_PX))
    return nuclei[order]


def write_nucleus_table(folder: Path, nuclei: NDArray[np.void]) -> None:
    """Write one zarr array a field into the group `folder`, replacing what is there."""
    table = zarr.create_group(str(folder), overwrite=True)
    for field in NUCLEUS_DTYPE.names or ():
        table.create_array(field, data=np.ascontiguousarray(nuclei[field]), chunks=(_TABLE_CHUNK,))
    sync_tree(folder)
