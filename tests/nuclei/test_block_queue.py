"""Blocks on their way through a network: on a processor at once, on a GPU one behind the other."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.block_queue import block_queue
from napari_glioma_density.nuclei.device import DevicePlan
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.tensor_colours import TENSOR_INPUTS

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
RIM_PX = 64
SIDES = (480, 672, 480, 352, 672)


@pytest.fixture(scope="module")
def exact() -> NetworkSegmenter:
    return load_segmenter("fast", "cpu", "fp32")


def blocks(tissue_rgb: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    starts = np.linspace(0, tissue_rgb.shape[1] - max(SIDES), len(SIDES)).astype(int)
    return [
        np.ascontiguousarray(tissue_rgb[:side, start : start + side])
        for side, start in zip(SIDES, starts, strict=True)
    ]


def test_a_processor_answers_at_once(
    exact: NetworkSegmenter, tissue_rgb: NDArray[np.uint8]
) -> None:
    queue = block_queue(exact, RIM_PX)
    block = blocks(tissue_rgb)[0]
    expected = exact.sparing(RIM_PX).segment(block[None])[0]
    assert expected.any()
    assert np.array_equal(queue.begin(queue.uploaded(block))(), expected)


@pytest.mark.parametrize("name", ["rgb + relative", "rgb ratio", "reinhard"])
def test_the_way_of_a_gpu_gives_the_mask_of_the_processor(
    name: str, tissue_rgb: NDArray[np.uint8]
) -> None:
    """All of it but the device: brought there as colours or as channels, the rim put back."""
    spec = ModelSpec(name="test", title="", architecture="unet", base_width=4, input=name)
    torch.manual_seed(0)
    network, block = build_network(spec).eval(), blocks(tissue_rgb)[0]
    middle = float(np.median(_random(spec, network).probability(block[None])))
    one = _random(spec.with_(threshold=middle), network).sparing(RIM_PX)
    as_colours = name in TENSOR_INPUTS
    uploaded = torch.from_numpy(block) if as_colours else one.uploadable(block)
    found, expected = one.with_rim(one.nuclei_of(uploaded).numpy()), one.segment(block[None])[0]
    assert as_colours == (name != "reinhard")
    assert 0.2 < expected.mean() < 0.8
    assert (found != expected).mean() < 1e-3


def _random(spec: ModelSpec, network: nn.Module) -> NetworkSegmenter:
    plan = DevicePlan("cpu", "fp32")
    return NetworkSegmenter(Model(spec, Path("test.safetensors"), "0" * 64, {}), network, plan)


@needs_cuda
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cuda_masks_are_those_of_the_processor(
    precision: str, exact: NetworkSegmenter, tissue_rgb: NDArray[np.uint8]
) -> None:
    queue = block_queue(exact.on("cuda", precision), RIM_PX)
    asked = blocks(tissue_rgb)
    uploads = [queue.uploaded(block) for block in asked]
    answers = [queue.begin(upload) for upload in uploads]  # all under way before one is fetched
    for block, answer in zip(asked, answers, strict=True):
        found, expected = answer(), exact.sparing(RIM_PX).segment(block[None])[0]
        assert found.shape == expected.shape
        assert not found[:RIM_PX].any()
        assert abs(float(found.mean()) - float(expected.mean())) < 0.003
        assert (found != expected).mean() < 0.005


@needs_cuda
def test_a_block_too_large_for_the_gpu_is_said_plainly(exact: NetworkSegmenter) -> None:
    queue = block_queue(exact.on("cuda", "fp32"), 0)
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        with pytest.raises(ModelError, match=r"4096×4096 px does not fit.*cuda.*--device cpu"):
            queue.begin(queue.uploaded(np.zeros((4096, 4096, 3), np.uint8)))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
