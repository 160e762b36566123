"""The densest cells of a slide, ranked."""

from collections.abc import Iterable

from napari_glioma_density.density.grid import Cell


def rank_hotspots(
    cells: Iterable[Cell], most: int = 10, min_tissue_share: float = 0.5
) -> tuple[Cell, ...]:
    """Rank cells by nucleus area over tissue area, densest first, ties by address.

    Cells with less than `min_tissue_share` of tissue among what was read are left out, and so are
    cells that the slide's edge clips to less than half of the largest: a sliver says little. At
    most `most` cells are returned.
    """
    cells = tuple(cells)
    half_um2 = max((cell.width_um * cell.height_um for cell in cells), default=0.0) / 2
    worthy = (
        cell
        for cell in cells
        if cell.tissue_share >= min_tissue_share and cell.width_um * cell.height_um >= half_um2
    )
    ranked = sorted(worthy, key=lambda cell: (-_tissue_density(cell), cell.row, cell.column))
    return tuple(ranked[:most])


def _tissue_density(cell: Cell) -> float:
    return cell.tissue_density_percent or 0.0
