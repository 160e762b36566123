"""DropBlock against P1's equations 2 and 3."""

import numpy as np
import pytest
import torch
from scipy.stats import binom, kstest

from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.dropblock import (
    DropBlock,
    bernoulli_places,
    seed_probability,
)
from napari_glioma_density.nuclei.spec import ModelSpec

CPU = torch.device("cpu")


def dropped(rate: float, side: int, *shape: int) -> torch.Tensor:
    """Where a map of ones (n, channels, height, width) is dropped."""
    return DropBlock(rate, side)(torch.ones(shape)) == 0


def whole_squares(mask: torch.Tensor, side: int) -> torch.Tensor:
    """What of a mask is covered by squares that lie within it."""
    corners = torch.nn.functional.avg_pool2d(mask.float(), side, stride=1) > 1 - 1e-6
    reach = torch.nn.functional.pad(corners.float(), (side - 1,) * 4)
    return torch.nn.functional.max_pool2d(reach, side, stride=1) == 1


def test_seed_probability_is_equation_2() -> None:
    assert seed_probability(30, 30, rate=0.1, side=3) == pytest.approx(0.1 * 900 / (28**2 * 9))


def test_seed_probability_tends_to_equation_3_on_large_maps() -> None:
    assert seed_probability(4000, 4000, rate=0.1, side=3) == pytest.approx(0.1 / 9, rel=2e-3)


def test_seeds_are_a_bernoulli_process() -> None:
    torch.manual_seed(0)
    count, probability = 2_000_000, 0.011
    places = bernoulli_places(count, probability, CPU).numpy()
    assert places[-1] >= count, "nobody could tell whether there were more"
    places = places[places < count]
    low, high = binom.interval(1 - 1e-6, count, probability)
    assert low < len(places) < high
    assert (np.diff(places) > 0).all()
    assert kstest(places / count, "uniform").pvalue > 1e-4
    # Neighbours are as probable as any two places: what gaps drawn wrongly would miss.
    neighbours = int((np.diff(places) == 1).sum())
    low, high = binom.interval(1 - 1e-6, len(places), probability)
    assert low < neighbours < high


def test_the_first_and_the_last_place_are_as_probable_as_any() -> None:
    torch.manual_seed(0)
    hits = np.zeros(5)
    for _ in range(2000):
        places = bernoulli_places(5, 0.3, CPU).numpy()
        hits[places[places < 5]] += 1
    low, high = binom.interval(1 - 1e-6, 2000, 0.3)
    assert ((hits > low) & (hits < high)).all()


@pytest.mark.parametrize("probability", [1e-300, 1e-17, 1e-12])
def test_hardly_any_chance_gives_no_seed(probability: float) -> None:
    torch.manual_seed(0)
    assert not (bernoulli_places(10_000, probability, CPU) < 10_000).any()


def test_certainty_seeds_every_place() -> None:
    assert bernoulli_places(7, 1.0, CPU).tolist() == list(range(7))


@pytest.mark.parametrize(("height", "width"), [(64, 64), (30, 90), (12, 12)])
@pytest.mark.parametrize("side", [1, 3, 7])
def test_the_share_dropped_is_that_of_equation_2(height: int, width: int, side: int) -> None:
    torch.manual_seed(0)
    count = 160_000 // (height * width) * 16
    share = dropped(0.1, side, 1, count, height, width).float().mean().item()
    # A place survives when none of the squares that reach it is seeded; summed over the map.
    gamma = seed_probability(height, width, 0.1, side)
    ways = [
        np.array([min(at, length - side) - max(0, at - side + 1) + 1 for at in range(length)])
        for length in (height, width)
    ]
    assert share == pytest.approx(1 - ((1 - gamma) ** np.outer(*ways)).mean(), rel=0.04)


@pytest.mark.parametrize("side", [3, 5])
def test_whole_squares_are_dropped_inside_the_map(side: int) -> None:
    torch.manual_seed(3)
    mask = dropped(0.05, side, 2, 8, 40, 28)
    assert mask.any()
    assert torch.equal(whole_squares(mask, side), mask)


