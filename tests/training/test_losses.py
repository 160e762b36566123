"""Losses: against PyTorch's own and by hand; blind where the truth is not known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from napari_glioma_density.training.losses import LOSSES, cross_entropy, dice

Loss = Callable[[Tensor, Tensor, Tensor | None], Tensor]


@pytest.fixture
def logits() -> Tensor:
    return torch.randn(2, 2, 6, 7, generator=torch.Generator().manual_seed(1), requires_grad=True)


@pytest.fixture
def share() -> Tensor:
    return torch.rand(2, 6, 7, generator=torch.Generator().manual_seed(2))


@pytest.fixture
def weight() -> Tensor:
    weight = torch.ones(2, 6, 7)
    weight[0, :3] = 0
    weight[1, 2, 5] = 0
    return weight


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_gradients_vanish_in_ignore_zones_and_nowhere_else(
    loss: Loss, logits: Tensor, share: Tensor, weight: Tensor
) -> None:
    loss(logits, share, weight).backward()
    assert logits.grad is not None
    felt = logits.grad.abs().sum(dim=1) > 0
    assert torch.equal(felt, weight > 0)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_truth_in_ignore_zones_does_not_matter(
    loss: Loss, logits: Tensor, share: Tensor, weight: Tensor
) -> None:
    other = torch.where(weight > 0, share, 1 - share)
    assert torch.equal(loss(logits, share, weight), loss(logits, other, weight))
    assert not torch.equal(loss(logits, share, None), loss(logits, other, None))


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_weights_of_one_change_nothing(loss: Loss, logits: Tensor, share: Tensor) -> None:
    ones = torch.ones_like(share)
    assert torch.allclose(loss(logits, share, ones), loss(logits, share, None))


def test_cross_entropy_is_the_mean_over_what_counts(logits: Tensor, weight: Tensor) -> None:
    mask = (torch.arange(84).reshape(2, 6, 7) % 3 == 0).long()
    each = functional.cross_entropy(logits, mask, reduction="none")
    assert torch.allclose(cross_entropy(logits, mask.float(), weight), each[weight > 0].mean())


def test_dice_is_that_of_the_px_that_count(logits: Tensor, share: Tensor, weight: Tensor) -> None:
    inside = weight > 0
    probability, truth = logits.softmax(dim=1)[:, 1][inside], share[inside]
    overlap = 2 * (probability * truth).sum()
    by_hand = 1 - (overlap + 1) / (probability.sum() + truth.sum() + 1)
    assert torch.allclose(dice(logits, share, weight), by_hand)


def test_a_batch_of_which_nothing_counts_has_no_gradient(logits: Tensor, share: Tensor) -> None:
    LOSSES["cross-entropy + dice"](logits, share, torch.zeros_like(share)).backward()
    assert logits.grad is not None
    assert not logits.grad.any()
