"""Training and validation images kept apart."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.dataset import DataSet, read_rgb


def refuse_shared_images(training: Sequence[DataSet], validation: Sequence[DataSet]) -> None:
    """Make sure that nothing is judged by what it was learnt from.

    Images are compared by their pixels, so a copy under another name or in another lossless
    format is found as well.

    Raises
    ------
    DataSetError
        When a folder is both, when an image of one is among those of the other, or when one
        cannot be read.
    """
    if not validation:
        return
    folders = {one.folder.resolve() for one in training}
    for one in validation:
        if one.folder.resolve() in folders:
            raise DataSetError(
                f"{one.folder}: is given to learn from and to check against; "
                "give --validation another data set"
            )
    learnt = {digest: image for image, digest in _digests(training)}
    for image, digest in _digests(validation):
        if digest in learnt:
            raise DataSetError(
                f"{image}: shows the same as {learnt[digest]}, which is learnt from; "
                "remove it from one of the data sets"
            )


def _digests(data_sets: Sequence[DataSet]) -> Iterator[tuple[Path, bytes]]:
    for field in (field for one in data_sets for field in one):
        rgb = read_rgb(field.image)
        yield field.image, hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest()
