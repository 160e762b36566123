"""The U-net in OpenVINO, which on many processors runs it faster than PyTorch does.

The graph is written from the weights: what an estimate needs, the block's rim left out, and nothing
of how the network was trained.
"""

from functools import partial
from typing import Any, Final

import numpy as np
import openvino
import torch
from numpy.typing import NDArray
from openvino import opset13 as ops
from torch import Tensor, nn

from napari_glioma_density.nuclei.networks.block_unet import BlockNetwork, trims_of
from napari_glioma_density.nuclei.networks.unet import DEPTH, Convolution, UNet

_NAMES: Final = {"fp32": "f32", "bf16": "bf16"}
_CHANNELS, _DOWN, _ACROSS = 1, 2, 3


class OpenVINOUNet(BlockNetwork):
    """A trained U-net for inference on a CPU by OpenVINO.

    Parameters
    ----------
    network
        In evaluation mode, batch normalisation folded, fp32, on the CPU; left as it is.
    precision
        fp32 or bf16, of the arithmetic; what goes in and comes out is fp32.
    """

    def __init__(self, network: UNet, precision: str) -> None:
        super().__init__()
        self._graph_of = partial(graph_of, network)
        self._precision = precision
        self._requests: dict[int, Any] = {}

    def forward(self, images: Tensor, rim_px: int = 0) -> Tensor:
        """Logits (n, 2, h − 2·rim, w − 2·rim) of all but the rim of ``images`` (n, c, h, w).

        The images are float32, channels last.
        """
        if rim_px not in self._requests:
            self._requests[rim_px] = self._compiled(rim_px).create_infer_request()
        request = self._requests[rim_px]
        request.infer([images.permute(0, 2, 3, 1).numpy()], share_inputs=True)
        return torch.from_numpy(request.get_output_tensor().data.copy())

    def _compiled(self, rim_px: int) -> Any:
        hints = {
            "INFERENCE_PRECISION_HINT": _NAMES[self._precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
        }
        return openvino.Core().compile_model(self._graph_of(rim_px), "CPU", hints)


def graph_of(network: UNet, rim_px: int) -> openvino.Model:
    """The network as a graph from images (n, h, w, c) to the logits of :class:`OpenVINOUNet`.

    Number and size of the images are left open: blocks at a slide's edges are of other sizes than
    those within, and to compile for each takes longer than to run it.

    Parameters
    ----------
    network
        Batch normalisation folded, fp32, on the CPU.
    rim_px
        What is left out on each side.
    """
    trims = trims_of(rim_px)
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    images = ops.parameter([-1, -1, -1, first.in_channels], np.float32, "images")
    features = _stage(ops.transpose(images, np.array([0, 3, 1, 2])), network.down[0])
    skips = []
    for stage in list(network.down)[1:]:
        skips.append(features)
        features = _stage(_halved(features), stage)
    features = _cut(features, trims[DEPTH])
    for level in reversed(range(DEPTH)):
        at = DEPTH - 1 - level
        wide = _enlarged(features, network.enlarge[at])
        wide = _cut(wide, trims[level] - 2 * trims[level + 1])
        skip = _cut(skips.pop(), trims[level])
        features = _stage(ops.concat([skip, wide], _CHANNELS), network.up[at])
    logits = _convolved(_cut(features, rim_px - trims[0]), network.classify, pad=0)
    return openvino.Model([logits], [images], "U-net")


def _stage(features: Any, stage: nn.Module) -> Any:
    for convolution in stage.children():
        assert isinstance(convolution, Convolution)  # noqa: S101
        features = ops.relu(_convolved(features, convolution.convolve, pad=1))
    return features


def _convolved(features: Any, convolve: nn.Module, pad: int) -> Any:
    sides, ones = [pad, pad], [1, 1]
    found = ops.convolution(features, _weights(convolve), ones, sides, sides, ones)
    return ops.add(found, _bias(convolve))


def _enlarged(features: Any, enlarge: nn.Module) -> Any:
    found = ops.convolution_backprop_data(features, _weights(enlarge), strides=[2, 2])
    return ops.add(found, _bias(enlarge))


def _halved(features: Any) -> Any:
    none, two = [0, 0], [2, 2]
    return ops.max_pool(features, two, [1, 1], none, none, two).output(0)


def _cut(features: Any, px: int) -> Any:
    """All but the outer px of each side."""
    if not px:
        return features
    inner = ([px, px], [-px, -px], [1, 1], [_DOWN, _ACROSS])
    return ops.slice(features, *(np.array(each, np.int64) for each in inner))


def _weights(module: nn.Module) -> NDArray[np.float32]:
    return np.asarray(module.get_parameter("weight").detach().numpy())


def _bias(module: nn.Module) -> NDArray[np.float32]:
    return np.asarray(module.get_parameter("bias").detach().numpy()).reshape(1, -1, 1, 1)
