"""How far an estimate is, and where its time goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from napari_glioma_density.density import Block


@dataclass(frozen=True)
class Progress:
    """One more block is on disk, and how far the job is with it."""

    block: Block
    patches_done: int
    patches_total: int
    tissue_mm2_read: float
    """Of the scope; tissue of damaged tiles is not, though nothing is left to be done there."""
    tissue_mm2_total: float
    patches_a_second: float | None
    """The pace of the job; None until that can be told."""


class Pace:
    """How fast a job is, by the blocks after the first two.

    The first two also wait for things that happen only once: reading ahead, and compiling at the
    first use. In a short job that is most of the time.
    """

    _WARM: Final = 2

    def __init__(self) -> None:
        self._blocks, self._done, self._seconds = 0, 0, 0.0

    def after(self, done: int, seconds: float) -> float | None:
        """Return patches a second after one more block, or None while that cannot be told.

        Parameters
        ----------
        done
            Patches that are done by now.
        seconds
            Since the job began.
        """
        self._blocks += 1
        if self._blocks <= self._WARM:
            self._done, self._seconds = done, seconds
            return None
        return (done - self._done) / max(seconds - self._seconds, 1e-3)


@dataclass
class StageSeconds:
    """Thread time spent in each stage; stages overlap, so they add up to more than the total."""

    read: float = 0.0
    infer: float = 0.0
    write: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @contextmanager
    def spent(self, stage: str) -> Iterator[None]:
        """Add the time of the ``with`` body to ``stage``."""
        began = time.perf_counter()
        try:
            yield
        finally:
            with self._lock:
                setattr(self, stage, getattr(self, stage) + time.perf_counter() - began)
