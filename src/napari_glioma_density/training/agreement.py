"""How far two readers agree on the same fields: nuclei, pixels, density and band."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, BlandAltman, band_of, bland_altman
from napari_glioma_density.errors import DataSetError
from napari_glioma_density.nuclei.table import SMALLEST_NUCLEUS_UM2
from napari_glioma_density.training.dataset import DataSet, Field, FieldPixels, read_field
from napari_glioma_density.training.metrics import PixelCounts
from napari_glioma_density.training.object_metrics import ObjectCounts, match_objects

BANDS: Final = 6
BLANK: Final = "blank"
PREFILLED: Final = "model"
COLUMNS: Final = (
    "fields", "patches", "object_f1", "dice", "bias", "lower", "upper", "nuclei_first",
    "nuclei_second", "nuclei_difference", "kappa",
)  # fmt: skip
"""Figures of a row of :meth:`Agreement.rows`, after ``name``."""


@dataclass(frozen=True)
class FieldAgreement:
    """Two annotations of one field, or of several pooled.

    Attributes
    ----------
    name
        Of the image; of the group, where pooled.
    start
        ``blank`` when a reader began without the model's outlines, ``model`` when both saw them,
        empty when not said.
    objects
        Nuclei of 8 µm² and more, matched one to one.
    pixels
        The second reader's taken as prediction.
    densities
        (patches, 2): nuclear area in % of each patch, by the first and the second reader. A field
        that is not of whole patches is one.
    fields
        How many are pooled.
    """

    name: str
    start: str
    objects: ObjectCounts
    pixels: PixelCounts
    densities: NDArray[np.float64]
    fields: int = 1

    @property
    def dice(self) -> float:
        """Of the pixels, 0–1."""
        return self.pixels.scores()["dice"]

    @property
    def bland_altman(self) -> BlandAltman:
        """Of the patches' densities."""
        return bland_altman(self.densities[:, 0], self.densities[:, 1])

    @property
    def kappa(self) -> float | None:
        """Weighted κ of the patches' bands; None of a single one, and where chance would agree."""
        if len(self.densities) < 2:
            return None
        bands = band_of(self.densities)
        return weighted_kappa(bands[:, 0], bands[:, 1])

    def row(self) -> dict[str, Any]:
        """``name`` and the figures of :data:`COLUMNS`; None where there is none."""
        agreed = self.bland_altman
        first, second = self.objects.first, self.objects.second
        figures = (
            self.fields, len(self.densities), self.objects.f1, self.dice, *agreed, first, second,
            second - first, self.kappa,
        )  # fmt: skip
        return {"name": self.name, **dict(zip(COLUMNS, figures, strict=True))}


@dataclass(frozen=True)
class Agreement:
    """Two readers on all fields that both have finished.

    Attributes
    ----------
    first, second
        Names of the data sets.
    fields
        Each field, in the first reader's order.
    first_alone, second_alone
        Images that the other reader has not finished; they count for nothing.
    """

    first: str
    second: str
    fields: tuple[FieldAgreement, ...]
    first_alone: tuple[str, ...]
    second_alone: tuple[str, ...]

    def pooled(self) -> tuple[FieldAgreement, ...]:
        """All fields, then those begun blank and those prefilled, where both kinds are there.

        Outlines that are there already anchor the eye: where both readers began with the model's,
        they agree with it, and so with each other.
        """
        number = len(self.fields)
        groups = (
            ("the only field" if number == 1 else f"all {number} fields", self.fields),
            ("begun blank", [one for one in self.fields if one.start == BLANK]),
            ("both prefilled", [one for one in self.fields if one.start == PREFILLED]),
        )
        starts = {one.start for one in self.fields}
        return tuple(
            pool(name, fields)
            for at, (name, fields) in enumerate(groups)
            if fields and (at == 0 or starts != {""})
        )

    def rows(self) -> tuple[dict[str, Any], ...]:
        """Rows of a table: pooled ones first, then every field."""
        return tuple(one.row() for one in (*self.pooled(), *self.fields))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "first": self.first,
            "second": self.second,
            "pooled": [one.row() for one in self.pooled()],
            "fields": [{**one.row(), "start": one.start} for one in self.fields],
            "first_alone": list(self.first_alone),
            "second_alone": list(self.second_alone),
        }


