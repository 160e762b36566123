"""The layers of a U-net as nodes of an OpenVINO graph: in floats, and in 8-bit integers.

8-bit integers go through a processor's vector units twice as fast as bfloat16 and move half as much
memory. Values between layers are rounded to one of 256 steps over the range that the layer and
channel were seen to fill (``activations``), weights to one of 255 steps per output channel.
Rounding the weights shifts the mean of a layer's output; since the mean of its input is known, the
shift is known too and is corrected in the bias (after Nagel et al. 2019, DOI
10.1109/ICCV.2019.00141).
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from torch import nn

from napari_glioma_density.nuclei.networks.activations import Activations, Channels
from napari_glioma_density.nuclei.networks.quiet_openvino import ops

_CHANNELS, _DOWN, _ACROSS = 1, 2, 3
_ONES: Final = [1, 1]
_MOST_WEIGHT: Final = 127
_STEPS: Final = 256

_LEAST_SPAN: Final = 1e-6
"""Of a channel that is always the same."""

Weights = NDArray[np.float64]


class Layers(Protocol):
    """How the layers of a network are computed; `Any` is what flows between them."""

    def convolved(self, features: Any, convolve: nn.Module, name: str, /) -> Any:
        """A 3×3 convolution and its ReLU."""
        ...

    def enlarged(self, features: Any, enlarge: nn.Module, name: str, /) -> Any:
        """A transposed 2×2 convolution."""
        ...

    def classified(self, features: Any, classify: nn.Module, /) -> Any:
        """A 1×1 convolution, its logits a node in floating point."""
        ...


@dataclass(frozen=True)
class Node:
    """Features in floating point."""

    node: Any

    def halved(self) -> Self:
        """The largest of every 2×2 px."""
        none, two = [0, 0], [2, 2]
        return self._with(ops.max_pool(self.node, two, _ONES, none, none, two).output(0))

    def cut(self, px: int) -> Self:
        """All but the outer px of each side."""
        if not px:
            return self
        inner = ([px, px], [-px, -px], _ONES, [_DOWN, _ACROSS])
        return self._with(ops.slice(self.node, *(np.array(each, np.int64) for each in inner)))

    def beside(self, other: Self) -> Self:
        """The channels of both."""
        return self._with(ops.concat([self.node, other.node], _CHANNELS))

    def _with(self, node: Any) -> Self:
        return dataclasses.replace(self, node=node)


class FloatLayers:
    """As the network was trained."""

    def convolved(self, features: Node, convolve: nn.Module, _name: str) -> Node:
        """A 3×3 convolution and its ReLU."""
        return Node(ops.relu(_convolution(features.node, *_weights_of(convolve), pad=1)))

    def enlarged(self, features: Node, enlarge: nn.Module, _name: str) -> Node:
        """A transposed 2×2 convolution."""
        return Node(_transposed(features.node, *_weights_of(enlarge)))

    def classified(self, features: Node, classify: nn.Module) -> Any:
        """A 1×1 convolution, its logits as they are."""
        return _convolution(features.node, *_weights_of(classify), pad=0)


@dataclass(frozen=True)
class Steps(Node):
    """Features as parts, 0–1, of the range that their layer fills.

    Attributes
    ----------
    span, least
        (channels,): a value is ``least + span · part``.
    means
        (channels,) of the values.
    """

    span: NDArray[np.float64]
    least: NDArray[np.float64]
    means: NDArray[np.float64]

    def beside(self, other: Self) -> Self:
        """The channels of both."""
        names = ("span", "least", "means")
        both = {n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in names}
        return type(self)(super().beside(other).node, **both)


class IntegerLayers:
    """In 8-bit integers; the first layer, whose images are none, in floats.

    What lies beyond an image's border counts as a layer's least and not as 0, so values differ as
    far from there as the network reaches: the halo of a block.

    Parameters
    ----------
    activations
        Of the network, seen on ordinary tissue.
    """

    def __init__(self, activations: Activations) -> None:
        self._activations = activations

    def convolved(self, features: Node, convolve: nn.Module, name: str) -> Steps:
        """A 3×3 convolution and its ReLU."""

        def parts(span: Channels, _: Channels) -> Any:
            return ops.relu(self._sum(features, convolve, span, pad=1))

        return self._stepped(name, parts)

    def enlarged(self, features: Steps, enlarge: nn.Module, name: str) -> Steps:
        """A transposed 2×2 convolution."""

        def parts(span: Channels, least: Channels) -> Any:
            weights, bias = _rounded(features, *_weights_of(enlarge), span, is_transposed=True)
            return _transposed(features.node, weights, bias - least / span)

        return self._stepped(name, parts)

    def classified(self, features: Steps, classify: nn.Module) -> Any:
        """A 1×1 convolution, its logits in floating point."""
        return self._sum(features, classify, span=np.ones(1), pad=0)

    def _sum(self, features: Node, convolve: nn.Module, span: Channels, pad: int) -> Any:
        weights, bias = _weights_of(convolve)
        if isinstance(features, Steps):
            return _convolution(features.node, *_rounded(features, weights, bias, span), pad=pad)
        parts = weights / span.reshape(-1, 1, 1, 1)
        return _convolution(features.node, parts, bias / span, pad=pad)

    def _stepped(self, name: str, parts: Callable[[Channels, Channels], Any]) -> Steps:
        """What a layer gives, in steps of a range; `parts` takes that range's span and least."""
        seen = self._activations.layers[name]
        least, most = seen.stepped_range()
        span = np.maximum(most - least, _LEAST_SPAN)
        zero, one = np.float32(0), np.float32(1)
        stepped = ops.fake_quantize(parts(span, least), zero, one, zero, one, _STEPS)
        return Steps(stepped, span, least, seen.means)


