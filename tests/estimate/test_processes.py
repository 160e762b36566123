"""Arrays reach other processes whole, whatever room there is, and leave nothing behind."""

import errno
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import psutil
import pytest

from napari_glioma_density.estimate import processes as sharing
from napari_glioma_density.estimate.processes import Processes, Sent, let_go, send, take

SHARED = Path("/dev/shm")
PICTURE = np.arange(300 * 200 * 3, dtype=np.uint16).reshape(300, 200, 3)

in_sight = pytest.mark.skipif(not SHARED.is_dir(), reason="shared memory is seen on Linux alone")


def nothing() -> None:
    """Begin."""


def taken(sent: Sent) -> list[float | None]:
    return [None if array is None else float(array.sum()) for array in take(sent)]


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the shared memory that there is no room for."""
    asked: list[str] = []

    def noted(*, create: bool, size: int) -> SharedMemory:
        memory = SharedMemory(create=create, size=size)
        asked.append(memory.name)
        return memory

    def refused(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sharing, "SharedMemory", noted)
    monkeypatch.setattr(os, "posix_fallocate", refused, raising=False)
    return asked


def test_arrays_go_through_a_pipe_where_there_is_no_shared_memory(no_room: list[str]) -> None:
    processes = Processes(1, __name__, nothing)
    try:
        sent = send(PICTURE, None, np.ones(3))
        assert not sent.memory
        assert len(no_room) == 1
        with pytest.raises(FileNotFoundError):
            SharedMemory(no_room[0])
        assert processes.submit(taken, sent).result() == [float(PICTURE.sum()), None, 3.0]
    finally:
        processes.close()


@in_sight
def test_a_program_is_not_ended_by_a_lack_of_shared_memory() -> None:
    """As in a container, whose shared memory often is 64 MB."""
    alone = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"]
    small = f"mount -t tmpfs -o size=1m tmpfs {SHARED}"
    if not shutil.which("unshare") or subprocess.run([*alone, small], check=False).returncode:
        pytest.skip("a smaller shared memory cannot be mounted here")
    program = (
        "import numpy as np; from napari_glioma_density.estimate.processes import send, take; "
        "picture = np.ones((2000, 2000), np.uint8); print(take(send(picture))[0].sum())"
    )
    command = [*alone, f"{small} && {sys.executable} -c '{program}'"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "4000000\n"), found.stderr


@in_sight
def test_what_nobody_takes_is_let_go() -> None:
    sent = send(PICTURE)
    assert (SHARED / sent.memory).exists()
    let_go(sent)
    assert not (SHARED / sent.memory).exists()
    let_go(sent)


def test_once_one_was_killed_none_is_ready() -> None:
    processes = Processes(1, __name__, nothing)
    try:
        while not processes.is_ready:
            time.sleep(0.01)
        pid = processes.submit(os.getpid).result()
        psutil.Process(pid).kill()
        with pytest.raises(BrokenProcessPool):
            processes.submit(time.sleep, 60).result()
        until = time.monotonic() + 10  # that one is gone is noted a moment after it is told
        while processes.is_ready and time.monotonic() < until:
            time.sleep(0.01)
        assert not processes.is_ready
    finally:
        processes.close()