def test_squares_lie_in_their_own_channel_and_image() -> None:
    torch.manual_seed(1)
    mask = dropped(0.2, 3, 4, 6, 96, 96).float().flatten(2)
    together = np.corrcoef(mask.flatten(0, 1).numpy())
    assert np.abs(together[~np.eye(len(together), dtype=bool)]).max() < 0.15


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_the_memory_order_of_a_map_is_kept(memory_format: torch.memory_format) -> None:
    features = torch.rand(2, 5, 16, 24).contiguous(memory_format=memory_format)
    torch.manual_seed(0)
    kept = DropBlock(0.2, 3)(features)
    torch.manual_seed(0)
    other = DropBlock(0.2, 3)(features.contiguous())
    assert kept.is_contiguous(memory_format=memory_format)
    assert torch.equal(kept, other)


def test_kept_values_are_rescaled_by_the_kept_share() -> None:
    torch.manual_seed(0)
    after = DropBlock(0.2, 3)(torch.ones(4, 8, 64, 64))
    kept_share = (after > 0).double().mean().item()
    assert after.max().item() == pytest.approx(1 / kept_share, rel=1e-5)
    assert after.double().mean().item() == pytest.approx(1, rel=1e-5)


def test_the_kept_share_of_a_bfloat16_map_is_counted_exactly() -> None:
    torch.manual_seed(0)
    after = DropBlock(0.1, 3)(torch.ones(4, 16, 128, 128, dtype=torch.bfloat16))
    assert after.dtype == torch.bfloat16
    # bfloat16 itself rounds by up to 0.4 %.
    assert after.double().mean().item() == pytest.approx(1, rel=4e-3)


def test_dropped_places_have_no_gradient() -> None:
    torch.manual_seed(0)
    features = torch.rand(1, 4, 32, 32, requires_grad=True)
    after = DropBlock(0.2, 3)(features)
    after.sum().backward()
    assert features.grad is not None
    assert torch.equal(features.grad == 0, after == 0)


def test_every_level_of_the_network_drops_by_its_own_size() -> None:
    """At 96×160 px the deepest maps are 6×10: eq. 3 would drop too little there."""
    spec = ModelSpec("", "", "unet-dropblock", base_width=8, drop_rate=0.2, drop_side=3)
    torch.manual_seed(0)
    network = build_network(spec).train()
    shares: dict[tuple[int, int], list[float]] = {}

    def note(_: torch.nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        lost = ((output == 0) & (inputs[0] != 0)).float().mean().item()
        shares.setdefault((output.shape[2], output.shape[3]), []).append(lost)

    for module in network.modules():
        if isinstance(module, DropBlock):
            module.register_forward_hook(note)
    with torch.no_grad():
        network(torch.rand(4, 3, 96, 160))
    assert {size: len(found) for size, found in shares.items()} == {
        (96, 160): 4, (48, 80): 4, (24, 40): 4, (12, 20): 4, (6, 10): 2,
    }  # fmt: skip
    for found in shares.values():
        assert np.mean(found) == pytest.approx(0.185, abs=0.02)  # 0.2 less what overlaps


def test_nothing_is_dropped_outside_training() -> None:
    features = torch.rand(1, 2, 16, 16)
    assert torch.equal(DropBlock(0.5, 3).eval()(features), features)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (1, 9), (3, 4)])
def test_maps_smaller_than_a_square_use_the_largest_odd_one_that_fits(
    height: int, width: int
) -> None:
    torch.manual_seed(0)
    mask = dropped(0.3, 7, 16, 16, height, width)
    side = {1: 1, 2: 1, 3: 3}[height]
    assert 0 < mask.float().mean() < 1
    assert torch.equal(whole_squares(mask, side), mask)


def test_an_even_side_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        DropBlock(0.1, 4)
