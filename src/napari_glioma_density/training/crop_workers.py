"""Crops cut by processes of their own: one thread cannot cut as fast as a GPU learns."""

import contextlib
import dataclasses
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from napari_glioma_density.errors import BadInput
from napari_glioma_density.estimate.processes import Processes, Sent, let_go, send, take
from napari_glioma_density.training.augmentation import SourceField
from napari_glioma_density.training.crops import Batch, CropSource

_AHEAD = 2
"""Batches ahead of those that workers are at."""
_source: CropSource | None = None
"""A worker's own."""


class CropWorkers:
    """The batches of a source, bit by bit, made by several processes.

    The fields lie in a temporary folder that all processes map into memory, and batches come back
    in shared memory, so large data are copied between processes only once.

    Parameters
    ----------
    source
        In this process.
    workers
        Number of processes.
    """

    def __init__(self, source: CropSource, workers: int) -> None:
        self._batches = source.batches_per_epoch
        self._waiting: deque[tuple[tuple[int, int], Future[Sent]]] = deque()
        self._ahead = workers + _AHEAD
        self._folder = tempfile.TemporaryDirectory(prefix="glioma-density-crops-")
        beside = Path(self._folder.name)
        kept = [
            [_Kept.of(field, beside / f"{at}-{number}") for number, field in enumerate(of_set)]
            for at, of_set in enumerate(source.fields)
        ]
        self._processes = Processes(workers, __name__, _open, source.with_fields([]), kept)

    @property
    def batches_per_epoch(self) -> int:
        """Optimiser steps of one epoch."""
        return self._batches

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of epoch ``number``; those of the next are begun before it ends."""
        for step in range(self._batches):
            inputs, shares, weights = take(self._made(number, step))
            assert inputs is not None and shares is not None  # noqa: S101, PT018
            yield Batch(inputs, shares, weights)

    def close(self) -> None:
        """End the processes and take away what they made."""
        self._forget()
        self._processes.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _made(self, epoch: int, step: int) -> Sent:
        try:
            return self._asked(epoch, step).result()
        except BrokenProcessPool as error:
            raise BadInput(
                "a process that cuts crops was ended, for want of memory perhaps: close other "
                "programs and give the same command, the training goes on after its last epoch"
            ) from error

    def _asked(self, epoch: int, step: int) -> "Future[Sent]":
        """The batch that is wanted; as many as may be are asked for behind it."""
        if self._waiting and self._waiting[0][0] != (epoch, step):
            self._forget()
        following = self._waiting[-1][0] if self._waiting else None
        while len(self._waiting) < self._ahead:
            following = self._after(following) if following else (epoch, step)
            self._waiting.append((following, self._processes.submit(_make, *following)))
        return self._waiting.popleft()[1]

    def _after(self, at: tuple[int, int]) -> tuple[int, int]:
        epoch, step = at
        return (epoch, step + 1) if step + 1 < self._batches else (epoch + 1, 0)

    def _forget(self) -> None:
        """Let go of batches that nobody will ask for."""
        while self._waiting:
            future = self._waiting.popleft()[1]
            if not future.cancel():
                # A process that failed says so where its batch is asked for.
                with contextlib.suppress(Exception):
                    let_go(future.result())


class _Kept(NamedTuple):
    """A field whose pictures lie in files."""

    field: SourceField
    """Its pictures empty."""
    files: dict[str, Path]

    @classmethod
    def of(cls, field: SourceField, beside: Path) -> "_Kept":
        pictures: dict[str, Any] = {
            "rgb": field.rgb,
            "nucleus": field.nucleus,
            "ignored": field.ignored,
        }
        files = {}
        for name, picture in pictures.items():
            if picture is not None:
                files[name] = beside.with_name(f"{beside.name}-{name}.npy")
                np.save(files[name], picture, allow_pickle=False)
        light = {name: pictures[name][:0] for name in files}
        return cls(dataclasses.replace(field, **light), files)

    def opened(self) -> SourceField:
        pictures: dict[str, Any] = {
            name: np.load(file, mmap_mode="r") for name, file in self.files.items()
        }
        return dataclasses.replace(self.field, **pictures)


def _open(source: CropSource, kept: list[list[_Kept]]) -> None:
    global _source
    _source = source.with_fields([[one.opened() for one in of_set] for of_set in kept])


def _make(epoch: int, step: int) -> Sent:
    assert _source is not None  # noqa: S101
    return send(*_source.batch(epoch, step))
