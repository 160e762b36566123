"""Training and validation images kept apart."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.nuclei.learnt import Learnt
from napari_glioma_density.results.pictures import picture_digest
from napari_glioma_density.training.dataset import DataSet, Field, read_rgb


def refuse_twice(data_sets: Sequence[DataSet]) -> None:
    """Make sure that no set, and no image of one, counts twice. Files are not read.

    Raises
    ------
    DataSetError
        When one is given again.
    """
    seen: set[Path] = set()
    for field in (field for one in data_sets for field in one):
        image = field.image.resolve()
        if image in seen:
            raise DataSetError(
                f"{field.image}: is given twice; give each data set once, and list each image in "
                "it once"
            )
        seen.add(image)


def refuse_shared_images(training: Sequence[DataSet], validation: Sequence[DataSet]) -> None:
    """Make sure that nothing is judged by what it was learnt from.

    Images are compared by their pixels, so a copy under another name or in another lossless
    format is found as well.

    Raises
    ------
    DataSetError
        When a folder is both, when an image of one is among those of the other, when one is
        there twice on one side, or when one cannot be read.
    """
    refuse_twice(training)
    refuse_twice(validation)
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


def refuse_learnt(data_sets: Sequence[DataSet], learnt: Learnt, who: str = "the weights") -> None:
    """Make sure that a model is not judged by what it, or its parent, has learnt from.

    Fields are recognised by their pixels, so new fields of a growing set may judge, whatever its
    name is. If it was not recorded which fields a set had, all sets of that name are refused.

    Parameters
    ----------
    data_sets
        Those that are to judge.
    learnt
        What was learnt from.
    who
        What has learnt, for the message.

    Raises
    ------
    BadInput
        When one was learnt from.
    DataSetError
        When a field cannot be read.
    """
    for one in data_sets:
        if one.name in learnt.unlisted:
            raise BadInput(f"{one.folder}: {who} learnt from {one.name}; give a set not known yet")
    for image, digest in _digests(data_sets) if learnt.pictures else ():
        if digest in learnt.pictures:
            raise BadInput(f"{image}: {who} learnt from it; give fields not known yet")


def learnt_with(data_sets: Sequence[DataSet], before: Learnt) -> Learnt:
    """What a model has learnt from once it has gone through data sets as well.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """
    return before.and_from(digest for _, digest in _digests(data_sets))


def refuse_repeats(data_sets: Sequence[DataSet]) -> dict[Path, str]:
    """Make sure that no tissue is shown twice among what learns, checks and guards.

    Besides images of the same pixels, fields that overlap on their slide are found: two readers'
    annotations of a field, say.

    Returns
    -------
    dict
        :func:`field_digest` of every image.

    Raises
    ------
    DataSetError
        When a field is there twice, or cannot be read.
    """
    digests: dict[Path, str] = {}
    seen: dict[str, Path] = {}
    placed: list[Field] = []
    for field in (field for one in data_sets for field in one):
        digest = field_digest(field)
        twin = seen.get(digest) or _overlapping(field, placed)
        if twin is not None:
            is_same = twin.resolve() == field.image.resolve()
            what = "is given twice" if is_same else f"shows tissue that {twin} shows"
            raise DataSetError(
                f"{field.image}: {what}; give a field once, be it to learn from, to check or to "
                "guard"
            )
        digests[field.image] = digest
        seen[digest] = field.image
        placed += [field] if field.place else []
    return digests


def field_digest(field: Field) -> str:
    """:func:`picture_digest` of a field's picture, in whatever lossless format it is stored."""
    return picture_digest(read_rgb(field.image))


def _overlapping(field: Field, others: Sequence[Field]) -> Path | None:
    if field.place is None:
        return None
    return next(
        (other.image for other in others if other.place and field.place.overlaps(other.place)), None
    )


def _digests(data_sets: Sequence[DataSet]) -> Iterator[tuple[Path, str]]:
    for field in (field for one in data_sets for field in one):
        yield field.image, field_digest(field)
