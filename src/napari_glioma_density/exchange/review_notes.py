"""What was noted in review, of cells on show and of other places."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from napari_glioma_density.annotation.review import Mark, ReviewLog
from napari_glioma_density.density import Block, CellGrid, Lattice
from napari_glioma_density.exchange.csv_text import Columns, Value, write_table
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.sections import MeasuredSection

NOTE_COLUMNS: Final[Columns] = {
    "section": None, "cell": None, "x_um": 2, "y_um": 2, "width_um": 2, "height_um": 2,
    "reviewed": None, "excluded": None, "comment": None, "author": None, "time": None,
}  # fmt: skip


@dataclass(frozen=True)
class Note:
    """What was noted last of a place.

    Attributes
    ----------
    names
        Of the cells that it is: of the grid on show first, then of the sections' own. None where
        it was a cell of another size.
    x_um, y_um, width_um, height_um
        Where it lies on the slide, clipped at its edge.
    mark
        What was noted.
    """

    names: tuple[str, ...]
    x_um: float
    y_um: float
    width_um: float
    height_um: float
    mark: Mark


def review_notes(findings: Findings, sections: Sequence[MeasuredSection]) -> tuple[Note, ...]:
    """Return what was noted of the part that was measured, row by row.

    Raises
    ------
    StoreError
        When a line of the review is damaged.
    """
    lattice, scope = findings.run.lattice, findings.snapshot.scope
    marks = ReviewLog.open(findings.store, lattice).marks()
    return tuple(
        _note(mark, tuple(_names(mark.block, findings.snapshot.grid, sections)), lattice)
        for mark in sorted(marks, key=lambda mark: mark.block)
        if mark.reviewed or mark.comment or mark.excluded
        if scope is None or scope[mark.block.patches].any()
    )


def _names(block: Block, shown: CellGrid, sections: Iterable[MeasuredSection]) -> Iterator[str]:
    """Yield the names that a block has as a cell."""
    own = (each for each in sections if each.section.name != shown.section)
    grids = (each.grid for each in own if each.section.patches[block.patches].any())
    for grid in (shown, *grids):
        row, column = grid.cell_of(block.row, block.column)
        is_there = 0 <= row < grid.rows and 0 <= column < grid.columns
        if is_there and grid.block(row, column) == block:
            yield grid.address(row, column)


def _note(mark: Mark, names: tuple[str, ...], lattice: Lattice) -> Note:
    (down, across), um = lattice.window(mark.block), lattice.um_per_px
    return Note(
        names=names,
        x_um=across.start * um,
        y_um=down.start * um,
        width_um=(across.stop - across.start) * um,
        height_um=(down.stop - down.start) * um,
        mark=mark,
    )


def write_notes_csv(path: Path, notes: Iterable[Note]) -> None:
    """Write what was noted, a row a place.

    `cell` is empty where the place was a cell of another size. `reviewed` is 1 or 0, `excluded`
    the reason for which it was left out in review.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    write_table(path, NOTE_COLUMNS, [_row(note) for note in notes])


def _row(note: Note) -> Sequence[Value]:
    name, mark = next(iter(note.names), ""), note.mark
    section, *_ = name.rpartition(" ")
    return (
        section,
        name,
        note.x_um,
        note.y_um,
        note.width_um,
        note.height_um,
        int(mark.reviewed),
        str(mark.excluded or ""),
        mark.comment,
        mark.author,
        mark.time,
    )
