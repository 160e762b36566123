"""Work in separate processes, because the threads of one process share one interpreter.

A GPU needs more work done beside it than one interpreter can do. Large arrays travel in shared
memory.
"""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

_ONE_THREAD: Final = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""There are as many processes as there should be threads."""


def processes_beside(threads: int) -> int:
    """Return how many processes this machine has cores for, beside those kept for this process.

    On Windows 0: there shared memory is gone once the process that made it lets go.
    """
    return max(1, (os.cpu_count() or 1) - threads) if os.name == "posix" else 0


class Processes:
    """A pool of processes that do nothing but what they are asked.

    Parameters
    ----------
    count
        How many.
    module
        Where the work is defined: it is imported once for all, where the system can do that.
    start, arguments
        Called in each process before its first work.
    """

    def __init__(
        self, count: int, module: str, start: Callable[..., None], *arguments: Any
    ) -> None:
        self._is_broken = False
        with _environment(_ONE_THREAD):
            self._pool = ProcessPoolExecutor(
                count, _context(module), initializer=_start, initargs=(start, arguments)
            )
            # Asked for nothing, so that all of them are begun, and in this environment.
            self._begun = [self._pool.submit(_nothing) for _ in range(count)]

    @property
    def is_ready(self) -> bool:
        """Whether one of them at least waits for work, and none has failed or was killed."""
        begun = [one for one in self._begun if one.done()]
        has_failed = any(one.cancelled() or one.exception() for one in begun)
        return bool(begun) and not has_failed and not self._is_broken

    def submit(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Have one of them do something; once one was killed, none does."""
        asked = self._pool.submit(work, *arguments)
        asked.add_done_callback(self._note)
        return asked

    def _note(self, asked: "Future[Any]") -> None:
        if not asked.cancelled() and isinstance(asked.exception(), BrokenProcessPool):
            self._is_broken = True

    def close(self) -> None:
        """End them, once what was begun is done."""
        self._pool.shutdown(cancel_futures=True)


class Sent(NamedTuple):
    """Arrays on their way to another process: :func:`take` them once, or :func:`let_go` of them."""

    memory: str
    """Name of the shared memory they lie in; empty where there was no room for them."""
    parts: tuple[tuple[tuple[int, ...], str] | None, ...]
    """Shape and dtype of each of those."""
    arrays: tuple[NDArray[Any] | None, ...] = ()
    """Themselves where there was no room: they go through a pipe then, which takes longer."""


def send(*arrays: NDArray[Any] | None) -> Sent:
    """Copy arrays to where another process can take them."""
    memory = _reserved(sum(array.nbytes for array in arrays if array is not None))
    if memory is None:
        return Sent("", (), arrays)
    at = 0
    for array in arrays:
        if array is not None:
            np.ndarray(array.shape, array.dtype, memory.buf, at)[...] = array
            at += array.nbytes
    memory.close()
    parts = (None if array is None else (array.shape, array.dtype.str) for array in arrays)
    return Sent(memory.name, tuple(parts))


def _reserved(size: int) -> SharedMemory | None:
    """Shared memory of so many bytes; None where there is not as much, as in many containers.

    Without reserving it first, the system hands memory out at the first touch and kills a program
    that touches more than there is.
    """
    try:
        memory = SharedMemory(create=True, size=max(1, size))
    except OSError:
        return None
    try:
        if hasattr(os, "posix_fallocate"):  # macOS has none
            os.posix_fallocate(memory._fd, 0, memory.size)  # type: ignore[attr-defined]
    except OSError:
        memory.close()
        memory.unlink()
        return None
    return memory


def let_go(sent: Sent) -> None:
    """Give back the memory of arrays, if whoever was to take them has not."""
    if sent.memory:
        with contextlib.suppress(FileNotFoundError):
            memory = SharedMemory(sent.memory)
            memory.close()
            memory.unlink()


def take(sent: Sent) -> tuple[NDArray[Any] | None, ...]:
    """The arrays, which are gone from shared memory then."""
    if not sent.memory:
        return sent.arrays
    memory, at = SharedMemory(sent.memory), 0
    arrays: list[NDArray[Any] | None] = []
    for part in sent.parts:
        if part is None:
            arrays.append(None)
        else:
            array = np.ndarray(part[0], np.dtype(part[1]), memory.buf, at).copy()
            arrays.append(array)
            at += array.nbytes
    memory.close()
    memory.unlink()
    return tuple(arrays)


def _context(module: str) -> Any:
    """Processes that begin from a clean one: copies of this would hold its threads' locks."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    return context


@contextlib.contextmanager
def _environment(changes: dict[str, str]) -> Iterator[None]:
    """Set variables for processes begun meanwhile; a library reads them at its import."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    start(*arguments)


def _end_with_parent() -> None:
    """A killed program must not leave processes behind that wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _nothing() -> None:
    """Be there."""
