"""Colour inputs of the networks, by the names their specifications use.

Each input turns uint8 RGB images (…, 3) into float32 channels, mostly within 0–1. Some are first
fitted to the slide by a few numbers taken once from all over its tissue. They are never fitted to
single tiles: in a tile of mere background that would find nuclei.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import ModelError
from napari_glioma_density.stain.light import WHITE, in_white_light, slide_light
from napari_glioma_density.stain.optical import Statistics
from napari_glioma_density.stain.ratio import rgb, rgb_ratio
from napari_glioma_density.stain.reinhard import TYPICAL as TYPICAL_COLOURS
from napari_glioma_density.stain.reinhard import match_colours, reinhard
from napari_glioma_density.stain.relative import TYPICAL as TYPICAL_DARKNESS
from napari_glioma_density.stain.relative import colours_and_darkness, relative
from napari_glioma_density.stain.stain_matching import TYPICAL as TYPICAL_STAINS
from napari_glioma_density.stain.stain_matching import macenko, match_stains, vahadane

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class ColourInput:
    """What a network is fed."""

    channels: int
    apply: Callable[[Pixels, Statistics], NDArray[np.float32]]
    """Images (…, 3) and a slide's statistics to channels (…, channels)."""
    fit: Callable[[Pixels], Statistics] = lambda _: ()
    """Pixels (n, 3) from all over a slide to its statistics."""
    typical: Statistics = ()
    """Statistics to use where a slide's own are not known."""

    @property
    def is_fitted(self) -> bool:
        """Whether the slide's own statistics are used."""
        return bool(self.typical)


def _in_white_light(
    fit: Callable[[Pixels], Statistics],
    apply: Callable[[Pixels, Statistics], NDArray[np.float32]],
    typical: Statistics,
) -> ColourInput:
    """A method of the literature, once the slide's own light has been made white.

    Its statistics follow the three of the light.
    """
    whole = (*WHITE, *typical)

    def fit_in_light(pixels: Pixels) -> Statistics:
        light = slide_light(pixels)
        fitted = fit(in_white_light(pixels, light))
        return whole if fitted == typical else (*light, *fitted)

    def apply_in_light(images: Pixels, statistics: Statistics) -> NDArray[np.float32]:
        return apply(in_white_light(images, statistics[:3]), statistics[3:])

    return ColourInput(3, apply_in_light, fit_in_light, whole)


def _rgb_and_ratio(images: Pixels, _: Statistics) -> NDArray[np.float32]:
    return np.concatenate([rgb(images), rgb_ratio(images)], axis=-1)


INPUTS: MappingProxyType[str, ColourInput] = MappingProxyType(
    {
        "rgb": ColourInput(3, lambda images, _: rgb(images)),
        "rgb ratio": ColourInput(3, lambda images, _: rgb_ratio(images)),
        "rgb + ratio": ColourInput(6, _rgb_and_ratio),
        "macenko": _in_white_light(macenko, match_stains, TYPICAL_STAINS),
        "reinhard": _in_white_light(reinhard, match_colours, TYPICAL_COLOURS),
        "vahadane": _in_white_light(vahadane, match_stains, TYPICAL_STAINS),
        "rgb + relative": ColourInput(5, colours_and_darkness, relative, TYPICAL_DARKNESS),
    }
)


def colour_input(name: str) -> ColourInput:
    """Return the input a model specification names.

    Raises
    ------
    ModelError
        When there is none of that name.
    """
    try:
        return INPUTS[name]
    except KeyError:
        known = ", ".join(f'"{known}"' for known in INPUTS)
        raise ModelError(
            f'colour input "{name}" is unknown; a model takes one of {known}'
        ) from None


def normalise(
    images: NDArray[np.uint8], name: str, statistics: Statistics = ()
) -> NDArray[np.float32]:
    """Turn images (n, height, width, 3) into the input that a specification names.

    Parameters
    ----------
    images
        uint8 RGB.
    name
        A name of :data:`INPUTS`.
    statistics
        What the input's ``fit`` found on the slide; typical ones when empty.

    Raises
    ------
    ModelError
        When there is no input of that name.
    """
    chosen = colour_input(name)
    return chosen.apply(images, statistics or chosen.typical)
