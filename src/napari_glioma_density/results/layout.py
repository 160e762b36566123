"""Where things lie in the folder of a run, and how an empty one is made."""

import platform
import zlib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_glioma_density.durable import sync_tree
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.attributes import now, write_attributes
from napari_glioma_density.results.failures import COMPUTE_ANEW
from napari_glioma_density.results.masks import create_masks
from napari_glioma_density.results.spec import RunSpec
from napari_glioma_density.slides import TISSUE_PX

MASKS = "nuclei"
TISSUE = "tissue"
TABLE = "table"
JOURNAL = "journal.jsonl"
NUCLEI = "nuclei.bin"
UNCLOSED = "unclosed"
"""There while a writer is at work; left behind by one that was killed."""


def create_run(folder: Path, spec: RunSpec, tissue: NDArray[np.uint8]) -> None:
    """Fill a new folder with an empty run; on disk when this returns."""
    demand_tissue_of_plane(tissue, spec)
    folder.mkdir(parents=True)
    create_masks(folder / MASKS, spec.lattice)
    zarr.create_array(str(folder / TISSUE), data=tissue, chunks=(1024, 1024))
    for name in (JOURNAL, NUCLEI):
        (folder / name).touch()
    write_attributes(
        folder,
        {
            "spec": spec.to_json(),
            "created": now(),
            "versions": _versions(),
            "finished": False,
            "tissue_crc32": _checksum(tissue),
        },
    )
    sync_tree(folder)


def _versions() -> dict[str, str]:
    packages = ("napari-glioma-density", "numpy", "zarr")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def demand_tissue_of_plane(tissue: NDArray[np.uint8], spec: RunSpec) -> None:
    """Raise ValueError where a tissue map has not the size of the plane."""
    expected = tuple(-(-length // TISSUE_PX) for length in (spec.height_px, spec.width_px))
    if tissue.shape != expected:
        raise ValueError(f"tissue map has shape {tissue.shape}, the plane asks for {expected}")


def demand_tissue_as_written(
    folder: Path, tissue: NDArray[np.uint8], attributes: Mapping[str, Any]
) -> None:
    """Raise StoreError where a tissue map is not the one that the run began with.

    zarr reads a missing chunk as 0, which means glass: the run would be finished without the tissue
    that lay there.
    """
    written = attributes.get("tissue_crc32")  # runs of earlier versions do not say
    if written is not None and written != _checksum(tissue):
        raise StoreError(f"{folder / TISSUE}: the tissue map is damaged: {COMPUTE_ANEW}")


def _checksum(tissue: NDArray[np.uint8]) -> int:
    return zlib.crc32(np.ascontiguousarray(tissue).data)
