"""Run a network over images: pixels in, nucleus masks out."""

import copy
import logging
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_glioma_density.errors import NoRoom
from napari_glioma_density.nuclei.device import (
    DevicePlan,
    choose_device,
    feasible,
    is_present,
    on_device,
    placed,
)
from napari_glioma_density.nuclei.kept_metrics import slides_learnt
from napari_glioma_density.nuclei.memory import is_out_of_memory, room_on
from napari_glioma_density.nuclei.networks.block_unet import BlockNetwork
from napari_glioma_density.nuclei.registry import DEFAULT_MODEL, Model, find_model
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.nuclei.tensor_colours import TENSOR_INPUTS, as_input
from napari_glioma_density.nuclei.trial import plan_device
from napari_glioma_density.nuclei.views import mean_margins, views_of
from napari_glioma_density.nuclei.weights import load_network
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain import Statistics, colour_input, normalise

logger = logging.getLogger(__name__)


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
    statistics
        Colours of the slide, for models whose input is fitted to it; typical ones when empty.

    Raises
    ------
    ModelError
        When the model asks for a number of views that there is not, or does not fit into the
        device's memory.
    """

    def __init__(
        self, model: Model, network: nn.Module, plan: DevicePlan, statistics: Statistics = ()
    ) -> None:
        self.spec = model.spec
        self._statistics = statistics
        self.sha256 = model.sha256
        self._model = model
        self._cpu_network = network
        self._plan = feasible(plan, network)
        with room_on(plan.device, model.spec.name):
            self._network = placed(network, self._plan)
        self._rim_px = 0
        self._views = views_of(model.spec)

    @property
    def device(self) -> str:
        """Where it runs."""
        return self._plan.device

    @property
    def precision(self) -> str:
        """Precision it runs in."""
        return self._plan.precision

    @property
    def _least_margin(self) -> float:
        """From which difference of logits on a pixel is nucleus.

        Softmax of two classes exceeds t where that exceeds log(t / (1 − t)): one subtraction and
        one comparison instead of an exponential a pixel.
        """
        return math.log(self.spec.threshold / (1 - self.spec.threshold))

    def learnt(self) -> frozenset[str]:
        """Digests of the pictures that it is known to have learnt from.

        Raises
        ------
        ModelError
            When the weights file, which tells them, is gone or damaged.
        """
        return self._model.learnt.pictures

    def tuned_on(self) -> frozenset[str] | None:
        """Pseudonyms of the slides that it was fine-tuned on, as what lies beside it tells."""
        return slides_learnt(self._model.metrics)

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Masks (n, h, w) of 0/1 for images (n, h, w, 3); sides are multiples of 16 px.

        Raises
        ------
        NoRoom
            When not even one image fits into the device's memory.
        """
        return self.with_rim((self._margins(images, self._rim_px) >= self._least_margin).numpy())

    def uploadable(self, rgb: NDArray[np.uint8]) -> Tensor:
        """What is brought to the device of an image (h, w, 3): channels (h, w, c), float32.

        Or its colours as they are, uint8, where a GPU makes the channels of them.
        """
        if self.device == "cuda" and self.spec.input in TENSOR_INPUTS:
            return torch.from_numpy(rgb)
        return torch.from_numpy(normalise(rgb[None], self.spec.input, self._statistics)[0])

    def nuclei_of(self, uploaded: Tensor) -> Tensor:
        """Nucleus or not, uint8 (h, w) less the rim, of what :meth:`uploadable` gave.

        It stays on the device, and may not be computed yet when this returns.

        Raises
        ------
        NoRoom
            When it does not fit into the device's memory.
        """
        try:
            with torch.inference_mode():
                channels = self._channels(uploaded[None]).permute(0, 3, 1, 2)
                network = self._sparing_network(self._rim_px)
                margins = mean_margins(network, on_device(channels, self._plan), self._views)
                return (margins[0] >= self._least_margin).to(torch.uint8)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        raise self._too_large(*uploaded.shape[:2])

    def with_rim(self, masks: NDArray[Any]) -> NDArray[np.uint8]:
        """Masks (…, h, w) of 0/1 of the whole, the rim that was spared left empty."""
        edges = [(0, 0)] * (masks.ndim - 2) + [(self._rim_px,) * 2] * 2
        return np.pad(masks.astype(np.uint8, copy=False), edges)

    def _channels(self, uploaded: Tensor) -> Tensor:
        if uploaded.dtype != torch.uint8:
            return uploaded
        typical = colour_input(self.spec.input).typical
        return TENSOR_INPUTS[self.spec.input](uploaded, self._statistics or typical)

    def _too_large(self, height: int, width: int) -> NoRoom:
        elsewhere = "" if self.device == "cpu" else ", or the device cpu"
        return NoRoom(
            f"{self.spec.name}: an image of {width}×{height} px does not fit into the memory of "
            f"{self.device}; close other programs, use smaller blocks or pictures{elsewhere}"
        )

    def _sparing_network(self, rim_px: int) -> Callable[[Tensor], Tensor]:
        return partial(self._network, rim_px=rim_px) if rim_px else self._network

    def sparing(self, rim_px: int) -> "NetworkSegmenter":
        """The same model for masks whose outer ``rim_px`` nobody looks at: they are left empty."""
        other = copy.copy(self)
        other._rim_px = rim_px if isinstance(self._network, BlockNetwork) else 0
        return other

    def shared(self, threads: int) -> "NetworkSegmenter":
        """The same model for so many threads at once, or for fewer: :attr:`at_once`."""
        other = copy.copy(self)
        if isinstance(self._network, BlockNetwork):
            other._network = self._network.shared(threads)
        return other

    @property
    def at_once(self) -> int:
        """How many threads may have it look at a block at once."""
        return self._network.at_once if isinstance(self._network, BlockNetwork) else 1

    @property
    def step_px(self) -> int:
        """By multiples of what the sides of blocks may differ: each new size takes memory."""
        network = self._network if isinstance(self._network, BlockNetwork) else BlockNetwork
        return network.step_px

    def on(self, device: str, precision: str) -> "NetworkSegmenter":
        """The same model on this device in this precision.

        As it is where this machine has no such device: what was begun on a GPU must be able to go
        on without it.
        """
        plan = DevicePlan(device, precision)
        if plan == self._plan:
            return self
        if not is_present(device):
            logger.warning("there is no %s here: %s goes on in its place", device, self.device)
            return self
        other = NetworkSegmenter(self._model, self._cpu_network, plan, self._statistics)
        other.spec = self.spec
        return other

    def for_organ(self, organ: Organ) -> "NetworkSegmenter":
        """The same model, on the same device, with the threshold for an organ."""
        other = copy.copy(self)
        other.spec = self._model.spec.for_organ(organ)
        return other

    def fitted(self, statistics: Statistics) -> "NetworkSegmenter":
        """The same model, on the same device, with the colour statistics of a slide."""
        other = copy.copy(self)
        other._statistics = statistics
        return other

    def margins(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logit of nucleus less that of background (n, h, w), for images (n, h, w, 3)."""
        return self._margins(images).numpy()

    def probability(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probability of nucleus (n, h, w), 0–1, for images (n, h, w, 3)."""
        return self._margins(images).sigmoid().numpy()

    def _margins(self, images: NDArray[np.uint8], rim_px: int = 0) -> Tensor:
        """Logit of nucleus less that of background, float32 on the CPU: (n, h, w) less the rim.

        Out of memory halves the batch and goes on.
        """
        try:
            with torch.inference_mode():
                seen = as_input(images, self.spec.input, self._statistics)
                network = self._sparing_network(rim_px)
                return mean_margins(network, on_device(seen, self._plan), self._views).cpu()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
        half = len(images) // 2
        if not half:
            raise self._too_large(*images.shape[1:3])
        logger.warning("out of memory with %d images at once, going on with %d", 2 * half, half)
        if self.device == "cuda":
            torch.cuda.empty_cache()
        return torch.cat([self._margins(part, rim_px) for part in (images[:half], images[half:])])


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
        fp32, bf16, fp16, openvino-fp32, openvino-bf16 or openvino-int8; the fastest by a short
        trial when not given.

    Raises
    ------
    ModelError
        When there is no such model, its weights are damaged, or the device has no memory for it.
    BadInput
        When the device is not present.
    """
    model = find_model(name_or_path)
    _, network = load_network(model.path)
    fold = getattr(network, "fold", None)
    if fold is not None:
        fold()
    device = choose_device(device)
    with room_on(device, model.name):
        plan = plan_device(network, device)
    if precision is not None:
        plan = DevicePlan(plan.device, precision)
    return NetworkSegmenter(model, network, plan)


def rehearse(segmenter: Segmenter, side_px: int, rim_px: int) -> None:
    """Have a network see a blank square, so that what is compiled at the first use is compiled."""
    if isinstance(segmenter, NetworkSegmenter):
        segmenter.sparing(rim_px).segment(np.zeros((1, side_px, side_px, 3), np.uint8))
