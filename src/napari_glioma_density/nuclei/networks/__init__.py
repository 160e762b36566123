"""Networks that segment nuclei, one file each."""

from collections.abc import Callable
from typing import Final

from torch import nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.spec import ModelSpec

ARCHITECTURES: Final[dict[str, Callable[[ModelSpec], nn.Module]]] = {
    "unet": UNet,
    "unet-dropblock": UNet,
}
"""Networks by the name that specs, weights and ``--model`` use."""


def build_network(spec: ModelSpec) -> nn.Module:
    """Build the untrained network that ``spec`` describes.

    Raises
    ------
    ModelError
        When the architecture is not known.
    """
    try:
        build = ARCHITECTURES[spec.architecture]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise ModelError(f"{spec.architecture}: no such network; choose one of: {known}") from None
    return build(spec)


__all__ = ["ARCHITECTURES", "build_network"]
