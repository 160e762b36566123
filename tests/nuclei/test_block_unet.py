"""The U-net as an estimate runs it: the values of the U-net with less work."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_glioma_density.nuclei.device import DevicePlan
from napari_glioma_density.nuclei.networks import block_unet
from napari_glioma_density.nuclei.networks.block_unet import BlockUNet
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.spec import ModelSpec

SPEC = ModelSpec(name="test", title="", architecture="unet-dropblock", base_width=8, drop_rate=0.1)
HALO_PX = SPEC.halo_px


@pytest.fixture(scope="module")
def network() -> UNet:
    torch.manual_seed(3)
    network = UNet(SPEC)
    network.train()(torch.rand(4, 3, 32, 32))
    network.fold()
    return network.eval()


@pytest.fixture(scope="module")
def block() -> torch.Tensor:
    image = torch.rand(1, 3, 2 * HALO_PX + 96, 2 * HALO_PX + 160)
    return image.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("rim_px", [0, 1, 7, 16, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_core_is_the_u_nets_bit_for_bit(
    network: UNet, block: torch.Tensor, rim_px: int, dtype: torch.dtype
) -> None:
    plain = UNet(SPEC)
    plain.fold()
    plain.load_state_dict(network.state_dict())
    plain = plain.eval().to(dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        whole = plain(block.to(dtype))
        found = BlockUNet(plain)(block.to(dtype), rim_px=rim_px)
    height, width = block.shape[-2:]
    core = np.s_[..., HALO_PX : height - HALO_PX, HALO_PX : width - HALO_PX]
    less = HALO_PX - rim_px
    assert found.shape[-2:] == (height - 2 * rim_px, width - 2 * rim_px)
    inner = found[..., less : found.shape[-2] - less, less : found.shape[-1] - less]
    assert torch.equal(inner, whole[core])
    # Not the core alone: nuclei on its edge are told apart by what is just beyond it.
    assert torch.equal(found, whole[..., rim_px : height - rim_px, rim_px : width - rim_px])


def test_joining_relu_changes_no_bit(
    network: UNet, block: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with torch.inference_mode():
        joined = BlockUNet(network)(block)
        monkeypatch.setattr(block_unet, "_can_join", lambda *_: False)
        assert torch.equal(BlockUNet(network)(block), joined)


def test_the_rim_is_not_computed(network: UNet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_unet, "_can_join", lambda *_: False)  # the counter knows no other
    lean, image = BlockUNet(network), torch.rand(1, 3, 480 + 2 * HALO_PX, 480 + 2 * HALO_PX)

    def work(rim_px: int) -> int:
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            lean(image, rim_px=rim_px)
        return counter.get_total_flops()

    assert work(64) < 0.85 * work(0)


def test_the_network_it_is_made_of_is_left_as_it_was(network: UNet) -> None:
    before = list(network.state_dict())
    BlockUNet(network)
    assert list(network.state_dict()) == before


@pytest.mark.parametrize("views", [1, 2, 8])
def test_a_spared_rim_is_empty_and_the_rest_the_same(network: UNet, views: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1, 256, 320, 3), dtype=np.uint8)
    model = Model(SPEC.with_(views=views), None, "0" * 64, {})  # type: ignore[arg-type]
    whole = NetworkSegmenter(model, network, DevicePlan("cpu", "fp32"))
    expected, found = whole.segment(images), whole.sparing(64).segment(images)
    inner = np.s_[:, 64:-64, 64:-64]
    assert 0.02 < expected[inner].mean() < 0.98
    assert np.array_equal(found[inner], expected[inner])
    found[inner] = 0
    assert not found.any()
    assert np.array_equal(whole.segment(images), expected)
