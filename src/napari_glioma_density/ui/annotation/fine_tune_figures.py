"""Before and after fine-tuning, as a table."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from napari_glioma_density.findings.written import span
from napari_glioma_density.ui.annotation.table import Figures
from napari_glioma_density.ui.words import number, signed

COLUMNS: Final = ("", "Before", "After", "Difference (95 %)")
CHECK: Final = "check"
"""What the trainer calls the fields that a new model is checked on."""
WORSE: Final = "F1 fell on them: on such fields the model it began with is the better one."
MEASURES: Final = (
    ("f1", "F1, %", 100, 1),
    ("precision", "Precision, %", 100, 1),
    ("recall", "Recall, %", 100, 1),
    ("density_mae", "Density error, points", 1, 1),
)
"""Name, words, factor to the unit shown, and decimals."""


def before_after(result: Mapping[str, Any]) -> Figures:
    """Return the table of what ``glioma-density fine-tune --json`` printed."""
    rows = [row for one in result["before_after"] for row in _rows(one)]
    return Figures(COLUMNS, tuple(rows), _note(result))


def set_name(name: str) -> str:
    """Return what a set that was looked at is called on the screen, as in guard NuInsSeg."""
    return "check fields" if name == CHECK else name


def _rows(compared: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    name, fields = set_name(compared["name"]), compared["images"]
    yield (f"{name[0].upper()}{name[1:]}: {number(fields)} {'field' if fields == 1 else 'fields'}",)
    for score, name, factor, decimals in MEASURES:
        yield (name, *_change(compared["changes"][score], factor, decimals))


def _change(change: Mapping[str, Any], factor: float, decimals: int) -> tuple[str, str, str]:
    difference = signed(factor * change["difference"], decimals)
    interval = change["difference_interval"]
    if interval is not None:
        ends = span((factor * end for end in interval), decimals, with_signs=True)
        difference = f"{difference} ({ends})"
    before, after = (f"{factor * change[when]:.{decimals}f}" for when in ("before", "after"))
    return before, after, difference


def _note(result: Mapping[str, Any]) -> str:
    said = f"Check fields: {result['split']['words']}."
    for compared in result["before_after"]:
        if compared["name"] == CHECK and compared["changes"]["f1"]["difference"] < 0:
            said += f" {WORSE}"
    if result["forgotten"]:
        names = ", ".join(result["forgotten"])
        said += f" The new model has forgotten: F1 fell by a point or more on {names}."
    return said
