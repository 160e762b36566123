"""A U-net in 8-bit integers: nearly the masks that floating point draws."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from napari_glioma_density.nuclei import device, trial
from napari_glioma_density.nuclei.device import DevicePlan, feasible, placed
from napari_glioma_density.nuclei.networks.activations import Activations
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.networks.watching import observed
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.tensor_colours import as_input
from napari_glioma_density.nuclei.trial import plan_device
from napari_glioma_density.nuclei.weights import load_network, save_network

SPEC = ModelSpec(name="test", title="", architecture="unet", base_width=8)
HALO = SPEC.halo_px

pytest.importorskip("openvino")


def tissue(side: int) -> NDArray[np.uint8]:
    """Dark discs on a pink ground, blurred: (side, side, 3)."""
    rgb = np.full((side, side, 3), (225, 190, 215), np.uint8)
    drawn = np.random.default_rng(1)
    for y, x in drawn.integers(0, side, (side * side // 900, 2)).tolist():
        shade = int(drawn.integers(-30, 60))
        cv2.circle(rgb, (x, y), int(drawn.integers(5, 11)), (90 + shade, 60 + shade, 140), -1)
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.0))


@pytest.fixture(scope="module")
def network() -> UNet:
    torch.manual_seed(3)
    network = UNet(SPEC)
    network.train()(torch.rand(4, 3, 32, 32))
    network.fold()
    return network.eval()


@pytest.fixture(scope="module")
def watched(network: UNet) -> UNet:
    network.activations = observed(network, [torch.rand(2, 3, 64, 64) for _ in range(3)])
    return network


def test_means_and_ranges_are_those_of_the_layers(network: UNet) -> None:
    batches = [torch.rand(2, 3, 48, 64), torch.rand(1, 3, 48, 64)]
    seen = observed(network, batches).layers
    with torch.inference_mode():
        first = torch.cat([network.down[0][0](images) for images in batches])
    assert np.allclose(seen["down.0.0"].means, first.mean((0, 2, 3)).numpy(), atol=1e-5)
    assert np.allclose(seen["down.0.0"].most, first.amax((0, 2, 3)).numpy(), atol=1e-5)
    assert not seen["down.0.0"].least.any()
    assert seen["enlarge.0"].least.min() < 0
    assert len(seen) == 22
    assert not any(module._forward_hooks for module in network.modules())


def test_a_weights_file_keeps_them(watched: UNet, tmp_path: Path) -> None:
    save_network(tmp_path / "w.safetensors", SPEC.with_(batch_norm=False), watched)
    found = load_network(tmp_path / "w.safetensors")[1]
    assert isinstance(found, UNet)
    assert found.activations is not None
    assert watched.activations is not None
    for name, layer in watched.activations.layers.items():
        kept = found.activations.layers[name]
        for part in ("means", "least", "most"):
            assert np.allclose(getattr(kept, part), getattr(layer, part), rtol=1e-6)


def test_an_older_file_has_one_range_for_all_channels() -> None:
    tensors = {
        "activations.means.down.0.0": torch.tensor([1.0, 2.0]),
        "activations.range.down.0.0": torch.tensor([0.0, 7.0]),
    }
    _, found = Activations.parted(tensors)
    assert found is not None
    assert found.layers["down.0.0"].most.tolist() == [7, 7]
    assert found.layers["down.0.0"].stepped_range()[1].tolist() == [7, 7]


def test_a_file_without_them_is_read(network: UNet) -> None:
    weights, activations = Activations.parted(dict(network.state_dict()))
    assert activations is None
    assert weights.keys() == network.state_dict().keys()


def in_floats_and_integers(name: str) -> tuple[NetworkSegmenter, NetworkSegmenter]:
    """A shipped model twice, its activations observed on what the tests show it."""
    model = find_model(name)
    spec, network = load_network(model.path)
    assert isinstance(network, UNet)
    network.fold()
    network.activations = observed(network, [as_input(tissue(256)[None], spec.input)])
    plans = (DevicePlan("cpu", f"openvino-{numbers}") for numbers in ("fp32", "int8"))
    exact, found = (NetworkSegmenter(model, network, plan) for plan in plans)
    return exact, found


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_shipped_models_draw_nearly_the_same_masks(name: str) -> None:
    expected, found = (
        each.segment(tissue(480)[None])[0, HALO:-HALO, HALO:-HALO]
        for each in in_floats_and_integers(name)
    )
    assert 0.05 < expected.mean() < 0.6
    assert np.mean(expected != found) < 0.005
    assert abs(float(expected.mean()) - float(found.mean())) < 0.001


def test_masks_do_not_depend_on_the_block() -> None:
    seen = in_floats_and_integers("fast")[1].sparing(64)
    rgb = tissue(16 * 45)
    whole = seen.segment(rgb[None])[0, HALO:-HALO, HALO:-HALO]
    part = seen.segment(rgb[None, 160:, 240:])[0, HALO:-HALO, HALO:-HALO]
    assert 0.05 < whole.mean() < 0.6
    assert np.array_equal(part, whole[160:, 240:])


def test_they_are_tried_where_the_activations_are_known(
    watched: UNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def seconds(_: object, plan: DevicePlan, *__: int) -> float:
        tried.append(plan.precision)
        return 0.5 if plan.arithmetic == "int8" else 1.0

    monkeypatch.setattr(trial, "_seconds", seconds)
    assert plan_device(watched, "cpu", tmp_path / "a.json").precision == "openvino-int8"
    activations, watched.activations = watched.activations, None
    try:
        tried.clear()
        plan_device(watched, "cpu", tmp_path / "b.json")
    finally:
        watched.activations = activations
    assert "openvino-bf16" in tried
    assert "openvino-int8" not in tried


@pytest.mark.parametrize("begun", range(20, 40, 3))
def test_a_machine_busy_for_a_moment_does_not_decide(
    begun: int, watched: UNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = itertools.count()

    def seconds(_: object, plan: DevicePlan, *__: int) -> float:
        busy = begun <= next(passes) < begun + 8
        return (10.0 if busy else 1.0) * (0.5 if plan.arithmetic == "int8" else 1.0)

    monkeypatch.setattr(trial, "_seconds", seconds)
    assert plan_device(watched, "cpu", tmp_path / "a.json").precision == "openvino-int8"


def test_a_processor_on_which_they_go_wrong_does_without(
    watched: UNet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(trial, "_seconds", lambda *_: 1.0)
    monkeypatch.setattr(trial, "_is_near", lambda *_: False)
    assert plan_device(watched, "cpu", tmp_path / "a.json").arithmetic != "int8"
    assert "8-bit integers" in caplog.text


def test_nearness_tells_right_from_wrong(watched: UNet) -> None:
    plan = DevicePlan("cpu", "openvino-int8")
    assert trial._is_near(watched, placed(watched, plan))
    activations = watched.activations
    assert activations is not None
    narrow = {n: type(v)(v.means, v.least, v.most / 20) for n, v in activations.layers.items()}
    watched.activations = Activations(narrow)
    try:
        assert not trial._is_near(watched, placed(watched, plan))
    finally:
        watched.activations = activations


def test_a_run_begun_in_them_goes_on_without_openvino(
    watched: UNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = DevicePlan("cpu", "openvino-int8")
    assert feasible(plan, watched) == plan
    monkeypatch.setattr(device, "openvino_version", lambda: None)
    assert feasible(plan, watched) == DevicePlan("cpu", "fp32")
