"""Slides: opening them, reading their pixels, their µm/px, and where there is tissue."""

from napari_glioma_density.slides.fingerprint import fingerprint_of, pseudonym_of
from napari_glioma_density.slides.opening import open_slide
from napari_glioma_density.slides.places import TISSUE_PX
from napari_glioma_density.slides.resolution import Resolution
from napari_glioma_density.slides.slide import Slide
from napari_glioma_density.slides.source import Level, Pixels, TileSource
from napari_glioma_density.slides.tissue import (
    TissueKind,
    TissueMap,
    find_tissue,
    tissue_px,
    whole_slide_tissue,
)
from napari_glioma_density.slides.working import WorkingPlane, working_plane

__all__ = [
    "TISSUE_PX",
    "Level",
    "Pixels",
    "Resolution",
    "Slide",
    "TileSource",
    "TissueKind",
    "TissueMap",
    "WorkingPlane",
    "find_tissue",
    "fingerprint_of",
    "open_slide",
    "pseudonym_of",
    "tissue_px",
    "whole_slide_tissue",
    "working_plane",
]
