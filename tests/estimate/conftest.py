"""Stand-ins for a network, over the shared slide of discs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain import Statistics


@pytest.fixture
def slide(slide_path: Path) -> Slide:
    return open_slide(slide_path)


@pytest.fixture(scope="session")
def segmenter(weights: Path) -> NetworkSegmenter:
    return load_segmenter(weights, "cpu", "fp32")


class DarkSegmenter:
    """Calls dark pixels nucleus: quick, and its truth is plain."""

    spec = ModelSpec(name="dark", title="", architecture="none")
    sha256 = "d" * 64
    device = "cpu"
    precision = "fp32"

    def __init__(self) -> None:
        self.on_image: Callable[[], None] = lambda: None
        self.fitted_to: list[Statistics] = []
        self.pictures: frozenset[str] = frozenset()

    def learnt(self) -> frozenset[str]:
        return self.pictures

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        self.on_image()
        return (images[..., 0] < 150).astype(np.uint8)

    def on(self, device: str, precision: str) -> "DarkSegmenter":
        assert (device, precision) == ("cpu", "fp32")
        return self

    def for_organ(self, _: Organ) -> "DarkSegmenter":
        return self

    def fitted(self, statistics: Statistics) -> "DarkSegmenter":
        self.fitted_to.append(statistics)
        return self


@pytest.fixture
def dark() -> DarkSegmenter:
    return DarkSegmenter()
