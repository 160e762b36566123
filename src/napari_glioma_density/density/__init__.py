"""Nuclear density of patches and cells, bands, grid and hotspots: numbers alone, numpy alone."""

from napari_glioma_density.density.bands import (
    COLOUR_BLIND_BANDS,
    NO_BAND,
    PAPER_BANDS,
    BandScale,
    band_of,
    slide_quantile_bands,
)
from napari_glioma_density.density.bland_altman import BlandAltman, bland_altman
from napari_glioma_density.density.corrections import (
    CorrectedCell,
    CorrectedPatches,
    measure_corrected_cells,
)
from napari_glioma_density.density.exclusions import PART_DTYPE, Exclusions, leave_out
from napari_glioma_density.density.grid import (
    CELL_SIDES_MM,
    Address,
    Cell,
    CellGrid,
    cell_address,
    cell_grid,
    measure_cells,
    parse_address,
)
from napari_glioma_density.density.hotspots import rank_hotspots
from napari_glioma_density.density.lattice import (
    PATCH_PX,
    Block,
    Lattice,
    partition,
    patch_numbers,
    patches_of,
)
from napari_glioma_density.density.patches import PatchState, PatchTable, Totals

__all__ = [
    "CELL_SIDES_MM",
    "COLOUR_BLIND_BANDS",
    "NO_BAND",
    "PAPER_BANDS",
    "PART_DTYPE",
    "PATCH_PX",
    "Address",
    "BandScale",
    "BlandAltman",
    "Block",
    "Cell",
    "CellGrid",
    "CorrectedCell",
    "CorrectedPatches",
    "Exclusions",
    "Lattice",
    "PatchState",
    "PatchTable",
    "Totals",
    "band_of",
    "bland_altman",
    "cell_address",
    "cell_grid",
    "leave_out",
    "measure_cells",
    "measure_corrected_cells",
    "parse_address",
    "partition",
    "patch_numbers",
    "patches_of",
    "rank_hotspots",
    "slide_quantile_bands",
]
