"""Colour inputs of the networks, by the names their specifications use.

Each takes uint8 RGB images (…, 3) and returns float32 of the same shape in 0–1.
"""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import ModelError

Normaliser = Callable[[NDArray[np.uint8]], NDArray[np.float32]]

_FULL = np.float32(255)


def rgb(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale the colours as they are to 0–1."""
    return images.astype(np.float32) / _FULL


def rgb_ratio(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Divide each channel by the sum of the three (P1, eq. 1).

    r = R/(R+G+B), and so for g and b: brightness goes, and with it much of fading and uneven
    staining; hue stays. A black px, for which the equation has no value, is 1/3 in each channel.
    """
    colours = images.astype(np.float32)
    total = colours.sum(axis=-1, keepdims=True)
    is_black = total == 0
    return np.where(is_black, np.float32(1 / 3), colours / np.where(is_black, np.float32(1), total))


INPUTS: MappingProxyType[str, Normaliser] = MappingProxyType({"rgb": rgb, "rgb ratio": rgb_ratio})


def normaliser(name: str) -> Normaliser:
    """Return the normaliser a model specification names.

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


def normalise(images: NDArray[np.uint8], name: str) -> NDArray[np.float32]:
    """Turn images (n, height, width, 3) into the input that a specification names.

    Raises
    ------
    ModelError
        When there is none of that name.
    """
    return normaliser(name)(images)
