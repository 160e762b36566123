"""What goes on inside a network on ordinary tissue: needed to compute it in 8-bit integers."""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_MEANS: Final = "activations.means."
_RANGE: Final = "activations.range."


@dataclass(frozen=True)
class Layer:
    """What one layer gave, seen over many images.

    Attributes
    ----------
    means
        (channels,) float64.
    least, most
        Over all channels; a layer that ends in a ReLU gives 0 at least.
    """

    means: NDArray[np.float64]
    least: float
    most: float


@dataclass(frozen=True)
class Activations:
    """The layers of a network by the names of their modules: ``down.0.1``, ``enlarge.2``."""

    layers: dict[str, Layer]

    def tensors(self) -> dict[str, Tensor]:
        """As a weights file keeps them."""
        kept = {}
        for name, layer in self.layers.items():
            kept[_MEANS + name] = torch.from_numpy(layer.means.astype(np.float32))
            kept[_RANGE + name] = torch.tensor([layer.least, layer.most])
        return kept

    @classmethod
    def parted(cls, tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], Self | None]:
        """Part what a weights file holds: weights, and what :meth:`tensors` gave, if anything."""
        weights = {n: t for n, t in tensors.items() if not n.startswith((_MEANS, _RANGE))}
        layers = {}
        for key in tensors.keys() - weights.keys():
            name = key.removeprefix(_MEANS)
            if name != key and _RANGE + name in tensors:
                least, most = tensors[_RANGE + name].tolist()
                layers[name] = Layer(tensors[key].double().numpy(), least, most)
        return weights, cls(layers) if layers else None
