"""Running a network: precision, memory, pictures of any size."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei import pictures, trial
from napari_glioma_density.nuclei.device import DevicePlan, choose_device
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.pictures import (
    network_prediction,
    padded_to_lattice,
    picture_probability,
    picture_statistics,
    resampled,
    segment_picture,
)
from napari_glioma_density.nuclei.registry import Model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.trial import plan_device
from napari_glioma_density.stain import Statistics, colour_input

SPEC = ModelSpec(name="test", title="", architecture="unet", base_width=4)
CPU = DevicePlan("cpu", "fp32")


class DarkIsNucleus(nn.Module):
    """Logits that make every pixel darker than mid grey a nucleus."""

    largest_batch = 100
    words = "DefaultCPUAllocator: can't allocate memory: you tried to …"

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(images) > self.largest_batch:
            raise RuntimeError(self.words)
        margin = 20 * (0.5 - images.mean(dim=1, keepdim=True))
        return torch.cat([-margin / 2, margin / 2], dim=1)


def segmenter(network: nn.Module, spec: ModelSpec = SPEC) -> NetworkSegmenter:
    return NetworkSegmenter(Model(spec, Path("test.safetensors"), "0" * 64, {}), network, CPU)


def test_it_is_a_segmenter() -> None:
    assert isinstance(segmenter(DarkIsNucleus()), Segmenter)


def test_the_mask_is_probability_at_the_threshold() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    one = segmenter(DarkIsNucleus())
    assert np.array_equal(one.segment(images), one.probability(images) >= SPEC.threshold)


@pytest.mark.parametrize(
    "words",
    [
        DarkIsNucleus.words,
        "DefaultCPUAllocator: not enough memory: you tried to …",
        "MPS backend out of memory (MPS allocated: …)",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "Exception from src/plugins/intel_cpu/src/cpu_memory.cpp: Failed to allocate 9 bytes of …",
    ],
)
def test_out_of_memory_halves_the_batch_and_goes_on(words: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    expected = segmenter(DarkIsNucleus()).segment(images)
    small = DarkIsNucleus()
    small.largest_batch, small.words = 2, words
    assert np.array_equal(segmenter(small).segment(images), expected)


def test_one_image_too_many_is_said_plainly() -> None:
    none = DarkIsNucleus()
    none.largest_batch = 0
    with pytest.raises(ModelError, match="32×32 px does not fit"):
        segmenter(none).segment(np.zeros((1, 32, 32, 3), np.uint8))


def test_a_failing_network_is_not_mistaken_for_memory() -> None:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        segmenter(Broken()).segment(np.zeros((1, 32, 32, 3), np.uint8))


@pytest.mark.parametrize("size", [(31, 47), (480, 480), (5, 3)])
def test_a_picture_of_any_size_keeps_it(size: tuple[int, int]) -> None:
    rgb = np.full((*size, 3), 255, np.uint8)
    rgb[: size[0] // 2] = 0
    mask = segment_picture(segmenter(DarkIsNucleus()), rgb, um_per_px=0.5)
    assert mask.shape == size
    assert mask[0].all()
    assert not mask[-1].any()


def test_a_finer_pictures_mask_keeps_the_area_it_has_at_the_models_resolution() -> None:
    """Small discs with soft edges, as a network draws them, at half the model's µm/px."""
    y, x = np.mgrid[:480, :480]
    discs = np.zeros((480, 480))
    for cy, cx in np.random.default_rng(2).uniform(0, 480, (90, 2)):
        discs = np.maximum(discs, 1 / (1 + np.exp(np.hypot(y - cy, x - cx) - 8)))
    rgb = np.repeat(np.uint8(255 * (1 - discs))[..., None], 3, axis=2)
    one = segmenter(DarkIsNucleus(), SPEC.with_(threshold=0.425))
    fine = segment_picture(one, rgb, um_per_px=0.25).mean()
    coarse = segment_picture(one, resampled(rgb, 0.25, 0.5), um_per_px=0.5).mean()
    assert 0.05 < coarse < 0.4
    assert fine == pytest.approx(coarse, abs=0.0005)


