"""What tissue is of, and how it was prepared, as it is said on the command line."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

import typer

from napari_glioma_density.cli.console import remark
from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from napari_glioma_density.nuclei.spec import ModelSpec
    from napari_glioma_density.results.specimen import Specimen
    from napari_glioma_density.slides.organ import Organ
    from napari_glioma_density.training.dataset import DataSet

_MOST_NAMED: Final = 3

OrganOption = Annotated[
    str,
    typer.Option(
        "--organ", help="brain or other: which of a model's two thresholds makes a px nucleus."
    ),
]
SpecimenOption = Annotated[
    str | None,
    typer.Option("--specimen", help="unknown, ffpe, frozen or smear; else as last stated."),
]


def parse_organ(said: str) -> "Organ":
    """Return the organ that was named.

    Raises
    ------
    BadInput
        When it is another word.
    """
    from napari_glioma_density.slides.organ import ORGANS

    for organ in ORGANS:
        if said == organ:
            return organ
    raise BadInput(f"--organ {said}: give one of {', '.join(ORGANS)}")


def tell_of_other_organs(data_sets: "Iterable[DataSet]", spec: "ModelSpec") -> None:
    """Say which data sets have the threshold for other organs, where a model has one."""
    from napari_glioma_density.slides.organ import OTHER, organ_named

    if not spec.other_organs_threshold:
        return
    for one in data_sets:
        organs = [field.organ for field in one if organ_named(field.organ) == OTHER]
        names = sorted(set(organs))
        if names:
            named = ", ".join(names[:_MOST_NAMED]) + " …" * (len(names) > _MOST_NAMED)
            part = "" if len(organs) == len(one) else f"{len(organs)} of {len(one)} fields "
            remark(
                f"{one.name}: {part}at the threshold for organs other than the brain, "
                f"{spec.other_organs_threshold:g} ({named})\n"
            )


def parse_specimen(said: str | None) -> "Specimen | None":
    """Return the specimen that was named; None when none was.

    Raises
    ------
    BadInput
        When it is another word.
    """
    from napari_glioma_density.results.specimen import SPECIMENS

    if said is None:
        return None
    for specimen in SPECIMENS:
        if said == specimen:
            return specimen
    raise BadInput(f"--specimen {said}: give one of {', '.join(SPECIMENS)}")
