"""Two readers of the same fields, as a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_glioma_density.findings.written import span
from napari_glioma_density.ui.annotation.table import Figures
from napari_glioma_density.ui.words import NONE, number, signed

if TYPE_CHECKING:
    from napari_glioma_density.training.agreement import Agreement

COLUMNS: Final = (
    "Fields",
    "Patches",
    "Object F1",
    "Dice",
    "Density bias (limits), points",
    "Nuclei",
    "Bands, κ",
)
MEANING: Final = (
    "Nuclei are matched one to one, overlap over union 0.5 or more. Bias and limits of agreement "
    "(Bland and Altman): second reader less first, by patch, in points of all its px, not of "
    "tissue alone. Nuclei: first / second reader, including those that reach in from outside the "
    "field, which the list of fields does not count. κ: six bands, quadratic weights; for few "
    "patches it says little."
)


def compare_readers(first: Path, second: Path, names: Mapping[str, str]) -> Figures:
    """Compare the data sets of two readers; slow.

    `names` are what the dock calls fields, by their own.

    Raises
    ------
    DataSetError
        When they have no finished field in common, or a field cannot be read.
    """
    from napari_glioma_density.training.agreement import agreement
    from napari_glioma_density.training.dataset import open_data_set

    found = agreement(open_data_set(first), open_data_set(second))
    return agreement_figures(found, names)


def agreement_figures(found: "Agreement", names: Mapping[str, str]) -> Figures:
    """Return the table of an agreement: all fields pooled, then each."""
    alone = len(found.first_alone) + len(found.second_alone)
    note = f"{MEANING} Finished by one reader alone, and left out: {alone}." if alone else MEANING
    return Figures(COLUMNS, tuple(_cells(row, names) for row in found.rows()), note)


def _cells(row: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    name = row["name"].removesuffix(".png")
    bias = signed(row["bias"], 1)
    if row["lower"] is not None:
        limits = span((row["lower"], row["upper"]), 1, with_signs=True)
        bias = f"{bias} ({limits})"
    return (
        names.get(name, name),
        number(row["patches"]),
        f"{row['object_f1']:.3f}",
        f"{row['dice']:.3f}",
        bias,
        f"{number(row['nuclei_first'])} / {number(row['nuclei_second'])}",
        NONE if row["kappa"] is None else f"{row['kappa']:.2f}",
    )
