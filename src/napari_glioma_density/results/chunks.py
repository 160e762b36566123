"""Chunks of a mask level, written file by file as zarr would write them.

Through zarr's own event loop each chunk costs a millisecond of Python, and a GPU would have to wait
for it. Reading is left to zarr.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.codecs import BytesCodec, ZstdCodec

from napari_glioma_density.density import PATCH_PX
from napari_glioma_density.durable import place, sync_folder
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.failures import COMPUTE_ANEW, damage_named

Window = tuple[slice, slice]
ZSTD_LEVEL: Final = 0
CHUNK_PX: Final = PATCH_PX


def create_level(group: zarr.Group, folder: Path, name: str, shape: tuple[int, int]) -> None:
    """Create an empty level in the folder of a group, its chunks :data:`CHUNK_PX` px a side."""
    array = group.create_array(
        name,
        shape=shape,
        chunks=(CHUNK_PX, CHUNK_PX),
        dtype="uint8",
        compressors=ZstdCodec(level=ZSTD_LEVEL),
        fill_value=0,
    )
    # There before the first chunk: then whoever writes one need not see to the folder's name.
    chunk_path(folder / name, array, 0, 0).parent.parent.mkdir()


class ChunkFiles:
    """The chunks of one level, to be written; any threads may write different chunks at once.

    Parameters
    ----------
    folder
        Of the zarr array.
    array
        The same, opened: tells whether it is as :func:`create_level` makes it.

    Raises
    ------
    StoreError
        When it is not.
    """

    def __init__(self, folder: Path, array: zarr.Array) -> None:
        plain = [type(codec) for codec in array.metadata.codecs] == [BytesCodec, ZstdCodec]
        if not plain or array.chunks != (CHUNK_PX, CHUNK_PX) or array.dtype != np.uint8:
            raise StoreError(
                f"{folder}: its chunks are not as this program writes them: {COMPUTE_ANEW}"
            )
        self._folder, self._array = folder, array
        self._shape = array.shape

    def path(self, row: int, column: int) -> Path:
        """Where a chunk lies, if it holds anything."""
        return chunk_path(self._folder, self._array, row, column)

    def write(self, window: Window, mask: NDArray[np.uint8]) -> None:
        """Put ``mask`` at ``window``; on disk when this returns.

        Readers see each chunk as it was before or as it is now.

        Parameters
        ----------
        window
            Px of the level; what its chunks hold besides stays.
        mask
            (height, width) 0/1.
        """
        folders: set[Path] = set()
        for at in chunks_of(window):
            if self._write_chunk(at, window, mask):
                folders.add(self.path(*at).parent)
        # The names of new or removed chunks; their folders may be new themselves.
        for folder in folders | {folder.parent for folder in folders}:
            sync_folder(folder)

    def remove(self, window: Window) -> None:
        """Take the chunks of a window away: all background."""
        for at in chunks_of(window):
            self.path(*at).unlink(missing_ok=True)

    def _write_chunk(self, at: tuple[int, int], window: Window, mask: NDArray[np.uint8]) -> bool:
        """Write one chunk; False where there was nothing and is nothing to write."""
        here, there = self._shared(at, window)
        path = self.path(*at)
        whole = mask[there].shape == self._chunk_shape(at)
        chunk = _background() if whole else self._read_chunk(at)
        chunk[here] = mask[there]
        if chunk.any():
            path.parent.mkdir(parents=True, exist_ok=True)
            encoded = imagecodecs.zstd_encode(chunk.tobytes(), level=ZSTD_LEVEL)
            place(path, bytes(encoded))
        elif path.exists():
            path.unlink()
        else:
            return False
        return True

    def _read_chunk(self, at: tuple[int, int]) -> NDArray[np.uint8]:
        path = self.path(*at)
        try:
            encoded = path.read_bytes()
        except FileNotFoundError:
            return _background()
        with damage_named(path, "is damaged"):
            data = imagecodecs.zstd_decode(encoded)
            return np.frombuffer(data, np.uint8).reshape(CHUNK_PX, CHUNK_PX).copy()

    def _shared(self, at: tuple[int, int], window: Window) -> tuple[Window, Window]:
        """Px that a chunk and a window share, as the chunk and as the window count them."""
        parts = [
            (max(part.start, index * CHUNK_PX), min(part.stop, (index + 1) * CHUNK_PX))
            for part, index in zip(window, at, strict=True)
        ]
        here, there = (
            tuple(slice(a - o, b - o) for (a, b), o in zip(parts, origin, strict=True))
            for origin in ([index * CHUNK_PX for index in at], [part.start for part in window])
        )
        return here, there  # type: ignore[return-value]

    def _chunk_shape(self, at: tuple[int, int]) -> tuple[int, ...]:
        """Px of a chunk that lie on the level."""
        return tuple(
            min(CHUNK_PX, length - index * CHUNK_PX)
            for index, length in zip(at, self._shape, strict=True)
        )


def chunk_path(folder: Path, array: zarr.Array, row: int, column: int) -> Path:
    """Where a chunk of the array in a folder lies, if it holds anything."""
    key: str = array.metadata.encode_chunk_key((row, column))
    return folder / key


def chunks_of(window: Window) -> Iterator[tuple[int, int]]:
    """Rows and columns of the chunks that a window touches."""
    down, across = (range(part.start // CHUNK_PX, -(-part.stop // CHUNK_PX)) for part in window)
    return product(down, across)


def window_of_chunk(at: tuple[int, int], shape: tuple[int, ...]) -> Window:
    """Return the px of a level that a chunk holds, cropped at the level's edge."""
    down, across = (
        slice(index * CHUNK_PX, min((index + 1) * CHUNK_PX, length))
        for index, length in zip(at, shape, strict=True)
    )
    return down, across


def _background() -> NDArray[np.uint8]:
    return np.zeros((CHUNK_PX, CHUNK_PX), np.uint8)
