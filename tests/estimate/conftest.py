"""A small slide of dark discs on pink ground, and networks to run over it."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray

from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import load_network, save_network
from napari_glioma_density.slides import Slide, open_slide

HEIGHT, WIDTH = 1500, 2100
GLASS_COLUMNS = 400


def draw_tissue() -> NDArray[np.uint8]:
    """Pink ground with purple discs, bare glass on the right."""
    random = np.random.default_rng(11)
    rgb = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:] = np.clip(random.normal((225, 175, 205), 6, rgb.shape), 0, 255)
    for _ in range(900):
        x, y = int(random.integers(WIDTH - GLASS_COLUMNS)), int(random.integers(HEIGHT))
        cv2.circle(rgb, (x, y), int(random.integers(5, 10)), (95, 60, 140), -1)
    rgb[:, WIDTH - GLASS_COLUMNS :] = 244
    return rgb


@pytest.fixture(scope="session")
def tissue_rgb() -> NDArray[np.uint8]:
    return draw_tissue()


@pytest.fixture
def slide_path(tmp_path: Path, tissue_rgb: NDArray[np.uint8]) -> Path:
    path = tmp_path / "discs.tiff"
    with tifffile.TiffWriter(path) as tiff:
        tiff.write(
            tissue_rgb,
            tile=(256, 256),
            photometric="rgb",
            compression="deflate",
            resolution=(20_000, 20_000),
            resolutionunit="CENTIMETER",
        )
    return path


@pytest.fixture
def slide(slide_path: Path) -> Slide:
    return open_slide(slide_path)


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory, tissue_rgb: NDArray[np.uint8]) -> Path:
    """A random U-net whose threshold calls about a fifth of the tissue nucleus.

    Random weights see far in every direction, so they show a wrong halo at once.
    """
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    torch.manual_seed(5)
    spec = ModelSpec(name="random", title="", architecture="unet-dropblock", base_width=4)
    save_network(path, spec, build_network(spec))
    sample = np.ascontiguousarray(tissue_rgb[None, :480, :480])
    probability = load_segmenter(path, "cpu", "fp32").probability(sample)
    threshold = float(np.quantile(probability, 0.8))
    _, network = load_network(path)
    save_network(path, spec.with_(threshold=threshold), network)
    return path


@pytest.fixture(scope="session")
def segmenter(weights: Path) -> NetworkSegmenter:
    assert find_model(weights).spec.halo_px == 96
    return load_segmenter(weights, "cpu", "fp32")


class DarkSegmenter:
    """Calls dark pixels nucleus: quick, and its truth is plain."""

    spec = ModelSpec(name="dark", title="", architecture="none")
    sha256 = "d" * 64
    device = "cpu"
    precision = "fp32"

    def __init__(self) -> None:
        self.on_image: Callable[[], None] = lambda: None

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.on_image()
        return (images[..., 0] < 150).astype(np.uint8)

    def on(self, device: str, precision: str) -> "DarkSegmenter":
        assert (device, precision) == ("cpu", "fp32")
        return self


@pytest.fixture
def dark() -> DarkSegmenter:
    return DarkSegmenter()
