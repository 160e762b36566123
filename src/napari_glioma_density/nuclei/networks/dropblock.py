"""DropBlock: drops whole squares of a feature map while training."""

import torch
from torch import Tensor, nn
from torch.nn import functional


def seed_probability(height: int, width: int, rate: float, side: int) -> float:
    """Bernoulli probability of a block's centre, P1 eq. 2 on the true feature size.

    Parameters
    ----------
    height, width
        Sides of the feature map, px.
    rate
        Share of the map to drop, R_drop, 0–1.
    side
        Side of a dropped square, L_block, px.

    Returns
    -------
    float
        γ = R_drop·H·W / ((H − L + 1)·(W − L + 1)·L²); for H, W ≫ L this is eq. 3, R_drop / L².
    """
    centres = (height - side + 1) * (width - side + 1)
    return min(1.0, rate * height * width / (centres * side**2))


class DropBlock(nn.Module):
    """Zero random squares of each channel in training; the identity otherwise (P1 eq. 2, 3).

    Parameters
    ----------
    rate
        Share of each feature map to drop, R_drop, 0–1. The trainer may move it while training.
    side
        Side of a dropped square, L_block, px; odd. Maps smaller than it use their own side.

    Notes
    -----
    P1 states the seeds both ways round; as in the published method a seed *drops* with
    probability γ. Kept values are rescaled by the kept share, so that the mean activation at
    inference is the one seen in training.
    """

    def __init__(self, rate: float = 0.1, side: int = 3) -> None:
        super().__init__()
        if side % 2 == 0:
            raise ValueError(f"DropBlock needs an odd side, not {side}")
        self.rate = rate
        self.side = side

    def forward(self, features: Tensor) -> Tensor:
        """Drop squares of ``features`` (n, channels, height, width) when training."""
        if not self.training or self.rate <= 0:
            return features
        kept = self._kept(features)
        return features * (kept * (kept.numel() / kept.sum().clamp(min=1)))

    def _kept(self, features: Tensor) -> Tensor:
        count, channels, height, width = features.shape
        largest = min(height, width)
        side = min(self.side, largest - 1 + largest % 2)
        gamma = seed_probability(height, width, self.rate, side)
        # Centres lie where the whole square fits, the (L_feat − L_block + 1)² of eq. 2.
        shape = (count, channels, height - side + 1, width - side + 1)
        seeds = torch.rand(shape, device=features.device).lt(gamma).to(features.dtype)
        reach = side // 2
        squares = functional.max_pool2d(
            functional.pad(seeds, (reach,) * 4), kernel_size=side, stride=1, padding=reach
        )
        return 1 - squares

    def extra_repr(self) -> str:
        """Rate and side, for the printed network."""
        return f"rate={self.rate}, side={self.side}"
