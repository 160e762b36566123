"""A run with a person's corrections in place of what the model found."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import (
    PATCH_PX,
    Block,
    CorrectedPatches,
    PatchTable,
    patch_numbers,
)
from napari_glioma_density.results.masks import DOWNSAMPLES, MaskLevel, coarsen
from napari_glioma_density.results.nuclei import as_records, in_slide_order


def correct_patches(
    patches: PatchTable, fields: Iterable[FieldValues], reader: str = "first"
) -> CorrectedPatches:
    """Put what fields measure in place of what the model found.

    Only patches that the run has read are replaced: a field over a patch that the run has not
    reached yet waits for it. A patch of which the run has read more than the person saw is not
    replaced either. Fields share no patch.

    Parameters
    ----------
    patches
        The run's; not changed.
    fields
        Those that count, on the run's working plane.
    reader
        Whose they are.
    """
    is_read, corrected = patches.is_read, np.zeros(patches.state.shape, bool)
    nucleus, tissue, count = (
        values.copy() for values in (patches.nucleus_px, patches.tissue_px, patches.count)
    )
    used: list[Block] = []
    for field in fields:
        place = field.block.patches
        read = is_read[place] & field.saw_all(patches.read_px[place])
        nucleus[place][read] = field.nucleus_px[read]
        tissue[place][read] = field.tissue_px[read]
        count[place][read] = field.count[read]
        corrected[place] |= read
        if read.any():
            used.append(field.block)
    table = PatchTable(
        patches.lattice, patches.state, nucleus, patches.read_px, tissue, patches.unread_px, count
    )
    return CorrectedPatches(table, corrected, patches, tuple(used), reader)


def correct_nuclei(
    nuclei: NDArray[np.void], corrected: NDArray[np.bool_], fields: Iterable[NDArray[np.void]]
) -> NDArray[np.void]:
    """Put the counted nuclei of fields in place of the model's, patch by patch.

    Parameters
    ----------
    nuclei
        The run's, in its order: by patch and position, as `NUCLEUS_DTYPE`.
    corrected
        Which patches are corrected: bool, (lattice rows, lattice columns).
    fields
        Nuclei of every field that counts, as `NUCLEUS_DTYPE`.

    Returns
    -------
    ndarray
        All nuclei in the run's order; `origin` tells the model's from others.
    """
    columns, flat = corrected.shape[1], corrected.ravel()
    numbers = patch_numbers(nuclei, columns)
    kept = ~flat[numbers]
    new = [as_records(field) for field in fields]
    if not new:
        return nuclei[kept]
    added = in_slide_order(np.concatenate(new))
    added = added[flat[patch_numbers(added, columns)]]
    places = np.searchsorted(numbers[kept], patch_numbers(added, columns), side="right")
    return np.insert(nuclei[kept], places, added)


class FieldMask(NamedTuple):
    """Where a field has nucleus."""

    block: Block
    nucleus: NDArray[np.bool_]
    """(height, width) working px."""


class CorrectedMask:
    """One level of a run's mask with fields pasted over it; reading it never changes the run.

    Parameters
    ----------
    mask
        The run's mask at this level.
    level
        0 for the working plane, 1 for 1/4 of it, 2 for 1/16, made by the rule of the run's own.
    corrected
        Patches that are corrected: only these are pasted.
    fields
        Those that count.
    """

    def __init__(
        self,
        mask: MaskLevel,
        level: int,
        corrected: NDArray[np.bool_],
        fields: Iterable[FieldMask],
    ) -> None:
        self._mask = mask
        self.shape: tuple[int, ...] = mask.shape
        side = PATCH_PX // DOWNSAMPLES[level]
        self._tiles = [
            (row * side, column * side, _at_level(nucleus, level))
            for field in fields
            for row, column, nucleus in _patches_of(field, corrected)
        ]

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Read a window (two slices without a step): a new array."""
        (top, bottom), (left, right) = (
            part.indices(length)[:2] for part, length in zip(window, self.shape, strict=True)
        )
        pixels = np.array(self._mask[top:bottom, left:right], np.uint8)
        for y, x, tile in self._tiles:
            _paste(pixels, tile, y - top, x - left)
        return pixels


def _patches_of(
    field: FieldMask, corrected: NDArray[np.bool_]
) -> Iterable[tuple[int, int, NDArray[np.uint8]]]:
    """Row, column and pixels of those patches of a field that are corrected."""
    for row, column in np.argwhere(corrected[field.block.patches]).tolist():
        y, x = row * PATCH_PX, column * PATCH_PX
        pixels = field.nucleus[y : y + PATCH_PX, x : x + PATCH_PX]
        yield field.block.row + row, field.block.column + column, pixels.astype(np.uint8)


def _at_level(nucleus: NDArray[np.uint8], level: int) -> NDArray[np.uint8]:
    # Patches begin on whole px of every level, so each can be made coarse on its own.
    return (nucleus, *coarsen(nucleus))[level]


def _paste(pixels: NDArray[np.uint8], tile: NDArray[np.uint8], y: int, x: int) -> None:
    """Write a tile at (y, x) of a window, as far as it reaches into it."""
    height, width = (
        min(offset + length, limit)
        for offset, length, limit in zip((y, x), tile.shape, pixels.shape, strict=True)
    )
    top, left = max(y, 0), max(x, 0)
    if height > top and width > left:
        pixels[top:height, left:width] = tile[top - y : height - y, left - x : width - x]
