"""Colour: what the network is fed, and whether a slide is brightfield at all."""

from napari_glioma_density.stain.brightfield import NotBrightfield, refuse_unless_brightfield
from napari_glioma_density.stain.normalise import (
    INPUTS,
    ColourInput,
    colour_input,
    normalise,
)
from napari_glioma_density.stain.optical import STAINS, UNMIX, Statistics, optical_density
from napari_glioma_density.stain.ratio import rgb, rgb_ratio
from napari_glioma_density.stain.some_pixels import some_pixels

__all__ = [
    "INPUTS",
    "STAINS",
    "UNMIX",
    "ColourInput",
    "NotBrightfield",
    "Statistics",
    "colour_input",
    "normalise",
    "optical_density",
    "refuse_unless_brightfield",
    "rgb",
    "rgb_ratio",
    "some_pixels",
]
