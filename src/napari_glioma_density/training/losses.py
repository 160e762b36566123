"""Losses between two-class logits and the true share of nucleus in each pixel."""

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, share: Tensor, weight: Tensor | None = None) -> Tensor:
    """Softmax cross-entropy of logits (n, 2, h, w) against shares (n, h, w) of 0–1 (P1).

    For shares of 0 and 1 alone it is that of a mask. ``weight`` (n, h, w), 0–1, says how much
    each px counts; the mean is over what counts.
    """
    target = torch.stack([1 - share, share], dim=1)
    if weight is None:
        return functional.cross_entropy(logits, target)
    each = functional.cross_entropy(logits, target, reduction="none")
    return (each * weight).sum() / weight.sum().clamp(min=1)


def dice(logits: Tensor, share: Tensor, weight: Tensor | None = None) -> Tensor:
    """One minus the soft Dice of the nucleus class over all px of the batch that count.

    It is taken over the batch and not over each crop: otherwise, in a crop without nuclei, every
    faint false probability would cost as much as a wholly missed field.
    """
    probability = logits.softmax(dim=1)[:, 1]
    counted = probability if weight is None else probability * weight
    share = share if weight is None else share * weight
    overlap = (probability * share).sum()
    return 1 - (2 * overlap + 1) / (counted.sum() + share.sum() + 1)


def cross_entropy_dice(logits: Tensor, share: Tensor, weight: Tensor | None = None) -> Tensor:
    """Sum of :func:`cross_entropy` and :func:`dice`."""
    return cross_entropy(logits, share, weight) + dice(logits, share, weight)


LOSSES: Final[dict[str, Callable[[Tensor, Tensor, Tensor | None], Tensor]]] = {
    "cross-entropy": cross_entropy,
    "cross-entropy + dice": cross_entropy_dice,
}
"""Losses by the name that recipes use."""
