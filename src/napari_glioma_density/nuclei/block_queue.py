"""Blocks on their way through a network.

A GPU computes by itself: it is handed the next blocks before it has answered the last, and what
goes to it and comes back travels while it computes.
"""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, Segmenter

Answer = Callable[[], NDArray[np.uint8]]
"""Waits for a block's mask (h, w) of 0/1; any thread may, once."""


class BlockQueue(Protocol):
    """Takes blocks and promises their masks."""

    def uploaded(self, rgb: NDArray[np.uint8]) -> Any:
        """Bring a block (h, w, 3) to where it is computed; any thread may."""
        ...

    def begin(self, block: Any) -> Answer:
        """Compute an uploaded block; one thread at a time."""
        ...


def block_queue(segmenter: Segmenter, rim_px: int) -> BlockQueue:
    """The queue of a segmenter, for masks whose outer ``rim_px`` nobody looks at."""
    if not isinstance(segmenter, NetworkSegmenter):
        return _AtOnce(segmenter)
    lean = segmenter.sparing(rim_px)
    return CudaQueue(lean) if segmenter.device == "cuda" else _ColoursAhead(lean)


class _AtOnce:
    """Of anything that turns pictures into masks."""

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def uploaded(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return rgb

    def begin(self, block: NDArray[np.uint8]) -> Answer:
        mask = np.asarray(self._segmenter.segment(block[None])[0])
        return lambda: mask


class _ColoursAhead:
    """A processor's: who reads a block also makes the network's input of it."""

    def __init__(self, segmenter: NetworkSegmenter) -> None:
        self._segmenter = segmenter

    def uploaded(self, rgb: NDArray[np.uint8]) -> Tensor:
        return self._segmenter.uploadable(rgb)

    def begin(self, block: Tensor) -> Answer:
        mask = self._segmenter.with_rim(self._segmenter.nuclei_of(block).cpu().numpy())
        return lambda: mask


class CudaQueue:
    """A CUDA GPU's: copies to and fro have streams of their own, through pinned memory.

    Parameters
    ----------
    segmenter
        On the GPU.
    """

    def __init__(self, segmenter: NetworkSegmenter) -> None:
        self._segmenter = segmenter
        self._up, self._down = (torch.cuda.Stream() for _ in range(2))  # type: ignore[no-untyped-call]

    def uploaded(self, rgb: NDArray[np.uint8]) -> tuple[Tensor, torch.cuda.Event]:
        """Copy a block (h, w, 3) to the GPU; on its way when this returns."""
        pinned = self._segmenter.uploadable(rgb).pin_memory()
        with torch.cuda.stream(self._up):
            pixels = pinned.to("cuda", non_blocking=True)
            return pixels, self._up.record_event()

    def begin(self, block: tuple[Tensor, torch.cuda.Event]) -> Answer:
        """Queue the network and the way back of its mask.

        Raises
        ------
        ModelError
            When the block does not fit into the GPU's memory.
        """
        pixels, arrived = block
        computing = torch.cuda.current_stream()
        computing.wait_event(arrived)
        pixels.record_stream(computing)
        inner = self._nuclei(pixels)
        mask = torch.empty(inner.shape, dtype=torch.uint8, pin_memory=True)
        self._down.wait_event(computing.record_event())
        with torch.cuda.stream(self._down):
            mask.copy_(inner, non_blocking=True)
            inner.record_stream(self._down)
            # Blocking: else who waits for it keeps a core busy.
            back = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
            back.record()

        def answer() -> NDArray[np.uint8]:
            back.synchronize()
            return self._segmenter.with_rim(mask.numpy())

        return answer

    def _nuclei(self, pixels: Tensor) -> Tensor:
        """Nucleus or not, uint8 (h, w) less the rim, on the GPU."""
        try:
            return self._segmenter.nuclei_of(pixels)
        except ModelError:
            torch.cuda.synchronize()  # blocks under way give their memory back
            torch.cuda.empty_cache()
        return self._segmenter.nuclei_of(pixels)
