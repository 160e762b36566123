"""The U-net in OpenVINO: the values of the U-net in PyTorch."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import openvino
import pytest
import torch

from napari_glioma_density.nuclei import device
from napari_glioma_density.nuclei.device import DevicePlan, placed
from napari_glioma_density.nuclei.networks import openvino_unet
from napari_glioma_density.nuclei.networks.block_unet import BlockUNet
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.trial import plan_device

SPEC = ModelSpec(name="test", title="", architecture="unet-dropblock", base_width=8, drop_rate=0.1)


@pytest.fixture(scope="module")
def network() -> UNet:
    torch.manual_seed(3)
    network = UNet(SPEC)
    network.train()(torch.rand(4, 3, 32, 32))
    network.fold()
    return network.eval()


@pytest.mark.parametrize("rim_px", [0, 7, 64])
@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-4), ("bf16", 0.1)])
def test_logits_are_those_of_pytorch(
    network: UNet, rim_px: int, precision: str, apart: float
) -> None:
    images = torch.rand(2, 3, 192, 256).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        expected = BlockUNet(network)(images, rim_px)
        found = placed(network, DevicePlan("cpu", f"openvino-{precision}"))(images, rim_px)
    assert found.shape == expected.shape
    assert found.dtype == torch.float32
    assert 0 <= float((found - expected).abs().max()) < apart


def test_one_network_takes_images_of_every_shape(network: UNet) -> None:
    runs = placed(network, DevicePlan("cpu", "openvino-fp32"))
    for number in [*range(1, 16), 1]:
        images = torch.rand(1, 3, 16 * number, 32).contiguous(memory_format=torch.channels_last)
        with torch.inference_mode():
            assert torch.allclose(runs(images), network(images), atol=1e-4)


@pytest.mark.parametrize("model", ["fast", "accurate"])
def test_shipped_models_draw_the_masks_that_pytorch_draws(model: str) -> None:
    seen = load_segmenter(model, "cpu", "fp32")
    images = np.full((1, 256, 320, 3), (225, 190, 215), np.uint8)
    for y, x in np.random.default_rng(1).integers(16, 240, (25, 2)).tolist():
        cv2.circle(images[0], (x, y), 9, (90, 60, 140), -1)
    images = cv2.GaussianBlur(images[0], (0, 0), 1.0)[None]
    expected = seen.segment(images)
    assert 0.01 < expected.mean() < 0.99
    assert np.mean(expected != seen.on("cpu", "openvino-fp32").segment(images)) < 1e-4
    assert np.mean(expected != seen.on("cpu", "openvino-bf16").segment(images)) < 0.01


def test_the_fastest_is_taken_and_named(network: UNet, tmp_path: Path) -> None:
    plan = plan_device(network, "cpu", tmp_path / "devices.json")
    assert plan.precision in ("fp32", "bf16", "openvino-fp32", "openvino-bf16")
    assert "openvino" in (tmp_path / "devices.json").read_text()


_WITHOUT_MEMORY = """
import os
import resource
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # many cores: threads that want memory, too
import numpy as np
import psutil
from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.segmenter import load_segmenter

seen = load_segmenter("fast", "cpu", "openvino-fp32")
small, large = (
    np.random.default_rng(side).integers(0, 256, (1, side, side, 3), np.uint8)
    for side in (192, 1152)
)
expected = seen.margins(small)
there = psutil.Process().memory_info().vms
tensor = seen.uploadable(large[0])
unlimited = resource.RLIM_INFINITY
resource.setrlimit(resource.RLIMIT_AS, (there + 150 * 2**20, unlimited))
try:
    seen.nuclei_of(tensor)
