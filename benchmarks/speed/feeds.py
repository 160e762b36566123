"""Patches at the working resolution, three ways: our reader, OpenSlide, and dask over tifffile."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import cv2
import dask.array as da
import numpy as np
import openslide
import tifffile
import zarr
from numpy.typing import NDArray

from napari_glioma_density.density import Lattice, partition
from napari_glioma_density.estimate import NearestFirst
from napari_glioma_density.estimate.measurement import block_window
from napari_glioma_density.slides import Slide, WorkingPlane, working_plane
from napari_glioma_density.slides.resolution import Resolution
from napari_glioma_density.slides.source import Level

from .pairs import Stopwatch
from .runs import Window
from .samples import Sample

THREADS = min(4, os.cpu_count() or 1)
"""Of every feed."""

Read = Callable[[Window], NDArray[np.uint8]]


class Feeds:
    """Feeds of the same patches; each measures itself and returns seconds a patch.

    Parameters
    ----------
    sample
        The slide.
    um_per_px
        Resolution that the patches have.
    windows
        The patches.
    """

    def __init__(self, sample: Sample, um_per_px: float, windows: Sequence[Window]) -> None:
        self._sample = sample
        self._um_per_px = um_per_px
        self._windows = windows
        with sample.open() as slide:
            self._plane = working_plane(slide, um_per_px)

    @property
    def sides(self) -> dict[str, Callable[[], float]]:
        """The feeds by name."""
        return {"feed": self.ours, "OpenSlide": self.openslide, "dask": self.dask}

    def ours(self) -> float:
        """Every tile decoded once, whichever patches it touches."""
        with self._sample.open() as slide:
            plane = working_plane(slide, self._um_per_px)
            return self._timed(lambda window: plane.read(*window).rgb)

    def openslide(self) -> float:
        """`read_region` of one handle, which has a cache of its own."""
        down = self._plane.slide.levels[self._plane.level].downsample
        with closing(openslide.OpenSlide(self._sample.path)) as slide:
            level = _openslide_level(slide, down)

            def read(window: Window) -> NDArray[np.uint8]:
                y, x, height, width = in_level(self._plane, window)
                at = round(x * down), round(y * down)
                region = np.asarray(slide.read_region(at, level, (width, height)))[..., :3]
                return _reduced(region, window)

            return self._timed(read)

    def dask(self) -> float:
        """One lazy array over tifffile's zarr store, a compute for each patch."""
        with tifffile.TiffFile(self._sample.path) as tif:
            return self._timed(dask_reader(tif, self._plane))

    def _timed(self, read: Read) -> float:
        watch = Stopwatch()
        with watch.running(), ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(read, self._windows):
                pass
        return watch.seconds / len(self._windows)


def dask_reader(tif: tifffile.TiffFile, plane: WorkingPlane) -> Read:
    """A reader of patches by `dask.array.from_zarr` over a slide that tifffile opened."""
    store = tif.series[0].aszarr(level=plane.level)
    level = da.from_zarr(zarr.open_array(store, mode="r"))

    def read(window: Window) -> NDArray[np.uint8]:
        y, x, height, width = in_level(plane, window)
        return _reduced(level[y : y + height, x : x + width].compute(scheduler="sync"), window)

    return read


def in_level(plane: WorkingPlane, window: Window) -> Window:
    """A window of the working plane in px of the level it is read from."""
    y, x, height, width = (value * plane.sixteenths // 16 for value in window)
    return y, x, height, width


def _reduced(region: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    height, width = window[2:]
    if region.shape[:2] == (height, width):
        return np.ascontiguousarray(region)
    return np.asarray(cv2.resize(region, (width, height), interpolation=cv2.INTER_AREA))


def _openslide_level(slide: openslide.OpenSlide, downsample: float) -> int:
    distances = [abs(each - downsample) for each in slide.level_downsamples]
    return int(np.argmin(distances))


class BlankSlide:
    """Tiles of a large slide that cost nothing to decode, each noted when it is.

    40 000 × 30 000 px at 0.25 µm/px in tiles of 256 px.
    """

    format = reader = "blank"
    levels = (Level(40_000, 30_000, 1.0),)
    resolution = Resolution(0.25, "made up")
    objective = None
    bounds_offset = (0, 0)

    def __init__(self) -> None:
        self.decoded: Counter[tuple[int, int]] = Counter()
        self._tile = np.full((*self.tile_shape(0), 3), 255, np.uint8)

    def tile_shape(self, level: int) -> tuple[int, int]:
        """(height, width) in px."""
        del level
        return 256, 256

    def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:
        """A white tile."""
        del level
        self.decoded[row, column] += 1
        return self._tile

    def close(self) -> None:
        """There is nothing to close."""


def decoded_per_needed(halo_px: int, block_patches: int, folder: Path) -> float:
    """How often a tile is decoded when a large slide is read in the order of the job.

    Needed is every tile once, what of them sticks out of the slide's blocks included.
    """
    source, named = BlankSlide(), folder / "blank"
    named.touch()
    plane = working_plane(Slide(named, source), 0.5)
    lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
    queue = NearestFirst(partition(lattice, block_patches), None)
    while queue:
        plane.read(*block_window(queue.take(), lattice, halo_px))
    return source.decoded.total() / len(source.decoded)
