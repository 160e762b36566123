"""Blocks on their way through a network.

A GPU works on its own: it is handed the next blocks before it has answered the last, and data
travel to and from it while it computes. A processor computes two blocks side by side where it can.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.memory import room_on
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.nuclei.spec import WINDOW_LATTICE_PX

Answer = Callable[[], NDArray[np.uint8]]
"""Waits for a block's mask (h, w) of 0/1; any thread may, once."""

_BLOCKS_AT_ONCE: Final = 2
"""On a processor. Each takes memory for all layers, and comes the later the more there are."""


class BlockQueue(Protocol):
    """Takes blocks and promises their masks."""

    @property
    def at_once(self) -> int:
        """How many blocks are computed at the same time."""
        ...

    @property
    def step_px(self) -> int:
        """By multiples of what the sides of blocks may differ: each new size takes memory."""
        ...

    def uploaded(self, rgb: NDArray[np.uint8]) -> Any:
        """Bring a block (h, w, 3) to where it is computed; any thread may."""
        ...

    def wait(self) -> None:
        """Return once another block can be computed."""
        ...

    def begin(self, block: Any, *, is_alone: bool = False) -> Answer:
        """Compute an uploaded block; one thread at a time.

        A block that `is_alone`, that is, no other will be begun before it is answered, gets all
        cores; on a processor it is computed when this returns.
        """
        ...

    def close(self) -> None:
        """Let go of threads, once all blocks that were begun are computed."""
        ...


def block_queue(segmenter: Segmenter, rim_px: int) -> BlockQueue:
    """The queue of a segmenter, for masks whose outer ``rim_px`` nobody looks at."""
    if not isinstance(segmenter, NetworkSegmenter):
        return _AtOnce(segmenter)
    lean = segmenter.sparing(rim_px)
    if segmenter.device == "cuda":
        return CudaQueue(lean)
    shared = lean.shared(_BLOCKS_AT_ONCE)
    return _ColoursAhead(lean) if shared.at_once == 1 else _SideBySide(lean, shared)


class _OneByOne:
    """Whoever begins a block waits for its mask."""

    at_once = 1

    def wait(self) -> None:
        pass

    def close(self) -> None:
        pass


class _AtOnce(_OneByOne):
    """Of anything that turns pictures into masks."""

    step_px = WINDOW_LATTICE_PX

    def __init__(self, segmenter: Segmenter) -> None:
        self._segmenter = segmenter

    def uploaded(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return rgb

    def begin(self, block: NDArray[np.uint8], *, is_alone: bool = False) -> Answer:
        del is_alone
        mask = np.asarray(self._segmenter.segment(block[None])[0])
        return lambda: mask


class _ColoursAhead(_OneByOne):
    """A processor's: who reads a block also makes the network's input of it."""

    def __init__(self, segmenter: NetworkSegmenter) -> None:
        self._segmenter, self.step_px = segmenter, segmenter.step_px

    def uploaded(self, rgb: NDArray[np.uint8]) -> Tensor:
        return self._segmenter.uploadable(rgb)

    def begin(self, block: Tensor, *, is_alone: bool = False) -> Answer:
        del is_alone
        mask = _mask_of(block, self._segmenter)
        return lambda: mask


class _SideBySide(_ColoursAhead):
    """A processor's whose cores are divided among blocks, but for one that is alone.

    Cores that share a block wait for the slowest of them after every layer, and the program's other
    work keeps slowing one of them down.
    """

    def __init__(self, alone: NetworkSegmenter, shared: NetworkSegmenter) -> None:
        super().__init__(alone)
        self._shared = shared
        self.at_once = shared.at_once
        self._threads = ThreadPoolExecutor(self.at_once, "network")
        self._room = Semaphore(self.at_once)

    def wait(self) -> None:
        with self._room:
            pass

    def begin(self, block: Tensor, *, is_alone: bool = False) -> Answer:
        if is_alone:
            return super().begin(block)
        self._room.acquire()
        computed = self._threads.submit(_mask_of, block, self._shared)
        computed.add_done_callback(lambda _: self._room.release())
        return computed.result

    def close(self) -> None:
        self._threads.shutdown()


def _mask_of(block: Tensor, segmenter: NetworkSegmenter) -> NDArray[np.uint8]:
    return segmenter.with_rim(segmenter.nuclei_of(block).cpu().numpy())


class CudaQueue:
    """A CUDA GPU's: copies to and fro have streams of their own, through pinned memory.

    Parameters
    ----------
    segmenter
        On the GPU.
    """

    at_once = 1
    step_px = 960
    """Half a block: a GPU has time to spare, and its memory falls into pieces as well."""

    def __init__(self, segmenter: NetworkSegmenter) -> None:
        self._segmenter = segmenter
        self._up, self._down = (torch.cuda.Stream() for _ in range(2))  # type: ignore[no-untyped-call]

    def uploaded(self, rgb: NDArray[np.uint8]) -> tuple[Tensor, torch.cuda.Event]:
        """Copy a block (h, w, 3) to the GPU; on its way when this returns.

        Raises
        ------
        ModelError
            When it does not fit into the GPU's memory.
        """
        height, width = rgb.shape[:2]
        with room_on("cuda", f"a block of {width}×{height} px"), torch.cuda.stream(self._up):
            pinned = self._segmenter.uploadable(rgb).pin_memory()
            return pinned.to("cuda", non_blocking=True), self._up.record_event()

    def wait(self) -> None:
        """A GPU has a queue of its own."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def begin(self, block: tuple[Tensor, torch.cuda.Event], *, is_alone: bool = False) -> Answer:
        """Queue the network and the way back of its mask.

        Raises
        ------
        ModelError
            When the block does not fit into the GPU's memory.
        """
        del is_alone
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
