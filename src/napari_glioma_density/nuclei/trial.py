"""The precision that is fastest on a device: tried once, then remembered."""

import hashlib
import json
import logging
import math
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import nn

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.json_object import json_object
from napari_glioma_density.nuclei.device import (
    OPENVINO,
    DevicePlan,
    choose_device,
    on_device,
    openvino_precisions,
    openvino_version,
    placed,
)

logger = logging.getLogger(__name__)

Trial = Callable[[int], float]
"""Side of a square image in px to the seconds that one pass over it takes."""

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
_GLANCES: Final = 4
_CPUINFO: Final = Path("/proc/cpuinfo")
_TELLING: Final = ("model name", "flags", "CPU implementer", "CPU part", "Features")
_TURNS: Final = 6
"""Passes of each precision, in turns: what else the machine does for a moment, as when a window
opens, meets all of them alike. The first of a precision warms it up; the best counts."""


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
    return (*by_torch, *(OPENVINO + precision for precision in openvino_precisions(network)))


def _fastest(network: nn.Module, device: str, precisions: Sequence[str]) -> str:
    trials = dict(_worth_timing(network, device, precisions))
    seconds = dict.fromkeys(trials, math.inf)
    for _ in range(_TURNS):
        for precision, trial in trials.items():
            once = trial(_PROBE_PX[device])
            seconds[precision] = min(seconds[precision], once)
    logger.info("trial on %s: %s", device, {name: round(s, 4) for name, s in seconds.items()})
    return min(seconds, key=seconds.__getitem__)


def _worth_timing(
    network: nn.Module, device: str, precisions: Sequence[str]
) -> Iterator[tuple[str, Trial]]:
    """Precisions that work here and are not hopelessly slow, and a trial of each."""
    first = math.inf
    for precision in precisions:
        plan = DevicePlan(device, precision)
        try:
            seen = placed(network, plan)
            trial = partial(_seconds, seen, plan, _channels(network))
            glance = min(trial(_GLANCE_PX) for _ in range(_GLANCES))
        except (ImportError, OSError, RuntimeError) as error:
            if not plan.by_openvino:
                raise
            # Installed, yet not for this system: PyTorch computes.
            logger.warning("OpenVINO is not used: %s", error)
            continue
        if glance > _HOPELESS * first:
            continue
        if plan.arithmetic == "int8" and not _is_near(network, seen):
            logger.warning("8-bit integers go wrong on this processor: not used")
            continue
        first = min(first, glance)
        yield precision, trial


def _seconds(placed: nn.Module, plan: DevicePlan, channels: int, side: int) -> float:
    """Seconds of one pass over one square image."""
    image = torch.zeros(1, channels, side, side)
    began = time.perf_counter()
    with torch.inference_mode():
        placed(on_device(image, plan)).float().cpu()
    return time.perf_counter() - began


def _is_near(network: nn.Module, integers: nn.Module) -> bool:
    """Whether a network in integers gives what the network gives.

    Processors without the proper instruction add pairs of 8-bit products in 16 bits, and large
    products overflow there.
    """
    drawn = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, _channels(network), 16, 16, generator=drawn)
    image = nn.functional.interpolate(coarse, scale_factor=16.0, mode="bilinear")
    with torch.inference_mode():
        exact, found = (
            runs(image.contiguous(memory_format=torch.channels_last))[_INNER]
            for runs in (network, integers)
        )
    apart = float((found - exact).abs().mean())
    return apart < _NEAR * float(exact.std())


def _channels(network: nn.Module) -> int:
    """Channels that the network's first convolution takes."""
    first = next(module for module in network.modules() if isinstance(module, nn.Conv2d))
    return first.in_channels


def _key(network: nn.Module, device: str, precisions: Sequence[str]) -> str:
    """What a trial's outcome depends on: what was tried, libraries, processor, network's size."""
    chip = torch.cuda.get_device_name() if device == "cuda" else _processor()
    cores = os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count()
    weights = sum(parameter.numel() for parameter in network.parameters())
    tried = ", ".join(precisions)
    key = f"{torch.__version__} {device} {chip} {platform.machine()} {cores} {weights} {tried}"
    by_openvino = any(precision.startswith(OPENVINO) for precision in precisions)
    return f"{key} openvino {openvino_version()}, in turns" if by_openvino else key


def _processor() -> str:
    """The processor's model, and on Linux a digest of what it can do.

    On Linux Python does not know the model. A home folder may be shared by machines with and
    without bfloat16 instructions, so the digest tells them apart.
    """
    try:
        lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    told = "\n".join(sorted({line for line in lines if line.startswith(_TELLING)}))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _remembered(cache: Path) -> dict[str, str]:
    try:
        return json_object(cache.read_bytes())
    except (OSError, ValueError):
        return {}  # no cache yet, or a damaged one: the trial is run again


def _remember(cache: Path, known: dict[str, str]) -> None:
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(cache, json.dumps(known, indent=1).encode())
    except OSError as error:
        logger.warning("the device trial cannot be remembered: %s", error)
