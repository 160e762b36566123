"""The chunks of a mask level are those that zarr would write."""

from pathlib import Path

import numpy as np
import pytest
import zarr
from numcodecs.zstd import Zstd

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.chunks import CHUNK_PX, ChunkFiles, create_level

SHAPE = (1100, 1500)
"""Two whole chunks and a part each way."""


def level(folder: Path) -> zarr.Array:
    create_level(zarr.create_group(str(folder)), folder, "0", SHAPE)
    return zarr.open_array(str(folder / "0"), mode="r+")


def spots(seed: int, height: int, width: int) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width)) > 0.9).astype(np.uint8)


def stored(folder: Path) -> dict[str, bytes]:
    """What every chunk file holds; its compressed bytes hang on the version of zstd."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".json")
    return {str(p.relative_to(folder)): Zstd().decode(p.read_bytes()) for p in files}


def test_files_hold_what_those_of_zarr_hold(tmp_path: Path) -> None:
    ours, zarrs = level(tmp_path / "ours"), level(tmp_path / "zarr")
    files = ChunkFiles(tmp_path / "ours" / "0", ours)
    windows = (
        np.s_[0:960, 0:960],  # whole chunks
        np.s_[960:1100, 960:1500],  # those that the edge cuts short
        np.s_[100:500, 300:1300],  # parts of many, over what is there
        np.s_[10:20, 10:20],
    )
    for seed, window in enumerate(windows):
        mask = spots(seed, *(part.stop - part.start for part in window))
        files.write(window, mask)
        zarrs[window] = mask
        assert np.array_equal(ours[:], zarrs[:])
    assert stored(tmp_path / "ours") == stored(tmp_path / "zarr")


def test_a_chunk_that_holds_nothing_has_no_file(tmp_path: Path) -> None:
    array = level(tmp_path)
    files = ChunkFiles(tmp_path / "0", array)
    window = np.s_[0:CHUNK_PX, 0:CHUNK_PX]
    files.write(window, spots(0, CHUNK_PX, CHUNK_PX))
    assert files.path(0, 0).exists()
    files.write(window, np.zeros((CHUNK_PX, CHUNK_PX), np.uint8))
    assert not files.path(0, 0).exists()
    assert not array[:].any()


def test_a_level_made_otherwise_is_not_written(tmp_path: Path) -> None:
    array = zarr.create_array(str(tmp_path), shape=SHAPE, chunks=(64, 64), dtype="uint8")
    with pytest.raises(StoreError, match=r"chunks are not as.*--restart"):
        ChunkFiles(tmp_path, array)
