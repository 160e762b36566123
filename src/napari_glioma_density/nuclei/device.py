"""Where a network runs, by which library and in which precision."""

import copy
import logging
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import torch
from torch import Tensor, nn

from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.networks.block_unet import BlockUNet
from napari_glioma_density.nuclei.networks.unet import Convolution, UNet

logger = logging.getLogger(__name__)

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
PRECISIONS: Final = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
OPENVINO: Final = "openvino-"
"""Before the name of a precision: computed by OpenVINO, an optional extra, and not by PyTorch."""


@dataclass(frozen=True)
class DevicePlan:
    """A device and the precision that was fastest on it."""

    device: str
    precision: str
    """One of :data:`PRECISIONS`; on a CPU :data:`OPENVINO` may stand before fp32, bf16 and int8."""

    @property
    def by_openvino(self) -> bool:
        """Whether OpenVINO computes."""
        return self.precision.startswith(OPENVINO)

    @property
    def arithmetic(self) -> str:
        """The precision without the library's name."""
        return self.precision.removeprefix(OPENVINO)

    @property
    def dtype(self) -> torch.dtype:
        """What the network is given; OpenVINO rounds for itself."""
        return torch.float32 if self.by_openvino else PRECISIONS[self.precision]


def choose_device(asked: str) -> str:
    """The device for ``auto``, or the one asked for.

    Raises
    ------
    BadInput
        When the device is unknown or not present on this machine.
    """
    if asked == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if is_present(device))
    if asked not in DEVICES:
        raise BadInput(f"{asked}: no such device; choose one of: {', '.join(DEVICES)}")
    if not is_present(asked):
        raise BadInput(f"{asked}: this machine has no such device; choose the device auto or cpu")
    return asked


def is_present(device: str) -> bool:
    """Whether this machine has a device: cpu, cuda or mps."""
    if device == "cuda":
        return torch.cuda.is_available()
    return device == "cpu" or (device == "mps" and torch.backends.mps.is_available())


def openvino_version() -> str | None:
    """Version of OpenVINO, None where it is not installed."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        return None


def openvino_precisions(network: nn.Module) -> tuple[str, ...]:
    """In which precisions OpenVINO can run a network here: none where it is not installed."""
    if openvino_version() is None or not isinstance(network, UNet) or not _is_folded(network):
        return ()
    return ("fp32", "bf16") if network.activations is None else ("fp32", "bf16", "int8")


def _is_folded(network: UNet) -> bool:
    convolutions = (one for one in network.modules() if isinstance(one, Convolution))
    return all(isinstance(one.normalise, nn.Identity) for one in convolutions)


def feasible(plan: DevicePlan, network: nn.Module) -> DevicePlan:
    """The plan, with PyTorch in the same precision where OpenVINO is missing or cannot compute."""
    if not plan.by_openvino or plan.arithmetic in openvino_precisions(network):
        return plan
    by_torch = plan.arithmetic if plan.arithmetic in PRECISIONS else "fp32"
    logger.warning("OpenVINO cannot compute here: PyTorch does, in %s", by_torch)
    return DevicePlan(plan.device, by_torch)


def placed(network: nn.Module, plan: DevicePlan) -> nn.Module:
    """A copy of ``network`` for inference: on the plan's device, in its precision, channels last.

    A U-net becomes one that can spare a block's rim.
    """
    if plan.by_openvino:
        # Here and not above: it is optional, and its import takes a while.
        from napari_glioma_density.nuclei.networks.openvino_unet import OpenVINOUNet

        assert isinstance(network, UNet)  # feasible() saw to it  # noqa: S101
        return OpenVINOUNet(network, plan.arithmetic)
    moved = copy.deepcopy(network).to(plan.device, plan.dtype).eval()
    moved.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return BlockUNet(moved) if isinstance(moved, UNet) else moved


def on_device(images: Tensor, plan: DevicePlan) -> Tensor:
    """Images (n, channels, h, w) as the plan's network takes them."""
    return images.to(plan.device, plan.dtype, memory_format=torch.channels_last)
