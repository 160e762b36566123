"""U-net and U-net+DropBlock for nucleus segmentation (P1)."""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_glioma_density.nuclei.networks import magnify
from napari_glioma_density.nuclei.networks.activations import Activations
from napari_glioma_density.nuclei.networks.dropblock import DropBlock
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.stain import colour_input

DEPTH = 4
CLASSES = 2


class Convolution(nn.Module):
    """3×3 convolution, batch normalisation when asked, DropBlock when asked, ReLU.

    P1 puts DropBlock between *every* convolution and its ReLU.
    """

    def __init__(self, inputs: int, outputs: int, spec: ModelSpec) -> None:
        super().__init__()
        self.convolve = nn.Conv2d(inputs, outputs, 3, padding=1, bias=not spec.batch_norm)
        self.normalise = nn.BatchNorm2d(outputs) if spec.batch_norm else nn.Identity()
        self.drop = (
            DropBlock(spec.drop_rate, spec.drop_side) if spec.drop_rate > 0 else nn.Identity()
        )
        self.activate = nn.ReLU(inplace=True)

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, inputs, h, w) to (n, outputs, h, w)."""
        features = self.normalise(self.convolve(features))
        activated: Tensor = self.activate(self.drop(features))
        return activated

    def fold(self) -> None:
        """Fold batch normalisation into the convolution; for inference only."""
        if isinstance(self.normalise, nn.BatchNorm2d):
            self.convolve = fuse_conv_bn_eval(self.convolve, self.normalise)
            self.normalise = nn.Identity()


def _pair(inputs: int, outputs: int, spec: ModelSpec) -> nn.Sequential:
    return nn.Sequential(Convolution(inputs, outputs, spec), Convolution(outputs, outputs, spec))


class UNet(nn.Module):
    """Four down, four up, transposed convolutions, skip connections, two classes (P1).

    Parameters
    ----------
    spec
        ``base_width`` channels at full size, doubled at each of four levels; ``batch_norm``;
        ``drop_rate`` and ``drop_side`` of DropBlock, a rate of 0 being the plain U-net;
        ``magnified``, see :mod:`magnify`.

    Attributes
    ----------
    activations
        What its layers gave on ordinary tissue, where its weights file says so.

    Notes
    -----
    Sides of the input must be multiples of 16 px. :func:`patch_gflop` says what a pass costs.
    """

    def __init__(self, spec: ModelSpec) -> None:
        super().__init__()
        self.is_magnified = spec.magnified
        self.activations: Activations | None = None
        widths = [spec.base_width * 2**depth for depth in range(DEPTH + 1)]
        self.down = nn.ModuleList(
            _pair(inputs, outputs, spec)
            for inputs, outputs in zip(
                [colour_input(spec.input).channels, *widths[:-1]], widths, strict=True
            )
        )
        self.pool = nn.MaxPool2d(2)
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in reversed(widths[:-1])
        )
        self.up = nn.ModuleList(_pair(2 * width, width, spec) for width in reversed(widths[:-1]))
        self.classify = nn.Conv2d(spec.base_width, CLASSES, 1)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, 2, h, w) of background and nucleus for ``images`` (n, channels, h, w)."""
        if self.is_magnified:
            return magnify.magnified(lambda seen, _: self._logits(seen), images)
        return self._logits(images)

    def _logits(self, images: Tensor) -> Tensor:
        skips = []
        features = self.down[0](images)
        for stage in list(self.down)[1:]:
            skips.append(features)
            features = stage(self.pool(features))
        for enlarge, stage in zip(self.enlarge, self.up, strict=True):
            features = stage(torch.cat([skips.pop(), enlarge(features)], dim=1))
        logits: Tensor = self.classify(features)
        return logits

    def fold(self) -> None:
        """Fold every batch normalisation into its convolution; for inference only."""
        self.eval()
        for module in self.modules():
            if isinstance(module, Convolution):
                module.fold()


def patch_gflop(spec: ModelSpec, side: int = 480) -> float:
    """Work of the convolutions for one patch of ``side`` px with all the spec's views, GFLOP.

    A multiplication and an addition are two operations: 2·S·(179·b² + 9·c·b + 2·b) a view for S
    pixels, base width b and c input channels; 16/9 of that where the network looks magnified.
    """
    width, channels = spec.base_width, colour_input(spec.input).channels
    per_pixel = 179 * width**2 + 9 * channels * width + CLASSES * width
    seen_px = side**2 * (magnify.WORK if spec.magnified else 1)
    return spec.views * 2 * seen_px * per_pixel / 1e9


def _initialise(module: nn.Module) -> None:
    """Draw weights after He, as suits ReLU; PyTorch's default starves a net without norm."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
