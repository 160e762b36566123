"""Threads that give way to the window's."""

import os
import sys
import threading
from typing import Final

_NICENESS: Final = 10
"""Of the processor's time the window's thread then gets nine tenths when both want all of it."""


def give_way() -> None:
    """Let this thread, and those that it starts from now on, give way to the window's.

    Only Linux knows of threads that are nice by themselves; elsewhere nothing changes.
    """
    if sys.platform == "linux":
        thread = threading.get_native_id()
        # A program that was started nicer still stays so: to be less nice is not allowed.
        niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
        os.setpriority(os.PRIO_PROCESS, thread, niceness)
