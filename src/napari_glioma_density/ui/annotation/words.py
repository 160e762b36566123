"""What the annotation dock says."""

from collections.abc import Sequence

from napari_glioma_density.annotation.field import Choice, FieldRecord
from napari_glioma_density.density import Block, CellGrid
from napari_glioma_density.findings.random_fields import FEWEST_FIELDS, CorrectionFactor
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.findings.written import span
from napari_glioma_density.ui import words
from napari_glioma_density.ui.annotation.figures import field_densities
from napari_glioma_density.ui.annotation.shelved import ShelvedField


def field_name(record: FieldRecord, grid: CellGrid | None) -> str:
    """Return a field's name: the cell it begins in and, where a cell has several, the patch."""
    block = record.block
    if grid is None:
        return f"Patch {block.row + 1}·{block.column + 1}"
    side = grid.patches_per_cell
    cell = grid.address(*grid.cell_of(block.row, block.column))
    last = grid.address(*grid.cell_of(block.row + block.rows - 1, block.column + block.columns - 1))
    if last != cell:
        return f"Cells {cell}–{last}"
    if side == 1 or (block.rows, block.columns) == (side, side):
        return f"Cell {cell}"
    first = grid.covered
    row, column = (block.row - first.row) % side, (block.column - first.column) % side
    return f"Cell {cell}, patch {row + 1}·{column + 1}"


def opened_instead(name: str) -> str:
    """Return what is said when the field asked for overlaps one that is there already."""
    return f"There is a field here: {name}, opened as it was left. Remove it to begin another."


def correction(snapshot: Snapshot, block: Block) -> list[str]:
    """Return what a field changes: its own density, then its cell's and the cell's rank."""
    own = _field_line(snapshot, block)
    place = snapshot.grid.cell_of(block.row, block.column)
    cell, model = snapshot.cell(*place), snapshot.model_cell(*place)
    lines = [own] if own else []
    if cell is not None and model is not None:
        lines.append(
            f"Cell {cell.address}: {words.percent(model.tissue_density_percent)} by the model, "
            f"{words.percent(cell.tissue_density_percent)} corrected{_rank(snapshot, place)}"
        )
    return lines


def _field_line(snapshot: Snapshot, block: Block) -> str:
    model, corrected = field_densities(snapshot, block)
    if model is None:
        return "Not estimated yet: it counts once the estimate has been here."
    return f"Field: {words.percent(model)} by the model, {words.percent(corrected)} corrected"


def _rank(snapshot: Snapshot, place: tuple[int, int]) -> str:
    ranked = [(cell.row, cell.column) for cell in snapshot.hotspots]
    return f", rank {ranked.index(place) + 1}" if place in ranked else ""


def _told_nothing(random: Sequence[ShelvedField]) -> str:
    """Return why random fields say nothing of the model on show."""
    if all(field.drawn_by_other for field in random):
        return "These random fields began with another model's outlines and tell of that one"
    if all(field.learnt for field in random):
        return "The model on show learnt from these random fields"
    return "The model on show learnt from these random fields, or they show another one's outlines"


def factor_line(factor: CorrectionFactor | None, fields: Sequence[ShelvedField]) -> str:
    """Return what random fields say of the slide; empty when none was drawn."""
    random = [field for field in fields if field.record.choice is Choice.RANDOM]
    drawn = [field for field in random if field.tells_of_error]
    if not random:
        return ""
    if not drawn:
        return f"{_told_nothing(random)}: sample others to check it."
    if factor is None:
        done = sum(field.done for field in drawn)
        told = "with three done they tell how far the slide is off."
        if done >= FEWEST_FIELDS:
            told = "nothing was found or changed in them, so how sure this model is cannot be told."
        return f"Random fields: {done} of {len(drawn)} done; {told}"
    return (
        f"Slide, from {factor.fields} random fields: nuclear area × {factor.factor:.2f} "
        f"(95 % interval {span(factor.interval, 2)})"
    )
