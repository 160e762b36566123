"""Threads that give way to the window's."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_glioma_density.ui.courtesy import give_way


@pytest.mark.skipif(sys.platform != "linux", reason="threads are nice by themselves on Linux alone")
def test_a_thread_gives_way_with_those_it_starts_and_no_other() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    def at_work() -> tuple[int, int]:
        give_way()
        with ThreadPoolExecutor(1) as started:
            return niceness(), started.submit(niceness).result()

    before = niceness()
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(at_work).result() == (10, 10)
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="threads are nice by themselves on Linux alone")
def test_one_that_is_nicer_already_stays_so() -> None:
    def at_work() -> int:
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, 15)
        give_way()
        return os.getpriority(os.PRIO_PROCESS, thread)

    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(at_work).result() == 15
