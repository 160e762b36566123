"""The result store beside a slide, and the tables and pictures made from it."""

from napari_glioma_density.results.blocks import BlockRecord, BlockResult
from napari_glioma_density.results.finished import patches_with_tissue
from napari_glioma_density.results.heatmap import draw_heatmap, write_heatmap
from napari_glioma_density.results.location import find_store, store_path
from napari_glioma_density.results.nuclei import NUCLEUS_DTYPE
from napari_glioma_density.results.run import Run
from napari_glioma_density.results.spec import RunSpec
from napari_glioma_density.results.store import ResultStore
from napari_glioma_density.results.summary import summary, write_summary
from napari_glioma_density.results.tables import write_grid_csv, write_patches_csv

__all__ = [
    "NUCLEUS_DTYPE",
    "BlockRecord",
    "BlockResult",
    "ResultStore",
    "Run",
    "RunSpec",
    "draw_heatmap",
    "find_store",
    "patches_with_tissue",
    "store_path",
    "summary",
    "write_grid_csv",
    "write_heatmap",
    "write_patches_csv",
    "write_summary",
]
