"""Networks of other projects, where they are installed: ``pip install -e ".[bench]"``."""

from collections.abc import Callable

import torch

from .pairs import Stopwatch

SIDE_PX = 960


def instanseg(patch_px: int) -> dict[str, Callable[[], float]]:
    """InstanSeg's U-net with random weights in fp32, in both memory formats.

    Its time depends on the architecture alone; what it does after the network is left out.

    Parameters
    ----------
    patch_px
        Side of the patch whose seconds are returned.

    Returns
    -------
    dict
        Empty where ``instanseg-torch`` is not installed.
    """
    try:
        from instanseg.utils.models.InstanSeg_UNet import InstanSeg_UNet
    except ImportError:
        return {}
    network = InstanSeg_UNet(in_channels=3, out_channels=[[2, 2, 1]]).eval()
    formats = {
        "InstanSeg": torch.contiguous_format,
        "InstanSeg, channels last": torch.channels_last,
    }
    return {name: _passes(network, layout, patch_px) for name, layout in formats.items()}


def _passes(
    network: torch.nn.Module, layout: torch.memory_format, patch_px: int
) -> Callable[[], float]:
    image = torch.rand(1, 3, SIDE_PX, SIDE_PX).contiguous(memory_format=layout)

    def seconds() -> float:
        watch = Stopwatch()
        network.to(memory_format=layout)  # type: ignore[call-overload]  # torch names it nowhere
        with watch.running(), torch.inference_mode():
            network(image)
        return watch.seconds * patch_px**2 / SIDE_PX**2

    return seconds
