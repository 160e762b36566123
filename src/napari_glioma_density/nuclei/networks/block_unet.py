"""The U-net as an estimate runs it: the same values with less work.

The outer part of the halo is thrown away from a block's mask, so whatever only that part depends on
is not computed on the way up. ReLU is done in the pass that writes a convolution's result.
"""

import copy
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import torch
import torch.nn.functional
from torch import Tensor, nn

from napari_glioma_density.nuclei.networks.magnify import magnified
from napari_glioma_density.nuclei.networks.unet import DEPTH, Convolution, UNet

_REACH_PX: Final = 2
"""How far the two 3×3 convolutions of a stage carry what lies beyond the edge inwards."""

_NEARLY: Final = {"cpu": 0.0, "cuda": 0.13}
"""How far values up to 16 may differ for a pass to be the same: two last places in bfloat16."""


class BlockNetwork(nn.Module):
    """A network for the blocks of an estimate, which leaves a block's rim out.

    Parameters
    ----------
    is_magnified
        Whether it looks at its images enlarged; see :mod:`magnify`.
    """

    at_once = 1
    """How many threads may have it compute at once."""

    step_px = 240
    """Sides of its images should differ by multiples of this. PyTorch's memory falls into pieces
    where it is asked for many sizes: a hundred held 1.3 GB where one held 0.4, steps of 240 1.0."""

    def __init__(self, *, is_magnified: bool) -> None:
        super().__init__()
        self._is_magnified = is_magnified

    def forward(self, images: Tensor, rim_px: int = 0) -> Tensor:
        """Logits (n, 2, h − 2·rim, w − 2·rim) of all but the rim of ``images`` (n, c, h, w).

        Raises
        ------
        RuntimeError
            When there is not enough memory.
        """
        if self._is_magnified:
            return magnified(self._logits, images, rim_px)
        return self._logits(images, rim_px)

    def _logits(self, images: Tensor, rim_px: int) -> Tensor:
        """Of images as they are seen, enlarged or not."""
        raise NotImplementedError

    def shared(self, threads: int) -> "BlockNetwork":
        """The same network for so many threads at once, or fewer, each with its share of cores."""
        del threads
        return self


class BlockUNet(BlockNetwork):
    """A trained U-net for inference: equal to it, bit for bit, wherever it answers.

    Parameters
    ----------
    network
        In evaluation mode, batch normalisation folded, on its device and in its precision; its
        weights are shared, it is left as it was.
    """

    def __init__(self, network: UNet) -> None:
        super().__init__(is_magnified=network.is_magnified)
        self._network = _with_joined_relu(network)

    def _logits(self, images: Tensor, rim_px: int) -> Tensor:
        net, trims = self._network, trims_of(rim_px)
        skips = []
        features = net.down[0](images)
        for stage in list(net.down)[1:]:
            skips.append(features)
            features = stage(_halved(features))
        features = _cut(features, trims[DEPTH])
        for level in reversed(range(DEPTH)):
            at = DEPTH - 1 - level
            wide = net.enlarge[at](features)
            wide = _cut(wide, trims[level] - 2 * trims[level + 1])
            skip = _cut(skips.pop(), trims[level])
            features = net.up[at](torch.cat([skip, wide], dim=1))
        logits: Tensor = net.classify(_cut(features, rim_px - trims[0]))
        return logits


def trims_of(rim_px: int) -> tuple[int, ...]:
    """Px cut from each side at every level, finest first, so that all but the rim is exact.

    A stage spoils the outer px of what it is given; the level below must reach as far.
    """
    trims = [max(0, rim_px - _REACH_PX)]
    for _ in range(DEPTH - 1):
        trims.append(max(0, trims[-1] // 2 - _REACH_PX))
    return (*trims, trims[-1] // 2)


def _cut(features: Tensor, px: int) -> Tensor:
    """All but the outer px of each side; a view."""
    return features[..., px : features.shape[-2] - px, px : features.shape[-1] - px]


def _halved(features: Tensor) -> Tensor:
    """The largest of every 2×2 px, without the places that max_pool2d notes for training."""
    rows = torch.maximum(features[..., ::2, :], features[..., 1::2, :])
    return torch.maximum(rows[..., ::2], rows[..., 1::2])


class _ConvolutionReLU(nn.Module):
    """A 3×3 convolution, its bias and its ReLU in one pass of oneDNN or cuDNN."""

    def __init__(self, convolve: nn.Conv2d) -> None:
        super().__init__()
        self.weight, self.bias = convolve.weight, convolve.bias

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, inputs, h, w) to (n, outputs, h, w)."""
        return _joined(features, self.weight, self.bias)


def _joined(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    pair = [1, 1]
    if features.is_cuda:
        return torch.cudnn_convolution_relu(features, weight, bias, pair, pair, pair, 1)
    convolve: Callable[..., Tensor] = torch.ops.mkldnn._convolution_pointwise
    return convolve(features, weight, bias, pair, pair, pair, 1, "relu", [], "")


def _with_joined_relu(network: UNet) -> UNet:
    """The network with convolution and ReLU joined, where this machine can do that."""
    weight = next(network.parameters())
    if network.training or not _can_join(weight.dtype, weight.device.type):
        return network
    joined = copy.copy(network)
    joined._modules = {**network._modules}
    for name in ("down", "up"):
        stages = getattr(network, name)
        joined._modules[name] = nn.ModuleList(
            nn.Sequential(*map(_joined_convolution, stage)) for stage in stages
        )
    return joined


def _joined_convolution(convolution: Convolution) -> nn.Module:
    folded = isinstance(convolution.normalise, nn.Identity)
    return _ConvolutionReLU(convolution.convolve) if folded else convolution


@lru_cache(maxsize=8)
def _can_join(dtype: torch.dtype, device: str) -> bool:
    """Whether PyTorch here has that pass and it gives what two passes give.

    It is what `torch.compile` calls, but no public name: hence the trial. On a CPU not a bit
    differs. A GPU adds the bias before it rounds, once and not twice: a last place may.
    """
    if device not in _NEARLY:
        return False
    features = torch.linspace(-1, 1, 16 * 32 * 32).reshape(1, 16, 32, 32).to(device, dtype)
    features = features.contiguous(memory_format=torch.channels_last)
    weight = torch.linspace(-1, 1, 16 * 16 * 9).reshape(16, 16, 3, 3).cos().to(device, dtype)
    weight = weight.contiguous(memory_format=torch.channels_last)
    bias = torch.linspace(-1, 1, 16).to(device, dtype)
    apart = torch.nn.functional.conv2d(features, weight, bias, padding=1).relu()
    try:
        with torch.inference_mode():
            joined = _joined(features, weight, bias)
    except (AttributeError, RuntimeError):
        return False
    return torch.allclose(joined.float(), apart.float(), rtol=0, atol=_NEARLY[device])
