"""The nucleus mask of a run as a pyramid of zarr arrays; one chunk of level 0 is one patch."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Protocol

import numpy as np
import zarr
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Lattice
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.chunks import (
    ChunkFiles,
    Window,
    chunk_path,
    chunks_of,
    create_level,
    window_of_chunk,
)
from napari_glioma_density.results.failures import COMPUTE_ANEW, damage_named, explained

DOWNSAMPLES = (1, 4, 16)
_REGION_PX = PATCH_PX * DOWNSAMPLES[-1]

Holds = Callable[[int, int], bool]
"""Tells of a chunk, by row and column, whether it must be there."""


class MaskLevel(Protocol):
    """A 0/1 mask, (height, width) uint8, read by windows: a zarr array, for one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width."""

    def __getitem__(self, window: Window) -> NDArray[np.uint8]:
        """Read a window."""


def mask_shapes(lattice: Lattice) -> tuple[tuple[int, int], ...]:
    """Height and width of the mask's levels, finest first."""
    return tuple(
        (-(-lattice.height_px // downsample), -(-lattice.width_px // downsample))
        for downsample in DOWNSAMPLES
    )


def create_masks(folder: Path, lattice: Lattice) -> None:
    """Create the empty levels in `folder`, named 0, 1 and 2."""
    group = zarr.create_group(str(folder), attributes={"downsamples": list(DOWNSAMPLES)})
    for level, shape in enumerate(mask_shapes(lattice)):
        create_level(group, folder, str(level), shape)


class StoredLevel:
    """A level on disk, read by zarr.

    Parameters
    ----------
    array
        The same, opened.
    folder
        Where it lies.
    holds
        Which chunks hold nucleus: zarr takes one that is gone for background.
    """

    def __init__(self, array: zarr.Array, folder: Path, holds: Holds | None = None) -> None:
        self._array, self._folder, self._holds = array, folder, holds
        self.shape: tuple[int, ...] = array.shape

    def __getitem__(self, window: Window) -> NDArray[np.uint8]:
        """Read a window; StoreError when the disk refuses or a chunk of it is damaged or gone."""
        with explained(self._folder), damage_named(self._folder):
            pixels = np.asarray(self._array[window])
        if self._holds is not None:
            self._demand_chunks(window, self._holds)
        return pixels

    def _demand_chunks(self, window: Window, holds: Holds) -> None:
        within = [slice(*part.indices(n)) for part, n in zip(window, self.shape, strict=True)]
        for at in chunks_of((within[0], within[1])):
            path = chunk_path(self._folder, self._array, *at)
            if holds(*at) and not path.is_file():
                raise StoreError(f"{path}: is gone: {COMPUTE_ANEW}")


class ShownLevel(StoredLevel):
    """A coarse level on disk: what is gone of it is made again, from level 0.

    Hotspots of a given area are searched for on it, so a chunk that is gone must not pass for
    background either.

    Parameters
    ----------
    array, folder
        As of `StoredLevel`.
    made_again
        Returns what a window of whole chunks shows.
    """

    def __init__(
        self, array: zarr.Array, folder: Path, made_again: Callable[[Window], NDArray[np.uint8]]
    ) -> None:
        super().__init__(array, folder)
        self._made_again = made_again

    def __getitem__(self, window: Window) -> NDArray[np.uint8]:
        """Read a window; StoreError when the disk refuses or a chunk of it is damaged."""
        pixels = super().__getitem__(window)
        parts = (*np.index_exp[window], slice(None))  # rows alone ask for all columns
        down, across = (slice(*part.indices(n)) for part, n in zip(parts, self.shape, strict=False))
        for at in chunks_of((down, across)):
            if not chunk_path(self._folder, self._array, *at).is_file():
                self._fill(pixels, (down, across), at)
        return pixels

    def _fill(self, pixels: NDArray[np.uint8], asked: Window, at: tuple[int, int]) -> None:
        chunk = window_of_chunk(at, self.shape)
        shared = [
            (max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(chunk, asked, strict=True)
        ]
        there, here = (
            tuple(slice(a - o.start, b - o.start) for (a, b), o in zip(shared, of, strict=True))
            for of in (asked, chunk)
        )
        pixels[there] = self._made_again(chunk)[here]


class MaskPyramid:
    """The mask at 1, 1/4 and 1/16 of the working plane, uint8, 1 where there is nucleus.

    Level 0 is the measurement; the others only show it. At 1/4 a nucleus is still three or four px
    across, and a px is set by the majority, which keeps areas. At 1/16 a nucleus is no larger than
    a px and a majority would wipe out sparse nuclei, so a px is set if any px of the level before
    is.

    Parameters
    ----------
    folder
        Where the levels lie.
    writable
        Whether they are written to.
    holds
        Which patches hold nucleus, where that is known.
    """

    def __init__(self, folder: Path, *, writable: bool, holds: Holds | None = None) -> None:
        mode = "r+" if writable else "r"
        folders = [folder / str(level) for level in range(len(DOWNSAMPLES))]
        arrays = [zarr.open_array(str(folder), mode=mode) for folder in folders]
        measured, *shown = zip(arrays, folders, strict=True)
        self._holds = holds
        self.levels = (
            StoredLevel(*measured, holds),
            *(
                ShownLevel(*files, partial(self._made_again, level))
                for level, files in enumerate(shown, start=1)
            ),
        )
        self._files = tuple(map(ChunkFiles, folders, arrays)) if writable else ()

    def write(self, window: Window, mask: NDArray[np.uint8]) -> None:
        """Write whole chunks of level 0; on disk when this returns.

        Any number of threads may, each a window of its own.
        """
        self._files[0].write(window, mask)

    def write_coarse(self, window: Window, coarse: tuple[NDArray[np.uint8], ...]) -> None:
        """Write what the coarse levels show of a window of level 0; on disk when this returns.

        One thread at a time: neighbouring windows share chunks.
        """
        for level, shown in enumerate(coarse, start=1):
            shrunk = _shrink(window, DOWNSAMPLES[level])
            self._files[level].write(shrunk, shown)

    def repair(self, finished: NDArray[np.bool_]) -> None:
        """Take away what a crash left of unfinished patches, and rebuild the coarse levels."""
        for row, column in np.argwhere(~finished).tolist():
            self._files[0].path(row, column).unlink(missing_ok=True)
        for window in self._regions():
            if finished[_shrink(window, PATCH_PX)].any():
                self.write_coarse(window, coarsen(self.levels[0][window]))
            else:
                for level in range(1, len(DOWNSAMPLES)):
                    self._files[level].remove(_shrink(window, DOWNSAMPLES[level]))

    def _made_again(self, level: int, window: Window) -> NDArray[np.uint8]:
        """Return what a window of whole chunks of a coarse level shows, by the patches below."""
        size = tuple(part.stop - part.start for part in window)
        shown, patches_px = np.zeros(size, np.uint8), PATCH_PX // DOWNSAMPLES[level]
        if self._holds is None:
            return shown
        for row, column in chunks_of(self._below(level, window)):
            if self._holds(row, column):
                patch = window_of_chunk((row, column), self.levels[0].shape)
                coarse = coarsen(self.levels[0][patch])[level - 1]
                y = row * patches_px - window[0].start
                x = column * patches_px - window[1].start
                shown[y : y + coarse.shape[0], x : x + coarse.shape[1]] = coarse
        return shown

    def _below(self, level: int, window: Window) -> Window:
        down, across = (
            slice(part.start * DOWNSAMPLES[level], min(part.stop * DOWNSAMPLES[level], length))
            for part, length in zip(window, self.levels[0].shape, strict=True)
        )
        return down, across

    def _regions(self) -> Iterator[Window]:
        height, width = self.levels[0].shape
        for top, left in product(range(0, height, _REGION_PX), range(0, width, _REGION_PX)):
            bottom, right = min(top + _REGION_PX, height), min(left + _REGION_PX, width)
            yield slice(top, bottom), slice(left, right)


def _shrink(window: Window, downsample: int) -> Window:
    down, across = window
    return (
        slice(down.start // downsample, -(-down.stop // downsample)),
        slice(across.start // downsample, -(-across.stop // downsample)),
    )


def coarsen(mask: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a 0/1 mask (height, width) of whole patches, clipped at the edge, at 1/4 and 1/16."""
    majority = (_sum_4x4(mask) >= 8).astype(np.uint8)
    return majority, (_sum_4x4(majority) > 0).astype(np.uint8)


def _sum_4x4(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = mask.shape
    whole = np.pad(mask, ((0, -height % 4), (0, -width % 4)))
    by_row = whole.reshape(-1, 4, whole.shape[1]).sum(axis=1, dtype=np.uint8)
    sums: NDArray[np.uint8] = by_row.reshape(len(by_row), -1, 4).sum(axis=2, dtype=np.uint8)
    return sums
