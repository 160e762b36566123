"""``glioma-density agreement``: two readers of the same fields."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, print_json, say
from napari_glioma_density.cli.score_tables import aligned
from napari_glioma_density.findings.written import decimal, signed, span

if TYPE_CHECKING:
    from napari_glioma_density.training.agreement import Agreement

HEADINGS = (
    "field", "patches", "object F1", "Dice", "bias, points", "limits of agreement", "nuclei", "κ",
)  # fmt: skip


def agreement(
    first: Annotated[Path, typer.Argument(metavar="DIR_A", help="The first reader's data set.")],
    second: Annotated[Path, typer.Argument(metavar="DIR_B", help="The second reader's.")],
    as_json: AsJson = False,
) -> None:
    """Compare two readers' nuclei, outlines, density and bands on the fields both have finished."""
    from napari_glioma_density.training import agreement as readers
    from napari_glioma_density.training.dataset import open_data_set

    found = readers.agreement(open_data_set(first), open_data_set(second))
    if as_json:
        print_json(found.as_dict())
    else:
        names = found.first, found.second
        if names[0] == names[1]:  # two readers' sets often bear one: their folders do not
            names = str(first), str(second)
        say(_told(found, names))


def _told(found: "Agreement", names: tuple[str, str]) -> str:
    alone = (*found.first_alone, *found.second_alone)
    lines = [
        f"{names[1]} against {names[0]}.",
        aligned([HEADINGS, *map(_cells, found.rows())]).rstrip(),
        "Objects: one to one, overlap over union 0.5 or more. Bias and limits of agreement: "
        "Bland and Altman. κ: six bands of density, quadratic weights.",
        f"Finished by one reader alone and left out: {', '.join(alone)}." if alone else "",
    ]
    return "".join(f"{line}\n" for line in lines if line)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    lower, upper = row["lower"], row["upper"]
    limits = "" if lower is None else span((lower, upper), 2, with_signs=True)
    return (
        row["name"],
        str(row["patches"]),
        f"{row['object_f1']:.3f}",
        f"{row['dice']:.3f}",
        signed(row["bias"], 2),
        limits,
        f"{row['nuclei_first']} / {row['nuclei_second']}",
        "" if row["kappa"] is None else decimal(row["kappa"], 2),
    )
