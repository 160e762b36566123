"""Copies of annotated fields, made when a training begins."""

import dataclasses
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.dataset import DataSet, Field, read_field
from napari_glioma_density.training.field_split import FieldSplit


@contextmanager
def held(split: FieldSplit) -> Iterator[FieldSplit]:
    """Yield the same split, but of copies, which nobody edits or removes.

    People go on editing their fields while a model learns from them: without copies the models
    before and after would be judged against different annotations.

    Raises
    ------
    DataSetError
        When a field cannot be read, or the disk refuses the copies.
    """
    with tempfile.TemporaryDirectory(prefix="glioma-density-") as folder:
        *learn, check = (
            _copied(one, Path(folder) / str(number))
            for number, one in enumerate((*split.learn, split.check))
        )
        yield dataclasses.replace(split, learn=tuple(learn), check=check)


def _copied(data_set: DataSet, folder: Path) -> DataSet:
    # Of several slides, fields may have one name: each copy lies in a folder of its own.
    fields = (_copied_field(each, folder / str(i)) for i, each in enumerate(data_set))
    return dataclasses.replace(data_set, fields=tuple(fields))


def _copied_field(field: Field, folder: Path) -> Field:
    read_field(field)  # so that a fault is told of this file, not of its copy
    try:
        return dataclasses.replace(
            field,
            image=_copy(field.image, folder / "image"),
            label=_copy(field.label, folder / "label"),
            points=field.points and _copy(field.points, folder / "points"),
            slide_colours=field.slide_colours and _copy(field.slide_colours, folder / "colours"),
        )
    except OSError as error:
        raise DataSetError(
            f"{field.image}: cannot be copied to {folder} ({error.strerror}); "
            "free some space there and run again"
        ) from error


def _copy(path: Path, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(path, folder / path.name))