except ModelError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_AS, (unlimited, unlimited))
print(np.array_equal(seen.margins(small), expected), seen.margins(large).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux alone")
def test_a_lack_of_memory_is_said_and_spoils_nothing_after_it() -> None:
    """OpenVINO itself says nothing, and gives what it gave before."""
    found = subprocess.run(
        [sys.executable, "-c", _WITHOUT_MEMORY], capture_output=True, text=True, check=False
    )
    said, after = found.stdout.splitlines()
    assert "1152×1152 px does not fit into the memory of cpu" in said
    assert after == "True (1, 1152, 1152)"


_MANY_SIZES = """
import psutil
import torch
from napari_glioma_density.nuclei.device import DevicePlan, placed
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.spec import ModelSpec

spec = ModelSpec(name="test", title="", architecture="unet-dropblock", base_width=8)
network = UNet(spec).eval()
network.fold()
runs = placed(network, DevicePlan("cpu", "openvino-fp32"))


def held_after(sizes):
    for height, width in sizes:
        images = torch.rand(1, 3, 16 * height, 16 * width)
        runs(images.contiguous(memory_format=torch.channels_last))
    return psutil.Process().memory_info().rss


with torch.inference_mode():
    few = held_after([(14, 14), *((height, 5) for height in range(2, 14))])
    print(held_after((height, width) for height in range(2, 13) for width in range(6, 14)) - few)
"""


def test_blocks_of_many_sizes_take_no_more_memory_than_blocks_of_few() -> None:
    """Each new size would take two megabytes for good: nearly 200 here, 1.5 GB on a slide."""
    grown = subprocess.run(
        [sys.executable, "-c", _MANY_SIZES], capture_output=True, text=True, check=True
    )
    assert int(grown.stdout) < 100 * 2**20


def test_what_stays_of_an_earlier_pass_is_no_answer(
    network: UNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = placed(network, DevicePlan("cpu", "openvino-fp32"))
    images = torch.rand(1, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    expected = runs(images)
    with monkeypatch.context() as patched:
        patched.setattr(openvino.InferRequest, "infer", lambda *_, **__: None)
        with pytest.raises(RuntimeError, match="not enough memory"):
            runs(images)
    assert torch.equal(runs(images), expected)


def test_training_is_pytorchs(network: UNet, tmp_path: Path) -> None:
    plan = plan_device(network, "cpu", tmp_path / "devices.json", to_train=True)
    assert plan.precision in ("fp32", "bf16")


def test_without_it_no_trial_asks_for_it(
    network: UNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "openvino_version", lambda: None)
    assert not plan_device(network, "cpu", tmp_path / "devices.json").by_openvino
    assert "openvino" not in (tmp_path / "devices.json").read_text()


def test_one_that_does_not_work_here_is_passed_over(
    network: UNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ImportError("libopenvino.so: cannot open shared object file")

    monkeypatch.setattr(openvino_unet, "OpenVINOUNet", broken)
    assert not plan_device(network, "cpu", tmp_path / "devices.json").by_openvino
    assert "libopenvino.so" in caplog.text


def test_a_run_begun_with_it_goes_on_without_it(
    network: UNet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = Model(SPEC, None, "0" * 64, {})  # type: ignore[arg-type]
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    expected = NetworkSegmenter(model, network, DevicePlan("cpu", "fp32")).segment(images)
    monkeypatch.setattr(device, "openvino_version", lambda: None)
    found = NetworkSegmenter(model, network, DevicePlan("cpu", "openvino-fp32"))
    assert found.precision == "fp32"
    assert "PyTorch does, in fp32" in caplog.text
    assert 0 < expected.sum() < expected.size
    assert np.array_equal(found.segment(images), expected)


def test_no_one_is_told_that_openvino_was_started(tmp_path: Path) -> None:
    home = {name: str(tmp_path) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    said = subprocess.check_output(
        [
            sys.executable,
            "-c",
            "import sys; from napari_glioma_density.nuclei.networks import openvino_unet; "
            "print('openvino_telemetry' in sys.modules)",
        ],
        env={**os.environ, **home, "CI": ""},
        text=True,
    )
    assert said.strip() == "False"
    assert not list(tmp_path.iterdir()), "an id for the makers' counts"