def test_padding_gives_the_picture_back() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (70, 33, 3), dtype=np.uint8)
    padded, window = padded_to_lattice(rgb, 96, 16)
    assert np.array_equal(padded[window], rgb)
    assert not (np.array(padded.shape[:2]) % 16).any()


@pytest.mark.parametrize("name", ["rgb + relative", "reinhard"])
def test_a_picture_is_its_own_slide(name: str, tissue_rgb: NDArray[np.uint8]) -> None:
    spec = SPEC.with_(input=name)
    network = build_network(spec).eval()
    rgb = np.ascontiguousarray(tissue_rgb[:160, 1560:1752])
    found = picture_probability(network_prediction(network, spec), spec, rgb, 0.5)
    padded, window = padded_to_lattice(rgb, spec.halo_px, spec.lattice_px)
    statistics = picture_statistics(rgb, name)
    one = segmenter(network, spec)
    assert statistics not in ((), colour_input(name).typical)
    assert np.allclose(one.fitted(statistics).probability(padded[None])[0][window], found)
    assert not np.allclose(one.probability(padded[None])[0][window], found)


def test_another_organ_has_the_threshold_for_it_on_every_device() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    one = segmenter(DarkIsNucleus(), SPEC.with_(threshold=0.3, other_organs_threshold=0.7))
    other = one.for_organ("other")
    moved = other.on("cpu", "bf16").on("cpu", "fp32").fitted(())
    probability = one.probability(images)
    assert np.array_equal(other.segment(images), probability >= 0.7)
    assert np.array_equal(moved.segment(images), probability >= 0.7)
    assert np.array_equal(moved.for_organ("brain").segment(images), probability >= 0.3)


def test_a_model_of_one_threshold_has_it_for_all_organs() -> None:
    assert SPEC.for_organ("other") == SPEC


def test_statistics_of_a_slide_stay_when_the_device_is_named() -> None:
    spec = SPEC.with_(input="rgb + relative")
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    fitted = segmenter(build_network(spec).eval(), spec).fitted((0.2, 0.6, 0.3, 0.9))
    moved = fitted.on("cpu", "bf16").on("cpu", "fp32")
    assert np.array_equal(moved.probability(images), fitted.probability(images))


@pytest.mark.parametrize("name", ["rgb", "rgb + relative", "rgb + ratio"])
def test_device_trials_feed_a_network_as_many_channels_as_it_takes(
    name: str, tmp_path: Path
) -> None:
    network = build_network(SPEC.with_(input=name)).eval()
    assert plan_device(network, "cpu", tmp_path / "devices.json").arithmetic in ("fp32", "bf16")


def test_a_device_trial_is_remembered(tmp_path: Path) -> None:
    network = build_network(SPEC).eval()
    cache = tmp_path / "devices.json"
    first = plan_device(network, "cpu", cache)
    assert first.device == "cpu"
    cache.write_text(cache.read_text().replace(f'"{first.precision}"', '"bf16"'))
    assert plan_device(network, "cpu", cache).precision == "bf16"


def test_a_damaged_memory_of_trials_is_replaced(tmp_path: Path) -> None:
    cache = tmp_path / "devices.json"
    cache.write_text("{ not json")
    plan_device(build_network(SPEC).eval(), "cpu", cache)
    assert cache.read_text().startswith("{\n")


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(BadInput, match=r"tpu.*choose one of"):
        plan_device(build_network(SPEC), "tpu")


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ModelError, match="nonsense: no such model"):
        load_segmenter("nonsense")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA GPU")
def test_what_a_gpu_began_goes_on_without_it() -> None:
    here = segmenter(build_network(SPEC).eval(), SPEC)
    assert here.on("cuda", "bf16") is here


