"""Plots of a slide's densities, for the screen, for files and for the report."""

import napari_glioma_density.lettering  # noqa: F401 - before all else: it imports matplotlib

# isort: split
from napari_glioma_density.exchange.plots.bands import draw_band_shares, draw_patch_histogram
from napari_glioma_density.exchange.plots.files import figure_bytes, save_figure
from napari_glioma_density.exchange.plots.profile import decay_text, draw_profile
from napari_glioma_density.exchange.plots.words import Language

__all__ = [
    "Language",
    "decay_text",
    "draw_band_shares",
    "draw_patch_histogram",
    "draw_profile",
    "figure_bytes",
    "save_figure",
]
