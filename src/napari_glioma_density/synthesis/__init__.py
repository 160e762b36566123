"""Made-up H&E slides of glioma with known nuclei, and the sample slides offered in napari."""

from napari_glioma_density.synthesis.layout import Layout
from napari_glioma_density.synthesis.samples import fetch_cmu_small_region, sample_slide
from napari_glioma_density.synthesis.scene import Region, draw_region
from napari_glioma_density.synthesis.synthesize import synthesize
from napari_glioma_density.synthesis.traps import traps_of, traps_path
from napari_glioma_density.synthesis.truth import Truth

__all__ = [
    "Layout",
    "Region",
    "Truth",
    "draw_region",
    "fetch_cmu_small_region",
    "sample_slide",
    "synthesize",
    "traps_of",
    "traps_path",
]
