"""Annotated nuclei on disk: images, labels, and a manifest that says what they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.results.pictures import decoded
from napari_glioma_density.slides.resolution import is_believable
from napari_glioma_density.training.field_place import FieldPlace
from napari_glioma_density.training.samples import nucleus_ids, over_white_if_alpha


@dataclass(frozen=True)
class Field:
    """One annotated image of a data set."""

    image: Path
    label: Path
    um_per_px: float
    organ: str = ""
    patient: str = ""
    points: Path | None = None
    """Clicks on nuclei, some without an outline; see ``training.ignore_zones``."""
    place: FieldPlace | None = None
    """Where on which slide it lies, as far as that is known."""
    slide_colours: Path | None = None
    """A picture whose px are colours from all over the slide that it was cut from."""


class FieldPixels(NamedTuple):
    """What a field holds once read."""

    rgb: NDArray[np.uint8]
    """(height, width, 3)"""
    labels: NDArray[np.uint16]
    """(height, width) instance ids, 0 background"""


@dataclass(frozen=True)
class DataSet:
    """A folder of annotated fields.

    ``images/*``, ``labels/*.png`` (grey instance ids from 0 to 65535) and ``manifest.json`` with
    ``name``, ``licence`` and ``images: [{image, label, um_per_px, organ, patient}]``. There may be
    ``points/<stem of the image>.json``, clicks on nuclei that have no outline, and an entry may
    name ``slide_colours``, a picture of colours from all over the slide.
    """

    folder: Path
    name: str
    licence: str
    ships_weights: bool
    fields: tuple[Field, ...]

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


def open_data_set(folder: str | Path) -> DataSet:
    """Read a data set's manifest and check that every file it names is there.

    An entry whose ``done`` is false is a field somebody still works on; it is left out.

    Raises
    ------
    DataSetError
        When the folder, the manifest, an image, a label or a µm/px is missing or not usable.
    """
    folder = Path(folder)
    manifest = _manifest(folder)
    entries = manifest.get("images")
    if not isinstance(entries, list) or not entries:
        raise DataSetError(f"{folder / 'manifest.json'}: lists no images; add them under `images`")
    finished = [one for one in entries if not (isinstance(one, dict) and one.get("done") is False)]
    if not finished:
        raise DataSetError(f"{folder}: none of its fields is finished; mark those done that are")
    return DataSet(
        folder=folder,
        name=_text(manifest.get("name"), folder.name),
        licence=_text(manifest.get("licence"), "not stated"),
        ships_weights=manifest.get("ships_weights") is True,
        fields=tuple(_field(folder, entry) for entry in finished),
    )


def _manifest(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise DataSetError(f"{folder}: no such folder; name a data set with a manifest.json")
    path = folder / "manifest.json"
    try:
        return json_object(path.read_bytes())
    except FileNotFoundError:
        raise DataSetError(f"{path}: missing; a data set needs a manifest.json") from None
    except (ValueError, OSError) as error:
        raise DataSetError(f"{path}: not readable as JSON ({error}); mend or replace it") from error


def _field(folder: Path, entry: Any) -> Field:
    if not isinstance(entry, dict) or not {"image", "label"} <= entry.keys():
        manifest = folder / "manifest.json"
        raise DataSetError(f"{manifest}: an entry names no image and label; give both")
    image = _named_file(folder, entry["image"], "image")
    colours, points = entry.get("slide_colours"), folder / "points" / f"{image.stem}.json"
    return Field(
        image=image,
        label=_named_file(folder, entry["label"], "label"),
        um_per_px=_um_per_px(entry.get("um_per_px"), image),
        organ=_text(entry.get("organ")),
        patient=_text(entry.get("patient")),
        points=points if points.is_file() else None,
        place=FieldPlace.from_json(entry["field"], image) if "field" in entry else None,
        slide_colours=_named_file(folder, colours, "picture of the slide's colours")
        if colours
        else None,
    )


def _named_file(folder: Path, name: Any, kind: str) -> Path:
    path = folder / str(name)
    if not path.is_file():
        raise DataSetError(f"{path}: {kind} is missing; restore it or drop it from manifest.json")
    return path


def _um_per_px(stated: Any, image: Path) -> float:
    is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
    if not is_number or not is_believable(stated):
        fault = "missing" if stated is None else repr(stated)
        raise DataSetError(
            f"{image}: um_per_px in manifest.json is {fault}; state it, between 0.05 and 5"
        )
    return float(stated)


def _text(value: Any, otherwise: str = "") -> str:
    """What a manifest says, or ``otherwise``, without characters that no file can hold."""
    return str(otherwise if value is None else value).encode("utf-8", "replace").decode()


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Read a PNG, JPEG or TIFF picture as (height, width, 3) RGB.

    A camera's orientation tag is ignored, because the labels are not turned either. Transparent px
    are put on white; a fourth sample that is not declared alpha is left out.

    Raises
    ------
    DataSetError
        When the file is absent or no picture.
    """
    bgr = _decode(path, cv2.IMREAD_UNCHANGED)
    if bgr.dtype == np.uint8 and bgr.ndim == 3 and bgr.shape[2] == 4:
        bgr = over_white_if_alpha(path, bgr)
    elif bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3:
        bgr = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    return np.ascontiguousarray(bgr[..., ::-1])


def read_field(field: Field) -> FieldPixels:
    """Read a field's picture and instance labels.

    Raises
    ------
    DataSetError
        When a file cannot be decoded, the label has another size than the image, or its samples
        cannot be ids; see :func:`samples.nucleus_ids`.
    """
    rgb = read_rgb(field.image)
    labels = nucleus_ids(field.label, _decode(field.label, cv2.IMREAD_UNCHANGED))
    if labels.shape != rgb.shape[:2]:
        raise DataSetError(
            f"{field.label}: is {_size(labels)} but its image is {_size(rgb)}; "
            "a label is of its image's size"
        )
    return FieldPixels(rgb, labels)


def read_slide_colours(field: Field) -> NDArray[np.uint8] | None:
    """Read colours (n, 3) from all over the slide that a field was cut from; None if not known.

    Raises
    ------
    DataSetError
        When they cannot be decoded.
    """
    return None if field.slide_colours is None else read_rgb(field.slide_colours).reshape(-1, 3)


def _decode(path: Path, mode: int) -> NDArray[Any]:
    try:
        pixels = decoded(path, mode)
    except OSError as error:
        raise DataSetError(
            f"{path}: cannot be read ({error.__class__.__name__}); check the file"
        ) from error
    if pixels is None:
        raise DataSetError(f"{path}: is no readable picture; replace it by a PNG, JPEG or TIFF")
    return pixels


def _size(pixels: NDArray[Any]) -> str:
    return "×".join(str(side) for side in pixels.shape[1::-1])
