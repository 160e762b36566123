"""What tissue is of, and how it was prepared, as it is said on the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from napari_glioma_density.results.specimen import Specimen
    from napari_glioma_density.slides.organ import Organ

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
