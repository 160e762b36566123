"""Looking at an image enlarged by 4/3 and answering at its own pixels."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from napari_glioma_density.nuclei.device import DevicePlan, placed
from napari_glioma_density.nuclei.networks.block_unet import BlockUNet
from napari_glioma_density.nuclei.networks.magnify import PERIOD_PX, enlarged, magnified, reduced
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.spec import ModelSpec

SPEC = ModelSpec(name="test", title="", architecture="unet", base_width=4, magnified=True)


@pytest.fixture(scope="module")
def network() -> UNet:
    torch.manual_seed(5)
    network = UNet(SPEC)
    network.train()(torch.rand(4, 3, 48, 48))
    network.fold()
    return network.eval()


def images(height: int, width: int) -> Tensor:
    drawn = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    return drawn.contiguous(memory_format=torch.channels_last)


def test_enlarged_is_what_opencv_makes_of_it() -> None:
    image = images(96, 48)
    rgb = np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())
    expected = cv2.resize(rgb, (64, 128), interpolation=cv2.INTER_LINEAR)
    assert np.allclose(enlarged(image)[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_reduced_is_what_opencv_makes_of_it() -> None:
    logits = images(128, 64)
    planes = np.ascontiguousarray(logits[0].permute(1, 2, 0).numpy())
    expected = cv2.resize(planes, (48, 96), interpolation=cv2.INTER_AREA)
    assert np.allclose(reduced(logits)[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("sides", [(96, 144), (16, 32), (112, 80)])
@pytest.mark.parametrize("rim_px", [0, 3, 7])
def test_what_changes_nothing_keeps_every_px_in_its_place(
    sides: tuple[int, int], rim_px: int
) -> None:
    ramp = torch.arange(float(sides[1])).expand(1, 2, *sides).contiguous()

    def cut(seen: Tensor, rim: int) -> Tensor:
        return seen[..., rim : seen.shape[-2] - rim, rim : seen.shape[-1] - rim]

    found = magnified(cut, ramp, rim_px)
    expected = cut(ramp, rim_px)
    assert found.shape == expected.shape
    assert float((found - expected)[..., 1:-1].abs().max()) < 0.1


@pytest.mark.parametrize("rim_px", [0, 6, 64])
def test_a_block_spares_its_rim(network: UNet, rim_px: int) -> None:
    seen = images(192 + 16, 240)
    with torch.inference_mode():
        whole = network(seen)
        found = BlockUNet(network)(seen, rim_px)
    inner = np.s_[..., rim_px : 208 - rim_px, rim_px : 240 - rim_px]
    assert torch.allclose(found, whole[inner], atol=1e-5)


def test_a_block_with_its_halo_gives_the_same_core_as_the_whole(network: UNet) -> None:
    whole, halo = images(480, 480), SPEC.halo_px
    top, left, side = 3 * PERIOD_PX, 4 * PERIOD_PX, 2 * PERIOD_PX
    part = whole[..., top - halo : top + side + halo, left - halo : left + side + halo]
    with torch.inference_mode():
        expected = network(whole)[..., top : top + side, left : left + side]
        core = network(part)[..., halo : halo + side, halo : halo + side]
    assert torch.allclose(core, expected, atol=1e-5)


@pytest.mark.parametrize("rim_px", [0, 64])
def test_openvino_gives_the_same(network: UNet, rim_px: int) -> None:
    pytest.importorskip("openvino")
    seen = images(192, 256)
    with torch.inference_mode():
        expected = BlockUNet(network)(seen, rim_px)
        found = placed(network, DevicePlan("cpu", "openvino-fp32"))(seen, rim_px)
    assert torch.allclose(found, expected, atol=1e-4)


def test_only_what_says_so_looks_magnified() -> None:
    plain = ModelSpec.from_json(SPEC.with_(magnified=False).to_json(), "plain")
    assert not plain.magnified
    assert "magnified" not in plain.as_dict()
    assert ModelSpec.from_json(SPEC.to_json(), "magnified").magnified
