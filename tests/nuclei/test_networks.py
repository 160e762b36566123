"""One contract for every network."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.networks import ARCHITECTURES, build_network
from napari_glioma_density.nuclei.networks.dropblock import DropBlock
from napari_glioma_density.nuclei.networks.unet import patch_gflop
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.tensor_colours import as_input
from napari_glioma_density.stain import INPUTS


def spec_of(architecture: str, **changes: object) -> ModelSpec:
    drops = 0.1 if architecture.endswith("dropblock") else 0.0
    fields = {"base_width": 4, "drop_rate": drops, **changes}
    return ModelSpec(name="test", title="", architecture=architecture, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
class TestEveryNetwork:
    def test_it_gives_two_logits_a_pixel(self, architecture: str) -> None:
        network = build_network(spec_of(architecture)).eval()
        assert network(torch.rand(2, 3, 48, 64)).shape == (2, 2, 48, 64)

    @pytest.mark.parametrize("name", INPUTS)
    def test_it_takes_the_channels_of_its_input(self, architecture: str, name: str) -> None:
        network = build_network(spec_of(architecture, input=name)).eval()
        images = np.random.default_rng(0).integers(0, 256, (1, 32, 48, 3), dtype=np.uint8)
        assert network(as_input(images, name)).shape == (1, 2, 32, 48)

    def test_every_weight_learns(self, architecture: str) -> None:
        network = build_network(spec_of(architecture)).train()
        network(torch.rand(2, 3, 32, 32)).square().mean().backward()
        idle = [name for name, p in network.named_parameters() if p.grad is None]
        assert idle == []

    def test_a_block_with_its_halo_gives_the_same_core_as_the_whole(
        self, architecture: str
    ) -> None:
        torch.manual_seed(1)
        spec = spec_of(architecture)
        network = build_network(spec).eval()
        whole = torch.rand(1, 3, 480, 480)
        halo = spec.halo_px
        top, left, side = 16 * 9, 16 * 8, 16 * 6
        part = whole[..., top - halo : top + side + halo, left - halo : left + side + halo]
        with torch.inference_mode():
            expected = network(whole)[..., top : top + side, left : left + side]
            core = network(part)[..., halo : halo + side, halo : halo + side]
        assert torch.allclose(core, expected, atol=1e-5)

    def test_folding_batch_normalisation_changes_nothing(self, architecture: str) -> None:
        torch.manual_seed(2)
        network = build_network(spec_of(architecture))
        network.train()(torch.rand(4, 3, 32, 32))
        network.eval()
        images = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            before = network(images)
        network.fold()  # type: ignore[operator]
        with torch.inference_mode():
            assert torch.allclose(network(images), before, atol=1e-4)

    def test_its_parameters_are_those_of_the_u_net(self, architecture: str) -> None:
        network = build_network(spec_of(architecture, base_width=16, batch_norm=False))
        # The published U-net of base width 64 has 31.03 M; width 16 a sixteenth of it.
        count = sum(parameter.numel() for parameter in network.parameters())
        assert count == pytest.approx(31.03e6 / 16, rel=0.01)


def test_dropblock_stands_in_every_convolution_and_only_there() -> None:
    with_drop = build_network(spec_of("unet-dropblock"))
    plain = build_network(spec_of("unet"))
    assert sum(isinstance(module, DropBlock) for module in with_drop.modules()) == 18
    assert not any(isinstance(module, DropBlock) for module in plain.modules())


def test_an_unknown_network_is_refused_by_name() -> None:
    with pytest.raises(ModelError, match=r"hovernet.*choose one of"):
        build_network(spec_of("hovernet"))


@pytest.mark.parametrize(("width", "name", "views"), [(4, "rgb", 1), (16, "rgb + relative", 2)])
def test_work_is_what_pytorch_counts(width: int, name: str, views: int) -> None:
    spec = spec_of("unet", base_width=width, input=name, views=views)
    images = torch.zeros(1, INPUTS[name].channels, 96, 96)
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        build_network(spec).eval()(images)
    assert patch_gflop(spec, side=96) == pytest.approx(views * counted.get_total_flops() / 1e9)