def test_a_picture_of_a_slide_is_seen_in_the_colours_of_the_slide() -> None:
    random = np.random.default_rng(3)
    picture, slide = (
        random.integers(low, high, (48, 48, 3), dtype=np.uint8) for low, high in ((0, 90), (0, 256))
    )
    spec, fitted = SPEC.with_(input="reinhard"), []

    def predict(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
        fitted.append(statistics)
        return np.zeros(images.shape[:3], np.float32)

    for colours in (None, slide.reshape(-1, 3)):
        picture_probability(predict, spec, picture, 0.5, colours)
    of_picture, of_slide = (picture_statistics(each, "reinhard") for each in (picture, slide))
    assert fitted == [of_picture, of_slide]
    assert of_picture != of_slide


def test_a_picture_nearly_as_fine_as_the_model_stays_as_it_is() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (60, 50, 3), dtype=np.uint8)
    for um_per_px in (0.499, 0.512):
        assert np.array_equal(resampled(rgb, um_per_px, 0.5), rgb)
    assert resampled(rgb, 0.25, 0.5).shape == (30, 25, 3)


@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize("magnified", [False, True])
def test_a_picture_in_blocks_has_the_values_of_the_whole(
    tissue_rgb: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch, views: int, magnified: bool
) -> None:
    """Random weights see far in every direction, so a halo or lattice that is wrong shows."""
    lattice = 48 if magnified else 16
    spec = SPEC.with_(input="rgb + relative", views=views, magnified=magnified, lattice_px=lattice)
    torch.manual_seed(5)
    predict = network_prediction(build_network(spec).eval(), spec)
    rgb = np.ascontiguousarray(tissue_rgb[:430, 1400:1950])
    whole = picture_probability(predict, spec, rgb, 0.5)
    seen = []

    def watched(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
        seen.append(images.shape[1:3])
        return predict(images, statistics)

    monkeypatch.setattr(pictures, "_BLOCK_PX", 192)
    in_blocks = picture_probability(watched, spec, rgb, 0.5)
    assert len(seen) == 9
    assert max(max(size) for size in seen) <= 192 + 2 * spec.halo_px
    assert np.abs(in_blocks - whole).max() < 1e-4
    assert whole.std() > 1e-3


def test_a_small_picture_stays_in_one_piece() -> None:
    seen = []

    def predict(images: NDArray[np.uint8], statistics: Statistics) -> NDArray[np.float32]:
        seen.append(images.shape)
        return np.zeros(images.shape[:3], np.float32)

    picture_probability(predict, SPEC, np.zeros((1920, 33, 3), np.uint8), 0.5)
    assert seen == [(1, 1920 + 2 * SPEC.halo_px, 48 + 2 * SPEC.halo_px, 3)]


def full(*_: object, **__: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. …")


@pytest.mark.parametrize("step", ["plan_device", "placed"])
@pytest.mark.parametrize(("device", "remedy"), [("cpu", "programs"), ("cuda", "the device cpu")])
def test_a_device_without_memory_for_a_model_is_said_plainly(
    step: str, device: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "napari_glioma_density.nuclei"
    monkeypatch.setattr(f"{where}.device.is_present", lambda _: True)
    monkeypatch.setattr(f"{where}.segmenter.plan_device", lambda *_: DevicePlan(device, "fp32"))
    monkeypatch.setattr(f"{where}.segmenter.{step}", full)
    with pytest.raises(ModelError, match=f"^fast does not fit into .* {device}; .*{remedy}$"):
        load_segmenter("fast", device)


def test_a_device_that_is_missing_is_said_as_the_window_offers_it_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("napari_glioma_density.nuclei.device.is_present", lambda _: False)
    with pytest.raises(BadInput, match=r"^cuda: this machine has no such device; ") as refused:
        choose_device("cuda")
    assert "--" not in str(refused.value)


def test_the_trial_of_another_processor_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home folder may be that of many machines."""
    network, told, tried = build_network(SPEC).eval(), tmp_path / "cpuinfo", []

    def fastest(*_: object) -> str:
        tried.append(told.read_text())
        return "bf16" if "bf16" in tried[-1] else "fp32"

    monkeypatch.setattr(trial, "_CPUINFO", told)
    monkeypatch.setattr(trial, "_fastest", fastest)
    for flags, precision in {"avx512_bf16": "bf16", "avx512f": "fp32"}.items():
        told.write_text(f"processor\t: 0\nmodel name\t: A Processor\nflags\t\t: {flags}\n")
        for _ in range(2):
            plan = plan_device(network, "cpu", tmp_path / "devices.json")
            assert plan.precision == precision
    assert len(tried) == 2
