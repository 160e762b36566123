"""Colour inputs as tensors, and those computed where the network is: plain arithmetic px by px."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_glioma_density.stain import Statistics, normalise
from napari_glioma_density.stain.relative import LEAST_STEP, RANGE, UNMIX_HAEMATOXYLIN


def as_input(images: NDArray[np.uint8], name: str, statistics: Statistics = ()) -> Tensor:
    """Normalise images (n, h, w, 3) uint8 to (n, channels, h, w), float32, channels last."""
    channels = normalise(images, name, statistics)
    # The permuted view of an interleaved array *is* channels_last.
    return torch.from_numpy(channels).permute(0, 3, 1, 2)


def _rgb(images: Tensor, _: Statistics) -> Tensor:
    return images.float() / 255


def _rgb_ratio(images: Tensor, _: Statistics) -> Tensor:
    """P1, eq. 1; a black px is 1/3 in each channel."""
    colours = images.float()
    total = colours.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, colours / total.clamp(min=1), 1 / 3)


def _rgb_and_ratio(images: Tensor, statistics: Statistics) -> Tensor:
    return torch.cat([_rgb(images, statistics), _rgb_ratio(images, statistics)], dim=-1)


def _rgb_and_relative(images: Tensor, statistics: Statistics) -> Tensor:
    red_low, red_high, low, high = statistics
    colours = images.float() / 255
    density = -colours.clamp(min=1 / 255).log()
    unmix = torch.tensor(UNMIX_HAEMATOXYLIN.tolist(), device=images.device)
    haematoxylin = density @ unmix
    planes = _between(density[..., 0], red_low, red_high), _between(haematoxylin, low, high)
    return torch.cat([colours, torch.stack(planes, dim=-1)], dim=-1)


def _between(values: Tensor, low: float, high: float) -> Tensor:
    return ((values - low) / max(high - low, LEAST_STEP)).clamp(*RANGE)


TENSOR_INPUTS: MappingProxyType[str, Callable[[Tensor, Statistics], Tensor]] = MappingProxyType(
    {
        "rgb": _rgb,
        "rgb ratio": _rgb_ratio,
        "rgb + ratio": _rgb_and_ratio,
        "rgb + relative": _rgb_and_relative,
    }
)
"""By the names of ``stain.INPUTS``: uint8 images (n, h, w, 3) and a slide's statistics to float32
channels (n, h, w, channels), equal to NumPy's to rounding. The others are left to the processor."""
