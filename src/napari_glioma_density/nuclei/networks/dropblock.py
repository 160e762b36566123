"""DropBlock: drops whole squares of a feature map while training."""

import math
from typing import Final

import torch
from torch import Tensor, nn

_FEWEST: Final = 1e-9
"""Successes so improbable that none is drawn: a schedule may come near a rate of 0."""


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


def bernoulli_places(count: int, probability: float, device: torch.device) -> Tensor:
    """Which of ``count`` independent trials succeed, as sorted int64 indices, then some beyond.

    The gaps between successes of a Bernoulli process are geometric, so drawing gaps takes one
    random number per success instead of one per trial: about a hundredth. A few gaps too many are
    drawn, because counting them would mean waiting for a GPU; the caller passes over the indices
    from ``count`` on.
    """
    if probability >= 1:
        return torch.arange(count, device=device)
    if count * probability < _FEWEST:
        return torch.empty(0, dtype=torch.int64, device=device)
    expected = count * probability
    enough = math.ceil(expected + 6 * math.sqrt(expected) + 16)
    # Inverted by hand: PyTorch's geometric_ overflows where gaps outgrow 32 bits.
    chance = torch.rand(enough, dtype=torch.float64, device=device)
    gaps = chance.neg_().log1p_().div_(math.log1p(-probability)).floor_().add_(1)
    return gaps.cumsum(0).sub_(1).clamp_(max=2.0**62).to(torch.int64)


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

    def __init__(self, rate: float, side: int) -> None:
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
        # Summed in float32: bfloat16 cannot count to a million.
        kept_share = kept.sum(dtype=torch.float32).div_(kept.numel()).clamp_(min=1e-6)
        return features * kept.div_(kept_share)

    def _kept(self, features: Tensor) -> Tensor:
        """1 where ``features`` are kept and 0 in the squares, in their shape and memory order."""
        count, channels, height, width = features.shape
        largest = min(height, width)
        side = min(self.side, largest - 1 + largest % 2)
        gamma = seed_probability(height, width, self.rate, side)
        # Squares are placed by their top left corner, so that the whole square fits: the
        # (L_feat − L_block + 1)² places of eq. 2.
        rows, columns = height - side + 1, width - side + 1
        trials, size = count * rows * columns * channels, features.numel()
        seeds = bernoulli_places(trials, gamma, features.device)
        is_beyond = (seeds >= trials)[:, None]
        channel = seeds % channels
        column = seeds.div(channels, rounding_mode="floor") % columns
        row = seeds.div(channels * columns, rounding_mode="floor")
        row = row.div(rows, rounding_mode="floor") * height + row % rows
        corner = (row * width + column) * channels + channel
        reach = torch.arange(side, device=features.device)
        square = ((reach[:, None] * width + reach) * channels).flatten()
        kept = features.new_ones(size + 1)  # the last one takes what lies beyond
        kept[(corner[:, None] + square).masked_fill(is_beyond, size).flatten()] = 0
        return kept[:size].view(count, height, width, channels).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        """Rate and side, for the printed network."""
        return f"rate={self.rate}, side={self.side}"
