"""Where a network runs, by which library and in which precision: tried once, then remembered."""

import copy
import json
import logging
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import Tensor, nn

from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.networks.block_unet import BlockUNet
from napari_glioma_density.nuclei.networks.unet import Convolution, UNet

logger = logging.getLogger(__name__)

DEVICES: Final = ("auto", "cpu", "cuda", "mps")
PRECISIONS: Final = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
OPENVINO: Final = "openvino-"
"""Before the name of a precision: computed by OpenVINO, an optional extra, and not by PyTorch."""

_PROBE_PX: Final = {"cpu": 256, "mps": 256, "cuda": 1536}
"""A GPU that is given little waits for the processor, whatever the precision."""
_GLANCE_PX: Final = 64
_HOPELESS: Final = 3.0
"""A precision this many times slower at a glance is not timed at full size: without hardware
for bfloat16 a full probe could take minutes."""
_NEAR: Final = 0.1
"""How far values in 8-bit integers may be from the network's, in their standard deviation."""
_INNER: Final = np.s_[..., 96:-96, 96:-96]
"""Where the border of an image does not reach: there alone the same is computed."""


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
    present = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if asked == "auto":
        return next(device for device, here in present.items() if here)
    if asked not in present:
        raise BadInput(f"{asked}: no such device; choose one of: {', '.join(DEVICES)}")
    if not present[asked]:
        raise BadInput(f"{asked}: this machine has no such device; use --device auto or cpu")
    return asked


def openvino_version() -> str | None:
    """Version of OpenVINO, None where it is not installed."""
    try:
        return version("openvino")
    except PackageNotFoundError:
        return None


def plan_device(
    network: nn.Module, asked: str, cache: Path | None = None, *, to_train: bool = False
) -> DevicePlan:
    """Choose device and precision for ``network`` by a short timed trial.

    Parameters
    ----------
    network
        In evaluation mode, fp32, on the CPU; left as it was.
    asked
        One of :data:`DEVICES`.
    cache
        File that remembers trials; the user's cache folder when not given.
    to_train
        Whether the network is to be trained, which PyTorch alone can do.
    """
    device = choose_device(asked)
    cache = cache or user_cache_path("glioma-density", appauthor=False) / "devices.json"
    known = _remembered(cache)
    precisions = _candidates(network, device, to_train)
    key = _key(network, device, precisions)
    if known.get(key) not in precisions:
        known[key] = _fastest(network, device, precisions)
        _remember(cache, known)
    return DevicePlan(device, known[key])


def _candidates(network: nn.Module, device: str, to_train: bool) -> tuple[str, ...]:
    by_torch = {"cpu": ("fp32", "bf16"), "mps": ("fp32", "fp16"), "cuda": ("fp32", "bf16")}[device]
    if device != "cpu" or to_train:
        return by_torch
    return (*by_torch, *(OPENVINO + precision for precision in _openvino_precisions(network)))


def _openvino_precisions(network: nn.Module) -> tuple[str, ...]:
    """In which precisions OpenVINO can run a network here: none where it is not installed."""
    if openvino_version() is None or not isinstance(network, UNet) or not _is_folded(network):
        return ()
    return ("fp32", "bf16") if network.activations is None else ("fp32", "bf16", "int8")


def _is_folded(network: UNet) -> bool:
    convolutions = (one for one in network.modules() if isinstance(one, Convolution))
    return all(isinstance(one.normalise, nn.Identity) for one in convolutions)


def _fastest(network: nn.Module, device: str, precisions: Sequence[str]) -> str:
    seconds: dict[str, float] = {}
    for precision in precisions:
        plan = DevicePlan(device, precision)
        try:
            glance = _trial_seconds(network, plan, _GLANCE_PX)
            if seconds and glance > _HOPELESS * seconds["glance"]:
                continue
            if plan.arithmetic == "int8" and not _is_near(network, plan):
                logger.warning("8-bit integers go wrong on this processor: not used")
                continue
            seconds[precision] = _trial_seconds(network, plan, _PROBE_PX[device])
        except (ImportError, OSError, RuntimeError) as error:
            if not plan.by_openvino:
                raise
            # Installed, yet not for this system: PyTorch computes.
            logger.warning("OpenVINO is not used: %s", error)
        else:
            seconds.setdefault("glance", glance)
    del seconds["glance"]
    logger.info("trial on %s: %s", device, {name: round(s, 4) for name, s in seconds.items()})
    return min(seconds, key=seconds.__getitem__)


def _trial_seconds(network: nn.Module, plan: DevicePlan, side: int) -> float:
    """Best of three passes over one square image, after one to warm up."""
    trial, image = placed(network, plan), torch.zeros(1, _channels(network), side, side)
    times = []
    with torch.inference_mode():
        for _ in range(4):
            began = time.perf_counter()
            trial(on_device(image, plan)).float().cpu()
            times.append(time.perf_counter() - began)
    return min(times[1:])


def _is_near(network: nn.Module, plan: DevicePlan) -> bool:
    """Whether a plan gives what the network gives.

    Processors without an instruction for it add products of 8-bit integers two by two in 16 bits,
    which large ones overflow.
    """
    drawn = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, _channels(network), 16, 16, generator=drawn)
    image = nn.functional.interpolate(coarse, scale_factor=16.0, mode="bilinear")
    with torch.inference_mode():
        exact, found = (
            runs(image.contiguous(memory_format=torch.channels_last))[_INNER]
            for runs in (network, placed(network, plan))
        )
    apart = float((found - exact).abs().mean())
    return apart < _NEAR * float(exact.std())


def _channels(network: nn.Module) -> int:
    """Channels that the network's first convolution takes."""
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    return first.in_channels


def feasible(plan: DevicePlan, network: nn.Module) -> DevicePlan:
    """The plan, with PyTorch in the same precision where OpenVINO is missing or cannot compute."""
    if not plan.by_openvino or plan.arithmetic in _openvino_precisions(network):
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


def _key(network: nn.Module, device: str, precisions: Sequence[str]) -> str:
    """What a trial's outcome depends on: what was tried, libraries, processor, network's size."""
    chip = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    weights = sum(parameter.numel() for parameter in network.parameters())
    tried = ", ".join(precisions)
    key = f"{torch.__version__} {device} {chip} {platform.machine()} {cores} {weights} {tried}"
    by_openvino = any(precision.startswith(OPENVINO) for precision in precisions)
    return f"{key} openvino {openvino_version()}" if by_openvino else key


def _remembered(cache: Path) -> dict[str, str]:
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # no cache yet, or a damaged one: the trial is run again
    return known if isinstance(known, dict) else {}


def _remember(cache: Path, known: dict[str, str]) -> None:
    beside = cache.with_name(f"{cache.name}.{os.getpid()}.part")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(known, indent=1), encoding="utf-8")
        beside.replace(cache)
    except OSError as error:
        logger.warning("the device trial cannot be remembered: %s", error)
