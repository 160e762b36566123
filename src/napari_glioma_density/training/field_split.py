"""Annotated fields parted into those that are learnt from and those that check it."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from napari_glioma_density.errors import BadInput
from napari_glioma_density.training.dataset import DataSet, Field

CHECK_SHARE: Final = 1 / 3
"""Of the fields, those that check."""

Group = list[Field]


@dataclass(frozen=True)
class FieldSplit:
    """What is learnt from and what checks it.

    Attributes
    ----------
    learn
        Data sets without the fields that check.
    check
        Those, as one set named ``check``.
    unit
        What stays together: ``cases``, ``slides`` or ``fields``; ``given`` when a person chose.
    is_optimistic
        Whether both sides may show the same tissue. Then the check is too favourable: a new slide
        will be harder.
    """

    learn: tuple[DataSet, ...]
    check: DataSet
    unit: str
    is_optimistic: bool

    @property
    def words(self) -> str:
        """What the check fields are, for a person."""
        if not self.is_optimistic:
            return {"cases": "other cases", "slides": "other slides"}.get(self.unit, "as given")
        if self.unit == "given":
            return "as given, of slides that are learnt from: optimistic"
        slides = {field.place and field.place.fingerprint for field in self.check}
        known = len(slides) == 1 and None not in slides
        return f"separate fields of {'one slide' if known else 'slides not told apart'}: optimistic"

    def as_dict(self) -> dict[str, object]:
        """For JSON: unit, words, and the images of either side."""
        learn = [field.image.name for one in self.learn for field in one]
        check = [field.image.name for field in self.check]
        return {
            "unit": self.unit,
            "words": self.words,
            "optimistic": self.is_optimistic,
            "learn": learn,
            "check": check,
        }


def pooled_set(name: str, data_sets: Sequence[DataSet]) -> DataSet:
    """The fields of several data sets as one."""
    first = data_sets[0]
    return dataclasses.replace(
        first, name=name, fields=tuple(field for one in data_sets for field in one)
    )


def split_fields(
    data_sets: Sequence[DataSet],
    seed: int,
    digests: Mapping[Path, str],
    known: Collection[str],
) -> FieldSplit:
    """Part fields: by case where there are several, else by slide, else one by one.

    Parameters
    ----------
    data_sets
        Fields that are all different; see :func:`separation.refuse_repeats`.
    seed
        Which groups check is drawn by it, about :data:`CHECK_SHARE` of the fields.
    digests, known
        Digest of every image, and those that the parent has learnt from: they cannot check.

    Raises
    ------
    BadInput
        When no field can be spared.
    """
    fields = [field for one in data_sets for field in one]
    for unit, key in _UNITS.items():
        groups = _grouped(fields, key)
        free = [g for g in groups if not any(digests[field.image] in known for field in g)]
        if len(groups) > 1 and free:
            chosen = _chosen(free, len(fields), seed)
            return _split(data_sets, [field for group in chosen for field in group], unit)
    if len(fields) > 1:
        raise BadInput("the parent has learnt from every field: add new ones, or some to check by")
    raise BadInput(
        f"{data_sets[0].folder}: one field cannot both teach and check: finish another, or name "
        "others to check by"
    )


def given_split(learn: Sequence[DataSet], check: Sequence[DataSet]) -> FieldSplit:
    """All of ``learn`` to learn from, ``check`` being the person's choice."""
    pooled = pooled_set("check", check)
    seen = [field for one in learn for field in one]
    shared = any(
        {key(field) for field in seen} & {key(field) for field in pooled} - {""}
        for key in (_case, _slide)
    )
    return FieldSplit(tuple(learn), pooled, "given", shared)


def _case(field: Field) -> str:
    """Empty where nobody has named the case: a slide's pseudonym stands in for it."""
    unnamed = field.place is not None and field.patient == field.place.pseudonym
    return "" if unnamed else field.patient


def _slide(field: Field) -> str:
    return field.place.fingerprint if field.place else ""


_UNITS: Final[dict[str, Callable[[Field], str]]] = {
    "cases": _case,
    "slides": _slide,
    "fields": lambda field: str(field.image),
}


def _grouped(fields: Sequence[Field], key: Callable[[Field], str]) -> list[Group]:
    """Fields of one key together; no groups where the key of a field is not known."""
    groups: dict[str, Group] = {}
    for field in fields:
        groups.setdefault(key(field), []).append(field)
    return [] if "" in groups else list(groups.values())


def _chosen(free: Sequence[Group], fields: int, seed: int) -> list[Group]:
    """Groups in random order, each taken when that brings their number nearer to the share."""
    wanted = max(1.0, CHECK_SHARE * fields)
    chosen: list[Group] = []
    taken = 0
    for at in np.random.default_rng(seed).permutation(len(free)):
        group = free[at]
        nearer = abs(taken + len(group) - wanted) < abs(taken - wanted)
        if nearer:
            chosen.append(group)
            taken += len(group)
    return chosen or [min(free, key=len)]


def _split(data_sets: Sequence[DataSet], check: Group, unit: str) -> FieldSplit:
    images = {field.image for field in check}
    learn = (
        dataclasses.replace(one, fields=tuple(f for f in one if f.image not in images))
        for one in data_sets
    )
    return FieldSplit(
        tuple(one for one in learn if len(one)),
        dataclasses.replace(data_sets[0], name="check", fields=tuple(check)),
        unit,
        is_optimistic=unit == "fields",
    )
