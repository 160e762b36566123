"""A wider network begins with what the narrower one knows, and all of it can learn."""

import pytest
import torch

from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.widening import take_over

SPEC = ModelSpec("w", "W", "unet-dropblock", base_width=3, drop_rate=0.1, input="rgb + relative")


def learnt(spec: ModelSpec) -> UNet:
    """A network that has seen some pictures, so that no normalisation is as it was made."""
    torch.manual_seed(1)
    network = build_network(spec)
    assert isinstance(network, UNet)
    for _ in range(3):
        network(torch.rand(4, 5, 32, 48) * 3)
    return network.eval()


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("width", [3, 4, 7])
def test_it_gives_what_the_narrower_one_gives(width: int, batch_norm: bool) -> None:
    spec = SPEC.with_(batch_norm=batch_norm)
    parent, network = learnt(spec), build_network(spec.with_(base_width=width)).eval()
    images = torch.rand(2, 5, 64, 96)
    with torch.no_grad():
        before = network(images)
        take_over(network, parent)
        expected = parent(images)
        assert not torch.allclose(before, expected, atol=1e-2)
        torch.testing.assert_close(network(images), expected, atol=1e-5, rtol=1e-5)


def test_the_parent_stays_as_it_is() -> None:
    parent = learnt(SPEC)
    before = {name: tensor.clone() for name, tensor in parent.state_dict().items()}
    take_over(build_network(SPEC.with_(base_width=5)), parent)
    for name, tensor in parent.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_what_is_new_learns() -> None:
    torch.manual_seed(2)
    network = build_network(SPEC.with_(base_width=5, drop_rate=0.0))
    take_over(network, learnt(SPEC))
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    for _ in range(8):  # what is new is looked at by nothing until something has looked at it
        optimiser.zero_grad()
        network(torch.rand(2, 5, 32, 32)).square().mean().backward()
        optimiser.step()
    for name, weights in network.named_parameters():
        if weights.dim() == 4 and not name.startswith("enlarge"):
            moved = (weights - before[name]).abs().sum((1, 2, 3))
            assert (moved > 0).all(), name
