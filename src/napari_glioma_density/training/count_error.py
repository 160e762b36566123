"""Nuclei found against nuclei annotated, by how dense the tissue is."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PAPER_BANDS, band_of
from napari_glioma_density.nuclei.table import SMALLEST_NUCLEUS_UM2, separate_nuclei


class FieldCount(NamedTuple):
    """Nuclei of one field."""

    true_density_percent: float
    true_nuclei: int
    predicted_nuclei: int


def count_separated(mask: NDArray[np.bool_], um_per_px: float, working_um_per_px: float) -> int:
    """Count the nuclei of a mask (height, width) as an estimate of a slide does.

    Touching nuclei are split and specks dropped at the model's resolution (both resolutions in
    µm/px), because outlines ripple less there than in a finer mask.
    """
    factor = um_per_px / working_um_per_px
    height, width = (max(1, round(side * factor)) for side in mask.shape)
    share = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    labels = separate_nuclei((share >= 0.5).astype(np.uint8), working_um_per_px)
    return int(np.count_nonzero(np.unique(labels)))


def count_labelled(labels: NDArray[np.uint16], um_per_px: float) -> int:
    """Count the annotated nuclei of a field, (height, width) ids.

    A nucleus cut by the field's border is not counted if what is left of it would be too small to
    count in a mask. Small nuclei inside the field are counted: a mask that misses them is in error.
    """
    area_um2 = np.bincount(labels.ravel()) * um_per_px**2
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    area_um2[border[area_um2[border] < SMALLEST_NUCLEUS_UM2]] = 0
    return int(np.count_nonzero(area_um2[1:]))


def count_error(counts: Iterable[FieldCount]) -> dict[str, object]:
    """Errors of the nucleus count, of all fields and by true density.

    Returns
    -------
    dict
        ``fields``, ``true``, ``predicted`` and ``relative_error``: predicted over true, less 1;
        None where there are no nuclei. ``by_density`` holds the same of each of P1's six bands
        that has a field, with its ``band`` (0–5) and ``from_percent`` and ``to_percent``.
    """
    fields = tuple(counts)
    return {**_error(fields), "by_density": list(_by_band(fields))}


def _by_band(fields: tuple[FieldCount, ...]) -> Iterator[dict[str, object]]:
    bands = band_of([field.true_density_percent for field in fields])
    limits = PAPER_BANDS.limits_percent
    for band in np.unique(bands).tolist():
        inside = tuple(field for field, its in zip(fields, bands, strict=True) if its == band)
        span = {"from_percent": limits[band], "to_percent": limits[band + 1]}
        yield {"band": band, **span, **_error(inside)}


def _error(fields: tuple[FieldCount, ...]) -> dict[str, object]:
    true = sum(field.true_nuclei for field in fields)
    predicted = sum(field.predicted_nuclei for field in fields)
    relative = predicted / true - 1 if true else None
    return {
        "fields": len(fields), "true": true, "predicted": predicted, "relative_error": relative
    }  # fmt: skip