def _rounded(
    features: Steps, weights: Weights, bias: Weights, span: Channels, *, is_transposed: bool = False
) -> tuple[Any, Weights]:
    """Weights as 8-bit integers and a bias: for features in parts, the answer divided by `span`."""
    outputs = 1 if is_transposed else 0  # their axis in weights
    taken, given = [1, 1, 1, 1], [1, 1, 1, 1]
    taken[1 - outputs] = given[outputs] = -1

    def answered(per_input: Weights, of_weights: Weights) -> Weights:
        """What inputs that are the same everywhere come to: (outputs,)."""
        # Of a transposed convolution, each px answered is reached by one weight of four.
        reach = of_weights.mean((2, 3)) if is_transposed else of_weights.sum((2, 3))
        summed: Weights = (reach * per_input.reshape(taken[:2])).sum(axis=1 - outputs)
        return summed

    scaled = weights * features.span.reshape(taken) / span.reshape(given)
    most = np.abs(scaled).max(axis=tuple({0, 1, 2, 3} - {outputs}), keepdims=True) + 1e-12
    whole = np.clip(np.round(scaled / most * _MOST_WEIGHT), -_MOST_WEIGHT, _MOST_WEIGHT)
    step = most / _MOST_WEIGHT
    parts = (features.means - features.least) / features.span
    bias = bias / span + answered(features.least, weights) / span
    bias = bias - answered(parts, whole * step - scaled)
    node = ops.multiply(
        ops.convert(ops.constant(whole.astype(np.int8)), np.float32),
        ops.constant(step.astype(np.float32)),
    )
    return node, bias


def _convolution(features: Any, weights: Any, bias: Weights, pad: int) -> Any:
    sides = [pad, pad]
    found = ops.convolution(features, _node(weights), _ONES, sides, sides, _ONES)
    return ops.add(found, _row(bias))


def _transposed(features: Any, weights: Any, bias: Weights) -> Any:
    found = ops.convolution_backprop_data(features, _node(weights), strides=[2, 2])
    return ops.add(found, _row(bias))


def _node(weights: Any) -> Any:
    """Weights as a graph takes them: rounded ones are a node already."""
    return weights.astype(np.float32) if isinstance(weights, np.ndarray) else weights


def _row(bias: Weights) -> NDArray[np.float32]:
    return bias.astype(np.float32).reshape(1, -1, 1, 1)


def _weights_of(module: nn.Module) -> tuple[Weights, Weights]:
    weight, bias = (module.get_parameter(name).detach() for name in ("weight", "bias"))
    return weight.double().numpy(), bias.double().numpy()
