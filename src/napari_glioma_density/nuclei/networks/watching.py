"""Watch what goes on inside a network while it looks at ordinary tissue."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from napari_glioma_density.nuclei.networks.activations import Activations, Layer
from napari_glioma_density.nuclei.networks.unet import Convolution, UNet


def observed(network: UNet, batches: Iterable[Tensor]) -> Activations:
    """Watch a network look at ordinary images.

    Parameters
    ----------
    network
        In evaluation mode; left as it was.
    batches
        Images (n, c, h, w) as the network takes them, on its device; at least one.
    """
    watches = {name: _Watch(layer) for name, layer in _watched(network).items()}
    try:
        with torch.inference_mode():
            for images in batches:
                network(images)
    finally:
        for watch in watches.values():
            watch.hook.remove()
    return Activations({name: watch.layer() for name, watch in watches.items()})


def _watched(network: UNet) -> dict[str, nn.Module]:
    """The layers whose values go into another by name."""
    kinds = Convolution | nn.ConvTranspose2d
    return {name: one for name, one in network.named_modules() if isinstance(one, kinds)}


class _Watch:
    """Sums and extremes of a layer's values."""

    def __init__(self, layer: nn.Module) -> None:
        self._count = 0
        self._sums = self._least = self._most = torch.zeros(1)
        self.hook = layer.register_forward_hook(self._see)

    def _see(self, _: nn.Module, __: object, values: Tensor) -> None:
        self._count += values.numel() // values.shape[1]
        self._sums = self._sums + values.double().sum(dim=(0, 2, 3)).cpu()
        self._least = torch.minimum(self._least, values.amin(dim=(0, 2, 3)).cpu())
        self._most = torch.maximum(self._most, values.amax(dim=(0, 2, 3)).cpu())

    def layer(self) -> Layer:
        seen = self._sums / self._count, self._least, self._most
        return Layer(*(each.double().numpy() for each in seen))