def agreement(first: DataSet, second: DataSet) -> Agreement:
    """Compare two annotations of the same pictures, matched by the names of their image files.

    Raises
    ------
    DataSetError
        When no image is in both, when two of a name differ in size or pixels, or when a field
        cannot be read.
    """
    others = {field.image.name: field for field in second}
    shared = [field for field in first if field.image.name in others]
    if not shared:
        raise DataSetError(
            f"{second.folder}: has no finished field in common with {first.folder}; "
            "images of the same field have the same file name"
        )
    names = {field.image.name for field in shared}
    return Agreement(
        first.name,
        second.name,
        tuple(_compared(field, others[field.image.name]) for field in shared),
        tuple(field.image.name for field in first if field.image.name not in names),
        tuple(name for name in others if name not in names),
    )


def pool(name: str, fields: Sequence[FieldAgreement]) -> FieldAgreement:
    """Several fields as one; at least one."""
    starts = {one.start for one in fields}
    return FieldAgreement(
        name,
        starts.pop() if len(starts) == 1 else "",
        sum((one.objects for one in fields), ObjectCounts()),
        sum((one.pixels for one in fields), PixelCounts()),
        np.concatenate([one.densities for one in fields]),
        sum(one.fields for one in fields),
    )


def weighted_kappa(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """Agreement beyond chance of the bands 0–5 that two have given, weights quadratic.

    κ = 1 − Σ w·observed / Σ w·expected with w = (i − j)² (Cohen 1968, DOI 10.1037/h0026256).

    Returns
    -------
    float or None
        1 is agreement, 0 chance; None where both put everything into one category, for then
        nothing but agreement can be expected.
    """
    observed = np.zeros((BANDS, BANDS))
    np.add.at(observed, (np.asarray(first, int), np.asarray(second, int)), 1)
    expected = np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()
    grade = np.arange(BANDS)
    weights = (grade[:, None] - grade[None]) ** 2
    chance = float((weights * expected).sum())
    return 1 - float((weights * observed).sum()) / chance if chance else None


def _compared(first: Field, second: Field) -> FieldAgreement:
    one, other = read_field(first), read_field(second)
    _demand_same_picture(first, one, second, other)
    return FieldAgreement(
        first.image.name,
        _start(first, second),
        match_objects(
            _nuclei(one.labels, first.um_per_px), _nuclei(other.labels, second.um_per_px)
        ),
        PixelCounts.of(other.labels, one.labels),
        np.array([[_density(patch) for patch in pair] for pair in _patches(first, one, other)]),
    )


def _nuclei(labels: NDArray[np.uint16], um_per_px: float) -> NDArray[np.uint16]:
    """Labels without what is too small to count as a nucleus.

    Where both began with the model's outlines both have its specks, and agree on them unseen.
    """
    is_speck = np.bincount(labels.ravel()) * um_per_px**2 < SMALLEST_NUCLEUS_UM2
    return np.where(is_speck[labels], 0, labels).astype(np.uint16)


def _demand_same_picture(first: Field, one: FieldPixels, second: Field, other: FieldPixels) -> None:
    if one.rgb.shape != other.rgb.shape:
        sizes = " and ".join(f"{rgb.shape[1]}×{rgb.shape[0]}" for rgb in (one.rgb, other.rgb))
        fault = f"differs in size from {first.image} ({sizes} px)"
    elif not np.array_equal(one.rgb, other.rgb):
        fault = f"shows something else than {first.image}"
    else:
        return
    raise DataSetError(f"{second.image}: {fault}; both readers must annotate the same picture")


def _start(first: Field, second: Field) -> str:
    starts = {field.place.start if field.place else "" for field in (first, second)}
    if BLANK in starts:
        return BLANK
    return PREFILLED if starts == {PREFILLED} else ""


def _patches(
    field: Field, one: FieldPixels, other: FieldPixels
) -> Iterator[tuple[NDArray[np.uint16], NDArray[np.uint16]]]:
    """The field's patches as both have labelled them; those at a slide's edge are smaller."""
    if field.place is None:
        yield one.labels, other.labels
        return
    height, width = one.labels.shape
    for y in range(0, height, PATCH_PX):
        for x in range(0, width, PATCH_PX):
            window = np.s_[y : y + PATCH_PX, x : x + PATCH_PX]
            yield one.labels[window], other.labels[window]


def _density(labels: NDArray[np.uint16]) -> float:
    """Nuclear area in % (P1 eq. 6)."""
    return 100 * float(np.count_nonzero(labels)) / labels.size
