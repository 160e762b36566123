"""What an estimate needs of a model: pixels in, nucleus masks out."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain import Statistics


@runtime_checkable
class Segmenter(Protocol):
    """Anything that turns pictures into nucleus masks."""

    @property
    def spec(self) -> ModelSpec:
        """The model."""
        ...

    @property
    def sha256(self) -> str:
        """Hex digest of the weights."""
        ...

    @property
    def device(self) -> str:
        """Where it runs: cpu, cuda or mps."""
        ...

    @property
    def precision(self) -> str:
        """fp32, bf16 or fp16; openvino-fp32, -bf16 or -int8 where OpenVINO computes."""
        ...

    def learnt(self) -> frozenset[str]:
        """Digests of the pictures that it is known to have learnt from."""
        ...

    def tuned_on(self) -> frozenset[str] | None:
        """Pseudonyms of the slides that it was fine-tuned on; None when it was not."""
        ...

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Masks (n, h, w) of 0/1 for images (n, h, w, 3); sides are multiples of 16 px."""
        ...

    def on(self, device: str, precision: str) -> "Segmenter":
        """The same model on this device in this precision: a resumed run keeps its own.

        As it is where this machine has no such device.
        """
        ...

    def fitted(self, statistics: Statistics) -> "Segmenter":
        """The same model with the colour statistics of a slide."""
        ...

    def for_organ(self, organ: Organ) -> "Segmenter":
        """The same model with the threshold for an organ."""
        ...
