"""Leaving out fields that would teach nonsense: blurred, inked, folded or dirty, empty (P1).

All is measured at 0.5 µm/px, whatever resolution a network works at, so that one set of limits
holds. The limits were set on NuInsSeg, CoNSeP and TNBC so that only fields go which a person would
throw out too. Red ink is not distinguished from eosin and blood.
"""

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.pictures import resampled
from napari_glioma_density.stain import optical_density
from napari_glioma_density.stain.quality import darkness_of, detail_of, ground_of, is_ink
from napari_glioma_density.training.dataset import DataSet, read_field

UM_PER_PX: Final = 0.5

_STANDS_OUT: Final = 0.1
"""Optical density above a field's palest twentieth, from which a px is tissue; glass is grey in
some scans, so white says nothing."""
_COLOURED: Final = 0.2
"""Optical density between a px's channels, from which it is stained whatever its darkness."""
_SHARPNESS_SIGMAS_PX: Final = (1.0, 2.0, 4.0)
_BLACK: Final = 2.3
_FOLD_RATIO: Final = 1.6


class FieldQuality(NamedTuple):
    """What is measured of a picture."""

    tissue: float
    """Share of it that is no glass, 0–1."""
    sharpness: float
    """Energy of optical density finer than 0.5 µm over that between 1 and 2 µm, in tissue. A
    ratio, so it does not depend on how strong the stain is."""
    ink: float
    """Share that is blue or green in a way haematoxylin and eosin never are, 0–1."""
    dark: float
    """Share in broad areas, 20 µm and more, much darker than the field's tissue: folds, dirt,
    black ink; 0–1."""


@dataclass(frozen=True)
class Limits:
    """Limits beyond which a field is left out."""

    least_tissue: float = 0.02
    """Bare glass is left out; a field with a little tissue stays, and teaches glass as well."""
    least_sharpness: float = 0.11
    most_ink: float = 0.005
    most_dark: float = 0.03


class Dropped(NamedTuple):
    """A field that was left out, and why."""

    data_set: str
    image: Path
    reason: str
    """empty, blurred, inked, or folded or dirty"""
    measured: float
    limit: float


def clean(data_set: DataSet, limits: Limits | None = None) -> tuple[DataSet, tuple[Dropped, ...]]:
    """Part a data set into fields worth learning from and those that are not.

    Labels play no part: a field full of tissue without a nucleus stays, as a negative.

    Parameters
    ----------
    data_set
        Its fields are read one after the other.
    limits
        Those of :class:`Limits` when not given.

    Returns
    -------
    kept, dropped
        The data set without the fields left out, and those.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """
    limits = limits or Limits()
    kept, dropped = [], []
    for field in data_set:
        # Its labels too, though they play no part: what is broken is refused before any report.
        fault = _fault(measure_quality(read_field(field).rgb, field.um_per_px), limits)
        if fault is None:
            kept.append(field)
        else:
            dropped.append(Dropped(data_set.name, field.image, *fault))
    return dataclasses.replace(data_set, fields=tuple(kept)), tuple(dropped)


def measure_quality(rgb: NDArray[np.uint8], um_per_px: float) -> FieldQuality:
    """Measure a picture (height, width, 3) of ``um_per_px`` µm/px."""
    density = optical_density(resampled(rgb, um_per_px, UM_PER_PX))
    darkness = darkness_of(density)
    stands_out = darkness - np.percentile(darkness, 5) > _STANDS_OUT
    tissue = stands_out | (np.ptp(density, axis=2) > _COLOURED)
    if not tissue.any():
        return FieldQuality(0.0, 0.0, 0.0, 0.0)
    return FieldQuality(
        tissue=float(tissue.mean()),
        sharpness=_sharpness(darkness, tissue),
        ink=float(np.mean(is_ink(density))),
        dark=_dark(darkness, float(np.median(darkness[tissue]))),
    )


def summarise_dropped(dropped: Sequence[Dropped], fields: int) -> str:
    """One line: "left out 3 of 729 fields: 2 inked, 1 empty"."""
    reasons = Counter(one.reason for one in dropped).most_common()
    counted = ", ".join(f"{number} {reason}" for reason, number in reasons)
    return f"left out {len(dropped)} of {fields} fields: {counted}"


def write_dropped(path: Path, dropped: Sequence[Dropped]) -> None:
    """Write one row a field left out as CSV, whole or not at all.

    Raises
    ------
    BadInput
        When the disk refuses.
    """
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(Dropped._fields)
    rows.writerows((*one[:3], f"{one.measured:.4f}", one.limit) for one in dropped)
    try:
        write_atomically(path, table.getvalue().encode("utf-8", "replace"))
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written ({error.strerror}); free disk space or name another folder"
        ) from error


def _fault(quality: FieldQuality, limits: Limits) -> tuple[str, float, float] | None:
    """The first reason to leave a field out, what was measured and its limit."""
    if quality.tissue < limits.least_tissue:
        return "empty", quality.tissue, limits.least_tissue
    if quality.ink > limits.most_ink:
        return "inked", quality.ink, limits.most_ink
    if quality.dark > limits.most_dark:
        return "folded or dirty", quality.dark, limits.most_dark
    if quality.sharpness < limits.least_sharpness:
        return "blurred", quality.sharpness, limits.least_sharpness
    return None


def _sharpness(darkness: NDArray[np.float32], tissue: NDArray[np.bool_]) -> float:
    detail = detail_of(darkness, _SHARPNESS_SIGMAS_PX)
    form = float(np.mean(detail.form[tissue]))
    return float(np.mean(detail.fine[tissue]) / max(form, 1e-9))


def _dark(darkness: NDArray[np.float32], of_tissue: float) -> float:
    ground = ground_of(darkness, UM_PER_PX)
    return float(np.mean(ground > min(_FOLD_RATIO * of_tissue, _BLACK)))
