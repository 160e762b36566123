"""A network that training goes on from, and how much of it is kept."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import nn

from napari_glioma_density.nuclei.learnt import NOTHING, Learnt
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import load_network


@dataclass(frozen=True)
class StartingPoint:
    """The parent of a model to be.

    Attributes
    ----------
    spec, path, sha256
        The parent; its file is read and left as it is.
    learnt
        What the parent learnt from.
    mixture
        Share of the new weights in what is kept, the rest being the parent's; see :func:`mixed`.
    """

    spec: ModelSpec
    path: Path
    sha256: str
    learnt: Learnt = NOTHING
    mixture: float = 1.0

    @classmethod
    def of(cls, model: Model, mixture: float = 1.0) -> Self:
        """Start from a model of the registry."""
        return cls(model.spec, model.path, model.sha256, model.learnt, mixture)

    @property
    def parent(self) -> str:
        """The parent as the child's spec names it: ``fast 1a2b3c4d5e6f``."""
        return f"{self.spec.name} {self.sha256[:12]}"

    def network(self) -> nn.Module:
        """The parent, in evaluation mode, its weights never to change."""
        return load_network(self.path)[1].requires_grad_(False)

    def as_dict(self) -> dict[str, Any]:
        """What a resumed run must share with the one that was killed."""
        return {"sha256": self.sha256, "mixture": self.mixture}


def mixed(parent: nn.Module, child: nn.Module, share: float) -> nn.Module:
    """A network whose every weight is ``share`` of the child's and the rest the parent's.

    That gives up a little of what the child has learnt and brings back much of what it has
    forgotten (WiSE-FT: Wortsman et al. 2022, DOI 10.1109/CVPR52688.2022.00780).
    """
    network = copy.deepcopy(child)
    learnt, known = child.state_dict(), parent.state_dict()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.lerp(known[name], learnt[name], share))
    return network.eval()
