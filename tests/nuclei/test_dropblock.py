"""DropBlock against P1's equations 2 and 3."""

import pytest
import torch

from napari_glioma_density.nuclei.networks.dropblock import DropBlock, seed_probability


def test_seed_probability_is_equation_2() -> None:
    assert seed_probability(30, 30, rate=0.1, side=3) == pytest.approx(0.1 * 900 / (28**2 * 9))


def test_seed_probability_tends_to_equation_3_on_large_maps() -> None:
    assert seed_probability(4000, 4000, rate=0.1, side=3) == pytest.approx(0.1 / 9, rel=2e-3)


def test_about_the_asked_share_of_a_map_is_dropped() -> None:
    torch.manual_seed(0)
    dropped = DropBlock(rate=0.1, side=3)(torch.ones(8, 16, 64, 64)) == 0
    # Squares overlap now and then, so slightly less than R_drop is lost.
    assert dropped.float().mean().item() == pytest.approx(0.1, abs=0.01)


def test_whole_squares_are_dropped() -> None:
    torch.manual_seed(3)
    dropped = (DropBlock(rate=0.02, side=3)(torch.ones(1, 1, 40, 40)) == 0).float()
    inside = torch.nn.functional.avg_pool2d(dropped, 3, stride=1) == 1
    covered = torch.nn.functional.max_pool2d(
        torch.nn.functional.pad(inside.float(), (1, 1, 1, 1)), 3, stride=1, padding=1
    )
    assert dropped.sum() > 0
    assert torch.equal(covered * dropped, dropped)


def test_the_mean_activation_is_kept() -> None:
    torch.manual_seed(0)
    features = torch.rand(4, 8, 64, 64)
    assert DropBlock(0.2, 3)(features).mean().item() == pytest.approx(
        features.mean().item(), rel=0.02
    )


def test_nothing_is_dropped_outside_training() -> None:
    features = torch.rand(1, 2, 16, 16)
    assert torch.equal(DropBlock(0.5, 3).eval()(features), features)


def test_maps_smaller_than_a_square_are_survived() -> None:
    assert DropBlock(0.5, 7)(torch.ones(1, 1, 2, 2)).shape == (1, 1, 2, 2)


def test_an_even_side_is_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        DropBlock(0.1, 4)
