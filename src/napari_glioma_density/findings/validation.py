"""Annotated fields a model was checked on, from the scores kept beside its weights."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.kept_metrics import METRICS
from napari_glioma_density.slides.organ import BRAIN, Organ, organ_named

_FEWEST_FIELDS = 10


class CheckedField(NamedTuple):
    """Density of one annotated field."""

    slide: str
    """Data set and patient; the data set alone where patients are not known."""
    true_percent: float
    found_percent: float


@dataclass(frozen=True)
class Basis:
    """What an error was found on; as a string, in words.

    `data_sets` names the sets of annotated fields; of none, the fields are random ones of the slide
    itself that a person corrected.
    """

    fields: int
    slides: int
    data_sets: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.data_sets:
            return f"{self.fields} random corrected fields of this slide"
        names = ", ".join(self.data_sets)
        return f"{self.fields} annotated fields of {self.slides} slides ({names})"


@dataclass(frozen=True)
class Validation:
    """Fields a model was checked on.

    Attributes
    ----------
    fields
        Those that its error is taken from.
    turning_percent
        Density below which errors stop shrinking with density.
    basis
        Which fields these are.
    sharpest
        Sharpness of the sharpest of them, see ``stain.sharpness``; None where that is not kept.
    """

    fields: tuple[CheckedField, ...]
    turning_percent: float
    basis: Basis
    sharpest: float | None = None


def validated(metrics: Mapping[str, Any], organ: Organ = BRAIN) -> Validation:
    """Read the fields of scores that ``evaluate --json`` printed.

    If there are fields of the organ, only they count. Only how the error grows with density is
    taken from all fields, because hardly any annotated brain tumour is of low density.

    Parameters
    ----------
    metrics
        The scores.
    organ
        What the slide is of that they are to tell of.

    Raises
    ------
    ModelError
        When they are not as ``evaluate`` prints them.
    """
    with scores_named(metrics):
        return _validated(metrics, organ)


@contextmanager
def scores_named(metrics: Mapping[str, Any]) -> Iterator[None]:
    """Turn what scores that a hand or another version wrote make the body raise into a ModelError.

    Parameters
    ----------
    metrics
        The scores that the body reads.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        name = f"{metrics.get('model', '')}{METRICS}"
        wrong = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(
            f"{name}: its scores are not as evaluate keeps them ({wrong}): "
            "keep them anew with evaluate --keep, or delete the file"
        ) from error


def _validated(metrics: Mapping[str, Any], organ: Organ) -> Validation:
    sets = [one for one in metrics.get("data_sets", ()) if "fields" in one]
    chosen = [one for one in sets if is_of(organ, one)] or sets
    everything = [field for one in sets for field in checked_fields(one)]
    fields = tuple(field for one in chosen for field in checked_fields(one))
    slides = len({field.slide for field in fields})
    names = tuple(str(one["name"]) for one in chosen)
    return Validation(
        fields=fields,
        turning_percent=turning_point(everything),
        basis=Basis(len(fields), slides, names),
        sharpest=_sharpest(chosen),
    )


def _sharpest(data_sets: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the sharpness of the sharpest field; None where it is not known of each."""
    known = [value for one in data_sets for value in one["fields"].get("sharpness", [None])]
    return max(map(float, known)) if known and None not in known else None


def is_of(organ: Organ, data_set: Mapping[str, Any]) -> bool:
    """Tell whether all fields of a data set are of an organ."""
    named = [str(row["organ"]) for row in data_set.get("organs", ())]
    return bool(named) and all(organ_named(name) == organ for name in named)


def turning_point(fields: Iterable[CheckedField]) -> float:
    """Return turning, in percent, of the likeliest sd = share · sqrt(found² + turning²).

    Errors are taken as normal about zero. For fewer than ten fields it is 0.
    """
    pairs = np.array([(field.found_percent, field.true_percent) for field in fields])
    if len(pairs) < _FEWEST_FIELDS:
        return 0.0
    found, squared = pairs[:, 0], (pairs[:, 0] - pairs[:, 1]) ** 2

    def unlikely(turning: float) -> float:
        # For a given turning point the likeliest share is known: the mean of squared z.
        size2 = np.maximum(found**2 + turning**2, 1e-12)
        return float(len(found) * np.log((squared / size2).mean()) + np.log(size2).sum())

    best = optimize.minimize_scalar(unlikely, bounds=(0, float(found.max())), method="bounded")
    return float(best.x)


def checked_fields(data_set: Mapping[str, Any]) -> Iterator[CheckedField]:
    """Read the fields of one data set of scores."""
    columns = data_set["fields"]
    names = ("patient", "true_density_percent", "predicted_density_percent")
    for patient, true, found in zip(*(columns[name] for name in names), strict=True):
        yield CheckedField(f"{data_set['name']} {patient}".strip(), float(true), float(found))
