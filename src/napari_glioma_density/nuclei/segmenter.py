"""Run a network over images: pixels in, nucleus masks out."""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.device import (
    DevicePlan,
    choose_device,
    on_device,
    placed,
    plan_device,
)
from napari_glioma_density.nuclei.registry import DEFAULT_MODEL, Model, find_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import load_network
from napari_glioma_density.stain import normalise

logger = logging.getLogger(__name__)

Window = tuple[slice, slice]


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
        """fp32, bf16 or fp16."""
        ...

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Masks (n, h, w) of 0/1 for images (n, h, w, 3); sides are multiples of 16 px."""
        ...

    def on(self, device: str, precision: str) -> "Segmenter":
        """The same model on this device in this precision: a resumed run keeps its own."""
        ...


class NetworkSegmenter:
    """A trained network on a device.

    Parameters
    ----------
    model
        Which weights.
    network
        Loaded, in evaluation mode, on the CPU, in fp32; left as it is.
    plan
        Device and precision.
    """

    def __init__(self, model: Model, network: nn.Module, plan: DevicePlan) -> None:
        self.spec = model.spec
        self.sha256 = model.sha256
        self._model = model
        self._cpu_network = network
        self._plan = plan
        self._network = placed(network, plan).eval()
        # Softmax of two classes exceeds t where the logits' difference exceeds log(t / (1 − t)):
        # one subtraction and one comparison instead of an exponential a pixel.
        self._least_margin = math.log(self.spec.threshold / (1 - self.spec.threshold))

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._plan.device

    @property
    def precision(self) -> str:
        """Precision it runs in."""
        return self._plan.precision

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Masks (n, h, w) of 0/1 for images (n, h, w, 3); sides are multiples of 16 px.

        Raises
        ------
        ModelError
            When not even one image fits into the device's memory.
        """
        margins = self._margins(images)
        return (margins >= self._least_margin).to(torch.uint8).numpy()

    def on(self, device: str, precision: str) -> "NetworkSegmenter":
        """The same model on this device in this precision.

        Raises
        ------
        BadInput
            When this machine has no such device.
        """
        plan = DevicePlan(choose_device(device), precision)
        return (
            self if plan == self._plan else NetworkSegmenter(self._model, self._cpu_network, plan)
        )

    def probability(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probability of nucleus (n, h, w), 0–1, for images (n, h, w, 3)."""
        return self._margins(images).sigmoid().numpy()

    def _margins(self, images: NDArray[np.uint8]) -> Tensor:
        """Logit of nucleus less that of background, (n, h, w) float32 on the CPU.

        Out of memory halves the batch and goes on.
        """
        try:
            with torch.inference_mode():
                logits = self._network(on_device(as_input(images, self.spec.input), self._plan))
                margins: Tensor = logits[:, 1].float() - logits[:, 0].float()
                return margins.cpu()
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
        half = len(images) // 2
        if not half:
            raise ModelError(
                f"{self.spec.name}: an image of {images.shape[2]}×{images.shape[1]} px does not "
                f"fit into the memory of {self.device}; close other programs or use --device cpu"
            )
        logger.warning("out of memory with %d images at once, going on with %d", 2 * half, half)
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return torch.cat([self._margins(images[:half]), self._margins(images[half:])])


def load_segmenter(
    name_or_path: str | Path = DEFAULT_MODEL, device: str = "auto", precision: str | None = None
) -> NetworkSegmenter:
    """Load a model onto a device.

    Parameters
    ----------
    name_or_path
        A name that ``glioma-density models`` lists, or a weights file.
    device
        auto, cpu, cuda or mps.
    precision
        fp32, bf16 or fp16; the fastest by a short trial when not given.

    Raises
    ------
    ModelError
        When there is no such model or its weights are damaged.
    BadInput
        When the device is not present.
    """
    model = find_model(name_or_path)
    _, network = load_network(model.path)
    fold = getattr(network, "fold", None)
    if fold is not None:
        fold()
    plan = plan_device(network, device)
    if precision is not None:
        plan = DevicePlan(plan.device, precision)
    return NetworkSegmenter(model, network, plan)


def as_input(images: NDArray[np.uint8], name: str) -> Tensor:
    """Normalise images (n, h, w, 3) uint8 and lay them out (n, 3, h, w), channels last."""
    # The permuted view of an interleaved array *is* channels_last: no copy is made.
    return torch.from_numpy(normalise(images, name)).permute(0, 3, 1, 2)


def nucleus_probability(
    network: nn.Module, images: NDArray[np.uint8], input_name: str
) -> NDArray[np.float32]:
    """Probability of nucleus (n, h, w), 0–1, by a network on the CPU in full precision."""
    with torch.inference_mode():
        logits = network(as_input(images, input_name)).float()
    probability: NDArray[np.float32] = logits.softmax(dim=1)[:, 1].numpy()
    return probability


def padded_to_lattice(
    rgb: NDArray[np.uint8], halo_px: int, lattice_px: int
) -> tuple[NDArray[np.uint8], Window]:
    """Mirror a picture at its border until it has a halo and sides on the lattice.

    A field cut from tissue goes on beyond its border, so it is mirrored; white would draw an
    edge that is not there.

    Returns
    -------
    padded, window
        The picture (height, width, 3) and where the original lies in it.
    """
    height, width = rgb.shape[:2]
    down, right = -height % lattice_px + halo_px, -width % lattice_px + halo_px
    padded = cv2.copyMakeBorder(rgb, halo_px, down, halo_px, right, cv2.BORDER_REFLECT)
    return np.asarray(padded), np.s_[halo_px : halo_px + height, halo_px : halo_px + width]


def picture_probability(
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    spec: ModelSpec,
    rgb: NDArray[np.uint8],
    um_per_px: float,
) -> NDArray[np.float32]:
    """Probability of nucleus in a single picture at its own size.

    Parameters
    ----------
    predict
        Images (n, h, w, 3) at the model's resolution to probabilities (n, h, w).
    spec
        The model's resolution, halo and lattice.
    rgb
        (height, width, 3) uint8.
    um_per_px
        Resolution of the picture; it is scaled to the model's, and the probability back.

    Returns
    -------
    ndarray
        (height, width) float32, 0–1.
    """
    height, width = rgb.shape[:2]
    factor = um_per_px / spec.um_per_px
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled = np.asarray(cv2.resize(rgb, size, interpolation=how))
    padded, window = padded_to_lattice(scaled, spec.halo_px, spec.lattice_px)
    probability = predict(padded[None])[0][window]
    return np.asarray(cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR))


def segment_picture(
    segmenter: NetworkSegmenter, rgb: NDArray[np.uint8], um_per_px: float
) -> NDArray[np.bool_]:
    """Nucleus mask (height, width) of a single picture (height, width, 3) at its own size."""
    spec = segmenter.spec
    return picture_probability(segmenter.probability, spec, rgb, um_per_px) >= spec.threshold


def _is_out_of_memory(error: RuntimeError) -> bool:
    """PyTorch has a type for this on GPUs; the CPU's allocator only says so in words."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
