"""A number for each data set, as ``NAME=NUMBER`` on the command line."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides.resolution import is_believable
from napari_glioma_density.training.dataset import DataSet

_MOST: Final = 1e6
"""Times as often as others a set may be drawn: beyond, sums lose the others' digits."""


def set_weights(asked: Sequence[str], data_sets: Sequence[DataSet]) -> tuple[float, ...]:
    """A factor for each data set, 1 for those not named; empty when nothing is asked.

    Raises
    ------
    BadInput
        When no set has that name, or the factor is not a number above 0, or is absurdly large or
        small.
    """
    factors = _numbers("--weight", "2", asked, data_sets)
    for one, factor in zip(data_sets, factors, strict=True):
        if factor is not None and not 1 / _MOST <= factor <= _MOST:
            raise BadInput(
                f"--weight {one.name}={factor:g}: must be between {1 / _MOST:g} and {_MOST:g}"
            )
    return tuple(1.0 if factor is None else factor for factor in factors) if asked else ()


def at_resolutions(asked: Sequence[str], data_sets: Sequence[DataSet]) -> list[DataSet]:
    """The data sets, those named with another µm/px than their manifests state.

    Raises
    ------
    BadInput
        When no set is of that name or the number is no resolution.
    """
    numbers = _numbers("--um-per-px", "0.25", asked, data_sets)
    return [
        one if number is None else _at(one, number)
        for one, number in zip(data_sets, numbers, strict=True)
    ]


def _at(data_set: DataSet, um_per_px: float) -> DataSet:
    if not is_believable(um_per_px):
        raise BadInput(f"--um-per-px {data_set.name}={um_per_px:g}: must be between 0.05 and 5")
    fields = (dataclasses.replace(field, um_per_px=um_per_px) for field in data_set)
    return dataclasses.replace(data_set, fields=tuple(fields))


def _numbers(
    option: str, example: str, asked: Sequence[str], data_sets: Sequence[DataSet]
) -> list[float | None]:
    """A number for each set, which may be called by its own name or by its folder's."""
    numbers: list[float | None] = [None] * len(data_sets)
    for text in asked:
        name, _, number = text.rpartition("=")
        meant = [at for at, one in enumerate(data_sets) if name in (one.name, one.folder.name)]
        if not meant:
            known = ", ".join(one.name for one in data_sets)
            raise BadInput(
                f"{option} {text}: no data set of that name; say NAME={example}, of: {known}"
            )
        for at in meant:
            numbers[at] = _number(f"{option} {text}", number)
    return numbers


def _number(asked: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (value > 0 and math.isfinite(value)):
        raise BadInput(f"{asked}: must be a number above 0, as in NAME=0.5")
    return value
