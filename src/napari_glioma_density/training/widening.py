"""A trained network as the beginning of a wider one that gives the same."""

import torch
from torch import Tensor, nn

from napari_glioma_density.nuclei.networks.unet import UNet


def take_over(network: nn.Module, parent: nn.Module) -> None:
    """Give ``network`` what ``parent`` has learnt; it may have more channels.

    The parent's channels become the first of every layer and take no input from the new ones; the
    new ones keep their random weights and take input from all. So in evaluation mode the network
    gives what the parent gives, and its new part is free to learn (the idea of Net2Net: Chen,
    Goodfellow and Shlens 2016, arXiv 1511.05641).

    Parameters
    ----------
    network
        Of the parent's architecture, no layer of it having fewer channels; changed in place.
    parent
        Left as it is.
    """
    two_layers = _fed_by_two_layers(network)
    known, state = parent.state_dict(), network.state_dict()
    with torch.no_grad():
        for name, module in network.named_modules():
            weight = f"{name}.weight"
            if isinstance(module, nn.Conv2d):
                _embed(state.pop(weight), known[weight], layers=2 if module in two_layers else 1)
            elif isinstance(module, nn.ConvTranspose2d):
                _embed(state.pop(weight).transpose(0, 1), known[weight].transpose(0, 1), layers=1)
        for name, tensor in state.items():  # biases and batch normalisation: by channel
            learnt = known[name]
            (tensor[: len(learnt)] if tensor.dim() else tensor).copy_(learnt)


def _fed_by_two_layers(network: nn.Module) -> set[nn.Module]:
    """The convolutions that see a skip's channels and then those of what was enlarged."""
    stages = network.up if isinstance(network, UNet) else ()
    return {
        next(part for part in stage.modules() if isinstance(part, nn.Conv2d)) for stage in stages
    }


def _embed(weights: Tensor, known: Tensor, layers: int) -> None:
    """Put known weights (out, in, …) among wider ones; known outputs see known inputs alone."""
    outputs, inputs = known.shape[:2]
    shift = (weights.shape[1] - inputs) // layers
    places = torch.arange(inputs).view(layers, -1) + shift * torch.arange(layers).view(-1, 1)
    weights[:outputs] = 0
    weights[:outputs, places.flatten()] = known
