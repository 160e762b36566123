"""What ``fine-tune`` shows a person: a model before and after, as an aligned table."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from napari_glioma_density.cli.score_tables import aligned
from napari_glioma_density.findings.written import signed, span

if TYPE_CHECKING:
    from napari_glioma_density.training.before_after import BeforeAfter, Change

HEADINGS: Final = ("set", "fields", "score", "before", "", "after", "", "change", "")
WORDS: Final = {
    "f1": ("F1", 3),
    "precision": ("precision", 3),
    "recall": ("recall", 3),
    "density_mae": ("density MAE", 2),
}
"""Name and decimals of each score."""


def before_after_table(table: "Sequence[BeforeAfter]") -> str:
    """Scores 0-1 and density errors in points; 95 % intervals beside each."""
    return aligned([HEADINGS, *_rows(table)])


def _rows(table: "Sequence[BeforeAfter]") -> Iterator[tuple[str, ...]]:
    for one in table:
        name, images = one.name, str(one.images)
        for score, change in one.changes.items():
            words, decimals = WORDS[score]
            yield (name, images, words, *_cells(change, decimals))
            name = images = ""


def _cells(change: "Change", decimals: int) -> Iterator[str]:
    yield f"{change.before:.{decimals}f}"
    yield _interval(change.before_interval, decimals)
    yield f"{change.after:.{decimals}f}"
    yield _interval(change.after_interval, decimals)
    yield signed(change.difference, decimals)
    yield _interval(change.difference_interval, decimals, with_signs=True)


def _interval(ends: tuple[float, float] | None, decimals: int, *, with_signs: bool = False) -> str:
    return "" if ends is None else span(ends, decimals, with_signs=with_signs)
