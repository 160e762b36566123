"""The densest cells of a slide, ranked."""

from collections.abc import Iterable

from napari_glioma_density.density.grid import Cell
from napari_glioma_density.density.patches import ENOUGH_TISSUE

_ROUNDING = 1e-9
"""What areas that are the same may differ by, in mm² and in µm² or by other sides."""


def rank_hotspots(
    cells: Iterable[Cell],
    most: int = 10,
    *,
    ranked_by: Iterable[Cell] | None = None,
) -> tuple[Cell, ...]:
    """Rank cells by nucleus area over tissue area, densest first, ties by address.

    Cells of several sections, one after another, are ranked together. Cells of which less
    than half is tissue that was read and counts are left out, and so are cells that
    their grid's edge clips to less than half of the largest: a sliver says little.

    Parameters
    ----------
    cells
        The cells to return, with the values to show.
    most
        How many at most.
    ranked_by
        The same cells with the values that decide: those of the model, so that a cell does not
        rise merely because someone looked at it and added nuclei. `cells` themselves when None.
    """
    shown = {_place(cell): cell for cell in cells}
    deciding = tuple(shown.values() if ranked_by is None else ranked_by)
    half_um2 = max(map(_area_um2, deciding), default=0.0) / 2
    worthy = (
        cell
        for cell in deciding
        if _area_um2(cell) >= (1 - _ROUNDING) * half_um2
        and cell.tissue_mm2 >= (1 - _ROUNDING) * ENOUGH_TISSUE * _area_um2(cell) / 1e6
    )
    ranked = sorted(worthy, key=lambda cell: (-_tissue_density(cell), *_place(cell)))
    places = (_place(cell) for cell in ranked[:most])
    return tuple(shown[place] for place in places if place in shown)


def _area_um2(cell: Cell) -> float:
    return cell.width_um * cell.height_um


def _place(cell: Cell) -> tuple[int, str, int, int]:
    # S10 comes after S2.
    return len(cell.section), cell.section, cell.row, cell.column


def _tissue_density(cell: Cell) -> float:
    return cell.tissue_density_percent or 0.0
