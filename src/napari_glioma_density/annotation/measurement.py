"""What a field measures, by the rules that estimates obey."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.boxes import HIGHEST_ID
from napari_glioma_density.annotation.field import FieldGround, FieldValues, Nucleus
from napari_glioma_density.annotation.pixels import PixelChange
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.results import NUCLEUS_DTYPE


class FieldMeasure:
    """The sums behind a field's numbers, kept up edit by edit.

    As in an estimate, pixels count where they were read, all nucleus is tissue, and a nucleus
    belongs to the patch that holds its centre, where that was read.

    Parameters
    ----------
    labels
        (height, width) uint16 ids, 0 background, contiguous. It is kept, not copied.
    ground
        What lies under the field.
    block
        Its patches.
    """

    def __init__(self, labels: NDArray[np.uint16], ground: FieldGround, block: Block) -> None:
        self._labels, self._ground, self._block = labels, ground, block
        # For every id: its px and the sums of their rows and columns. All whole numbers, so nothing
        # drifts however long one edits.
        self._sums = np.zeros((3, HIGHEST_ID + 1), np.int64)
        at = np.flatnonzero(labels)
        self._add(at, labels.reshape(-1)[at], 1)
        self._nucleus_px, self._tissue_px, self._read_px = np.zeros(
            (3, block.rows, block.columns), np.int64
        )
        for patch in np.ndindex(block.rows, block.columns):
            self._measure_patch(patch)

    def follow(self, change: PixelChange) -> None:
        """Take note of a change of the labels, already made."""
        self._add(change.at, change.old, -1)
        self._add(change.at, change.new, 1)
        if not change.at.size:
            return
        down, across = change.window(self._labels.shape)
        for row in range(down.start // PATCH_PX, (down.stop - 1) // PATCH_PX + 1):
            for column in range(across.start // PATCH_PX, (across.stop - 1) // PATCH_PX + 1):
                self._measure_patch((row, column))

    def values(self, nuclei: Mapping[int, Nucleus]) -> FieldValues:
        """Return the patches' numbers; the keys of `nuclei` are exactly the ids of the labels."""
        block = self._block
        _, y, x = self._counted(nuclei)
        patch = (y // PATCH_PX * block.columns + x // PATCH_PX).astype(np.int64)
        count = np.bincount(patch, minlength=block.rows * block.columns)
        return FieldValues(
            block=block,
            nucleus_px=self._nucleus_px.copy(),
            tissue_px=self._tissue_px.copy(),
            count=count.reshape(block.rows, block.columns),
            read_px=self._read_px.copy(),
        )

    def records(self, nuclei: Mapping[int, Nucleus]) -> NDArray[np.void]:
        """Return the nuclei that count: (n,) `NUCLEUS_DTYPE`, in order of their ids."""
        ids, y, x = self._counted(nuclei)
        records = np.zeros(ids.size, NUCLEUS_DTYPE)
        records["y_px"] = y + self._block.row * PATCH_PX
        records["x_px"] = x + self._block.column * PATCH_PX
        records["area_px"] = self._sums[0, ids]
        records["origin"] = [nuclei[number].origin for number in ids.tolist()]
        return records

    def counted_ids(self, nuclei: Mapping[int, Nucleus]) -> NDArray[np.int64]:
        """Return the ids of the nuclei that count, in the order of :meth:`records`."""
        return self._counted(nuclei)[0]

    def _add(self, at: NDArray[np.int64], ids: NDArray[np.uint16], times: int) -> None:
        y, x = np.divmod(at, self._labels.shape[1])
        for sums, values in zip(self._sums, (np.ones_like(at), y, x), strict=True):
            np.add.at(sums, ids, times * values)

    def _measure_patch(self, patch: tuple[int, ...]) -> None:
        row, column = (place * PATCH_PX for place in patch)
        here = np.s_[row : row + PATCH_PX, column : column + PATCH_PX]
        read, tissue = self._ground.read[here], self._ground.tissue[here]
        nucleus = (self._labels[here] > 0) & read
        self._read_px[patch] = np.count_nonzero(read)
        self._nucleus_px[patch] = np.count_nonzero(nucleus)
        self._tissue_px[patch] = np.count_nonzero((tissue & read) | nucleus)

    def _counted(
        self, nuclei: Mapping[int, Nucleus]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Ids and centres, in px of the field, of the nuclei that count."""
        ids = np.array(sorted(n for n, known in nuclei.items() if known.counted), np.int64)
        area = self._sums[0, ids]
        # The centre of the first pixel is 0.5, as in the nucleus table.
        y, x = (sums[ids] / area + 0.5 for sums in self._sums[1:])
        read = self._ground.read[y.astype(np.int64), x.astype(np.int64)]
        return ids[read], y[read], x[read]


def measure_field(
    labels: NDArray[np.uint16],
    nuclei: Mapping[int, Nucleus],
    ground: FieldGround,
    block: Block,
) -> FieldValues:
    """Measure the patches of a field by the rules of :class:`FieldMeasure`.

    Parameters
    ----------
    labels
        (height, width) uint16 ids, 0 background.
    nuclei
        What is known of each; its keys are exactly the ids of `labels`.
    ground
        What lies under the field.
    block
        Its patches.
    """
    return FieldMeasure(np.ascontiguousarray(labels), ground, block).values(nuclei)


def field_nuclei(
    labels: NDArray[np.uint16],
    nuclei: Mapping[int, Nucleus],
    ground: FieldGround,
    block: Block,
) -> NDArray[np.void]:
    """Return the nuclei that :func:`measure_field` counts: (n,) `NUCLEUS_DTYPE`.

    Centre and area are those of the part that lies in the field; the centre in working px of
    the slide. Parameters are those of :func:`measure_field`.
    """
    return FieldMeasure(np.ascontiguousarray(labels), ground, block).records(nuclei)
