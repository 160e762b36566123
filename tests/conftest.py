"""Fixtures shared by every room."""

import importlib
import os
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

# CUDA builds of PyTorch bring triton, which an optimiser imports. It and Mesa each hold an LLVM: in
# a process that has drawn a window by software before, that import crashes.
with suppress(ImportError):
    importlib.import_module("triton")

HEIGHT, WIDTH = 1500, 2100
GLASS_COLUMNS = 400


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real slides and annotated nuclei; tests that need it skip without it."""
    named = os.environ.get("GLIOMA_DENSITY_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("GLIOMA_DENSITY_DATA names no folder: real slides and nuclei are not at hand")
    return Path(named)


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


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory, tissue_rgb: NDArray[np.uint8]) -> Path:
    """A random U-net whose threshold calls about a fifth of the tissue nucleus.

    Random weights see far in every direction, so they show a wrong halo at once.
    """
    import torch  # slow to import, and most rooms do not need it

    from napari_glioma_density.nuclei.networks import build_network
    from napari_glioma_density.nuclei.segmenter import load_segmenter
    from napari_glioma_density.nuclei.spec import ModelSpec
    from napari_glioma_density.nuclei.weights import load_network, save_network

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
