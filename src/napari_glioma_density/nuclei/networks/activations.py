"""What goes on inside a network on ordinary tissue: needed to compute it in 8-bit integers."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MEANS: Final = "activations.means."
_RANGE: Final = "activations.range."

Channels = NDArray[np.float64]
"""(channels,): a value of each."""


@dataclass(frozen=True)
class Layer:
    """What one layer gave, seen over many images.

    Attributes
    ----------
    means, least, most
        (channels,) float64. A layer that ends in a ReLU gives 0 at least.
    """

    means: Channels
    least: Channels
    most: Channels

    @classmethod
    def of(cls, means: Channels, least: Channels | float, most: Channels | float) -> Self:
        """From a range for each channel, or one for all, as older weights files have it."""
        return cls(means, *(np.broadcast_to(end, means.shape) for end in (least, most)))

    def stepped_range(self) -> tuple[Channels, Channels]:
        """Least and most, (channels,), between which values are to be rounded to steps.

        Half a channel's own range and half the layer's. The layer's alone leaves few steps for
        channels that vary little. The channels' own alone make products so large that their sums
        overflow on processors without instructions for 8-bit integers, and the rounded weights
        err more on tissue unlike what was learnt from.
        """
        return (self.least + self.least.min()) / 2, (self.most + self.most.max()) / 2


@dataclass(frozen=True)
class Activations:
    """The layers of a network by the names of their modules: ``down.0.1``, ``enlarge.2``."""

    layers: dict[str, Layer]

    def tensors(self) -> dict[str, Tensor]:
        """As a weights file keeps them."""
        kept = {}
        for name, layer in self.layers.items():
            kept[_MEANS + name] = torch.from_numpy(layer.means.astype(np.float32))
            between = np.stack([layer.least, layer.most]).astype(np.float32)
            kept[_RANGE + name] = torch.from_numpy(between)
        return kept

    @classmethod
    def parted(cls, tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], Self | None]:
        """Part what a weights file holds: weights, and what :meth:`tensors` gave, if anything."""
        weights = {n: t for n, t in tensors.items() if not n.startswith((_MEANS, _RANGE))}
        layers = {}
        for key in tensors.keys() - weights.keys():
            name = key.removeprefix(_MEANS)
            if name != key and _RANGE + name in tensors:
                least, most = tensors[_RANGE + name].double().numpy()
                layers[name] = Layer.of(tensors[key].double().numpy(), least, most)
        return weights, cls(layers) if layers else None
