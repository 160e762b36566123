"""The U-net in OpenVINO, which on many processors runs it faster than PyTorch does.

The graph is written from the weights: what an estimate needs, the block's rim left out, and nothing
of how the network was trained.
"""

import copy
import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from napari_glioma_density.nuclei.networks.block_unet import BlockNetwork, trims_of
from napari_glioma_density.nuclei.networks.openvino_layers import (
    FloatLayers,
    IntegerLayers,
    Layers,
    Node,
)
from napari_glioma_density.nuclei.networks.quiet_openvino import openvino, ops
from napari_glioma_density.nuclei.networks.unet import DEPTH, Convolution, UNet
from napari_glioma_density.nuclei.spec import WINDOW_LATTICE_PX

_NAMES: Final = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""Of the arithmetic that is left where a layer is not in 8-bit integers: the first and the last of
them, where bfloat16 saves a twenty-fifth of the time and doubles the error of a density."""

_LAYERS_REMEMBERED: Final = 100
"""How many layers, each for one size of images, OpenVINO keeps ready for the next time. By default
they are so many that blocks of hundreds of sizes, as tissue cuts them, take 1.5 GB."""


class OpenVINOUNet(BlockNetwork):
    """A trained U-net for inference on a CPU by OpenVINO.

    Parameters
    ----------
    network
        In evaluation mode, batch normalisation folded, fp32, on the CPU; left as it is.
    precision
        fp32, bf16 or int8, of the arithmetic; what goes in, channels last, and comes out is fp32.
    """

    step_px = WINDOW_LATTICE_PX

    def __init__(self, network: UNet, precision: str) -> None:
        super().__init__(is_magnified=network.is_magnified)
        self._graph_of = partial(graph_of, network, layers=_layers(network, precision))
        self._precision = precision
        self._compiled: dict[int, _Compiled] = {}
        self._shared: OpenVINOUNet | None = None
        self._lock = threading.Lock()

    def shared(self, threads: int) -> "OpenVINOUNet":
        """The same network for so many threads at once, as far as there are cores.

        Each computes with its share of them: where all work at one image, they wait for each
        other after every layer.
        """
        at_once = min(threads, torch.get_num_threads())
        with self._lock:
            if self._shared is None or self._shared.at_once != at_once:
                self._shared = copy.copy(self)
                self._shared.at_once, self._shared._compiled = at_once, {}
            return self._shared

    def _logits(self, images: Tensor, rim_px: int) -> Tensor:
        with self._lock:
            if rim_px not in self._compiled:
                self._compiled[rim_px] = _Compiled(self._graph_of(rim_px), self._hints(), rim_px)
            compiled = self._compiled[rim_px]
        try:
            return compiled(images)
        except RuntimeError:
            with self._lock:
                if self._compiled.get(rim_px) is compiled:
                    del self._compiled[rim_px]
            raise

    def _hints(self) -> dict[str, object]:
        is_alone = self.at_once == 1
        return {
            "INFERENCE_PRECISION_HINT": _NAMES[self._precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "CPU_RUNTIME_CACHE_CAPACITY": _LAYERS_REMEMBERED,
            **({"PERFORMANCE_HINT": "LATENCY"} if is_alone else {"NUM_STREAMS": self.at_once}),
        }


class _Compiled:
    """A compiled graph; several threads may call it at once.

    When OpenVINO gets no memory it raises no error: it returns the answer of an earlier pass, this
    time and every time after, or the program ends. A graph that failed must be discarded.
    """

    def __init__(self, graph: openvino.Model, hints: dict[str, object], rim_px: int) -> None:
        self._model = openvino.Core().compile_model(graph, "CPU", hints)
        self._rim_px = rim_px
        self._idle: SimpleQueue[Any] = SimpleQueue()
        """Requests hold memory for a whole pass: there are no more than threads at once."""

    def __call__(self, images: Tensor) -> Tensor:
        """Logits of images (n, c, h, w) less the rim; RuntimeError where there was no memory."""
        request = self._request()
        request.get_output_tensor().data.ravel()[:1] = np.nan  # a pass writes over it
        request.infer([images.permute(0, 2, 3, 1).numpy()], share_inputs=True)
        logits = request.get_output_tensor().data
        inner = tuple(px - 2 * self._rim_px for px in images.shape[-2:])
        if logits.shape[-2:] != inner or np.isnan(logits.flat[0]):
            raise RuntimeError("OpenVINO was given not enough memory")
        self._idle.put(request)
        return torch.from_numpy(logits.copy())

    def _request(self) -> Any:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._model.create_infer_request()


def _layers(network: UNet, precision: str) -> Layers:
    if precision != "int8":
        return FloatLayers()
    assert network.activations is not None  # openvino_precisions() saw to it  # noqa: S101
    return IntegerLayers(network.activations)


def graph_of(network: UNet, rim_px: int, layers: Layers) -> openvino.Model:
    """The network as a graph from images (n, h, w, c) to the logits of :class:`OpenVINOUNet`.

    Number and size of the images are left open: blocks at a slide's edges differ in size from those
    within, and compiling for each size would take longer than running it.

    Parameters
    ----------
    network
        Batch normalisation folded, fp32, on the CPU.
    rim_px
        What is left out on each side.
    layers
        How its layers are computed.
    """
    trims = trims_of(rim_px)
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    images = ops.parameter([-1, -1, -1, first.in_channels], np.float32, "images")
    features: Any = Node(ops.transpose(images, np.array([0, 3, 1, 2])))
    skips = []
    for level in range(DEPTH + 1):
        if level:
            skips.append(features)
            features = features.halved()
        features = _stage(features, network, f"down.{level}", layers)
    features = features.cut(trims[DEPTH])
    for level in reversed(range(DEPTH)):
        at = DEPTH - 1 - level
        wide = layers.enlarged(features, network.enlarge[at], f"enlarge.{at}")
        wide = wide.cut(trims[level] - 2 * trims[level + 1])
        skip = skips.pop().cut(trims[level])
        features = _stage(skip.beside(wide), network, f"up.{at}", layers)
    logits = layers.classified(features.cut(rim_px - trims[0]), network.classify)
    return openvino.Model([logits], [images], "U-net")


def _stage(features: Any, network: UNet, stage: str, layers: Layers) -> Any:
    for name, convolution in network.get_submodule(stage).named_children():
        assert isinstance(convolution, Convolution)  # noqa: S101
        features = layers.convolved(features, convolution.convolve, f"{stage}.{name}")
    return features
