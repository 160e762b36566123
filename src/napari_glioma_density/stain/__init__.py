"""Colour: what the network is fed, and whether a slide is brightfield at all."""

from napari_glioma_density.stain.brightfield import NotBrightfield, refuse_unless_brightfield
from napari_glioma_density.stain.normalise import INPUTS, normalise, normaliser, rgb, rgb_ratio

__all__ = [
    "INPUTS",
    "NotBrightfield",
    "normalise",
    "normaliser",
    "refuse_unless_brightfield",
    "rgb",
    "rgb_ratio",
]
