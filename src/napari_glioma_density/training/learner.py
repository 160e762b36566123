"""What changes while a network is trained."""

import copy
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.dropblock import DropBlock
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.recipe import Recipe
from napari_glioma_density.training.starting_point import StartingPoint, mixed
from napari_glioma_density.training.widening import take_over


@dataclass(frozen=True)
class Learner:
    """The network, the moving average of its weights, the optimiser's memory."""

    network: nn.Module
    average: nn.Module
    optimiser: Optimizer
    parent: nn.Module | None = None
    """What it was at the beginning, where that was a trained network."""
    mixture: float = 1.0
    """Share of what was learnt in what is kept; the rest is the parent's."""

    @property
    def device(self) -> str:
        """Where all of it is: cpu or cuda."""
        return next(self.network.parameters()).device.type

    def kept(self) -> nn.Module:
        """The network that would be kept now, in evaluation mode."""
        if self.parent is None or self.mixture == 1:
            return self.average
        return mixed(self.parent, self.average, self.mixture)

    def set_pace(self, learning_rate: float, drop_rate: float) -> None:
        """Set the learning rate, and R_drop of every DropBlock there is."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        for module in self.network.modules():
            if isinstance(module, DropBlock):
                module.rate = drop_rate

    def update_average(self, decay: float, step: int) -> None:
        """Move the averaged weights; early on faster, so that they forget the random start."""
        keep = min(decay, (1 + step) / (10 + step)) if decay else 0.0
        current, average = self.network.state_dict(), self.average.state_dict()
        moved = [name for name, tensor in average.items() if tensor.is_floating_point()]
        with torch.no_grad():
            # All at once: on a GPU a hundred small steps cost more than the arithmetic.
            torch._foreach_lerp_(
                [average[name] for name in moved], [current[name] for name in moved], 1 - keep
            )
            for name in average.keys() - set(moved):
                average[name].copy_(current[name])


def new_learner(
    spec: ModelSpec, recipe: Recipe, start: StartingPoint | None, device: str
) -> Learner:
    """A network with the weights of ``start``, the rest drawn from the processor's random state."""
    network = build_network(spec)
    if start is not None:
        take_over(network, start.network())
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    parent = None if start is None else copy.deepcopy(average)
    mixture = 1.0 if start is None else start.mixture
    return Learner(network, average, _optimiser(network, recipe), parent, mixture)


def _optimiser(network: nn.Module, recipe: Recipe) -> Optimizer:
    if recipe.optimiser == "sgd":
        return SGD(network.parameters(), lr=recipe.learning_rate)
    return AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
