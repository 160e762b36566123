"""Colour: what the network is fed, and whether a slide is brightfield at all."""

from napari_glioma_density.stain.brightfield import refuse_unless_brightfield
from napari_glioma_density.stain.normalise import INPUTS, normalise, normaliser, rgb, rgb_ratio

__all__ = [
    "INPUTS",
    "normalise",
    "normaliser",
    "refuse_unless_brightfield",
    "rgb",
    "rgb_ratio",
]
