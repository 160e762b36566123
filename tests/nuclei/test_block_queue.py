"""Blocks on their way through a network: side by side on a processor, in a row on a GPU."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.block_queue import CudaQueue, block_queue
from napari_glioma_density.nuclei.device import DevicePlan
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import WINDOW_LATTICE_PX, ModelSpec
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


@pytest.fixture
def two_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("precision", ["openvino-fp32", "openvino-int8"])
def test_blocks_side_by_side_have_the_masks_they_have_alone(
    precision: str, exact: NetworkSegmenter, tissue_rgb: NDArray[np.uint8], two_cores: None
) -> None:
    segmenter = exact.on("cpu", precision)
    asked = blocks(tissue_rgb)
    alone = segmenter.sparing(RIM_PX)
    expected = [alone.segment(block[None])[0] for block in asked]
    with contextlib.closing(block_queue(segmenter, RIM_PX)) as queue:
        assert queue.at_once == 2
        uploads = [queue.uploaded(block) for block in asked]
        answers = [
            queue.begin(upload, is_alone=number == 0) for number, upload in enumerate(uploads)
        ]
        found = [answer() for answer in answers[::-1]][::-1]
    assert all(mask.any() for mask in expected)
    assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))


def test_no_more_than_two_are_computed_at_once(
    exact: NetworkSegmenter, two_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, begun = Event(), SimpleQueue[int]()

    def computed(segmenter: NetworkSegmenter, block: Tensor) -> Tensor:
        begun.put(block.shape[0])
        assert gate.wait(20)
        return torch.zeros(block.shape[:2], dtype=torch.uint8)

    monkeypatch.setattr(NetworkSegmenter, "nuclei_of", computed)
    with (
        contextlib.closing(block_queue(exact.on("cpu", "openvino-fp32"), 0)) as queue,
        ThreadPoolExecutor(1) as elsewhere,
    ):
        blocks_of_side = [queue.uploaded(np.zeros((side, 64, 3), np.uint8)) for side in (16, 32)]
        queue.wait()
        answers = [queue.begin(block) for block in blocks_of_side]
        waiting = elsewhere.submit(queue.wait)
        assert {begun.get(timeout=20) for _ in answers} == {16, 32}
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.2)
        gate.set()
        waiting.result(timeout=20)
        assert [answer().shape for answer in answers] == [(16, 64), (32, 64)]


def test_what_goes_wrong_beside_is_told_where_the_answer_is_asked_for(
    exact: NetworkSegmenter, two_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(segmenter: NetworkSegmenter, block: Tensor) -> Tensor:
        raise segmenter._too_large(*block.shape[:2])

    monkeypatch.setattr(NetworkSegmenter, "nuclei_of", too_large)
    with contextlib.closing(block_queue(exact.on("cpu", "openvino-fp32"), 0)) as queue:
        answers = [queue.begin(queue.uploaded(np.zeros((16, 16, 3), np.uint8))) for _ in range(5)]
        for answer in answers:
            with pytest.raises(ModelError, match="16×16 px does not fit"):
                answer()


def test_one_core_computes_one_block_at_a_time(exact: NetworkSegmenter, two_cores: None) -> None:
    torch.set_num_threads(1)
    assert block_queue(exact.on("cpu", "openvino-fp32"), 0).at_once == 1
    torch.set_num_threads(2)
    assert block_queue(exact, 0).at_once == 1, "PyTorch's threads serve one caller"


def test_pytorch_is_asked_for_fewer_sizes_than_openvino(exact: NetworkSegmenter) -> None:
    """Its memory falls into pieces; both keep to the lattice of windows."""
    steps = [block_queue(exact.on("cpu", each), 0).step_px for each in ("fp32", "openvino-fp32")]
    assert steps == [240, WINDOW_LATTICE_PX]
    assert not any(step % WINDOW_LATTICE_PX for step in [*steps, CudaQueue.step_px])


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
        with pytest.raises(ModelError, match=r"4096×4096 px does not fit.*cuda.*the device cpu"):
            queue.begin(queue.uploaded(np.zeros((4096, 4096, 3), np.uint8)))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_gpu_without_memory_for_a_block_is_said_plainly(
    exact: NetworkSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way of a GPU on any machine: memory is asked for before anything is brought there."""

    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. …")

    monkeypatch.setattr(torch.cuda, "Stream", lambda: None)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: contextlib.nullcontext())
    monkeypatch.setattr(torch.Tensor, "pin_memory", full)
    with pytest.raises(ModelError, match=r"block of 480×960 px does not fit .*the device cpu"):
        CudaQueue(exact).uploaded(np.zeros((960, 480, 3), np.uint8))
