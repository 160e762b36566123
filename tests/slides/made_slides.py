"""What the tests of slides share: a counted source, and ways to damage a TIFF."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.slides import Level, Resolution

TiffWriter = Callable[..., Path]


class CountingSource:
    """Tiles whose colour tells where they are, and how often each was decoded."""

    format, reader, objective = "counted", "none", None
    bounds_offset = (0, 0)
    resolution = Resolution(0.25, "made")

    def __init__(self, width: int = 2000, height: int = 1500, *downsamples: int) -> None:
        self.levels = tuple(Level(width // by, height // by, float(by)) for by in (1, *downsamples))
        self.decoded: Counter[tuple[int, int, int]] = Counter()
        self._lock = threading.Lock()

    def tile_shape(self, level: int) -> tuple[int, int]:
        return 256, 256

    def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        with self._lock:
            self.decoded[level, row, column] += 1
        tile = np.empty((256, 256, 3), dtype=np.uint8)
        tile[:] = (level, row % 256, column % 256)
        return tile

    def close(self) -> None:
        self.decoded.clear()


def tile_ranges(path: Path, page: int = 0) -> list[tuple[int, int]]:
    """Return (offset, byte count) of every tile of a page."""
    with tifffile.TiffFile(path) as tif:
        keyframe = tif.pages[page]
        return list(zip(keyframe.dataoffsets, keyframe.databytecounts, strict=True))


def empty_tiles(path: Path, *indices: int, page: int = 0) -> None:
    """Set the byte count of some tiles of a page to zero."""
    with tifffile.TiffFile(path, mode="r+") as tif:
        tag = tif.pages[page].tags["TileByteCounts"]
        counts = list(tag.value)
        for index in indices:
            counts[index] = 0
        tag.overwrite(counts)


def overwrite_tile(path: Path, index: int, start: float = 0.0, byte: int = 0x55) -> None:
    """Overwrite a tile of the first page from a fraction of its length onwards."""
    offset, count = tile_ranges(path)[index]
    skip = int(count * start)
    with path.open("r+b") as file:
        file.seek(offset + skip)
        file.write(bytes([byte]) * (count - skip))
