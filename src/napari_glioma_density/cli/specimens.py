"""How the tissue was prepared, as it is said on the command line."""

from typing import TYPE_CHECKING, Annotated

import typer

from napari_glioma_density.errors import BadInput

if TYPE_CHECKING:
    from napari_glioma_density.results.specimen import Specimen

SpecimenOption = Annotated[
    str | None,
    typer.Option("--specimen", help="unknown, ffpe, frozen or smear; else as last stated."),
]


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
