"""SIGTERM, taken as Ctrl-C is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopped_by_terminate() -> Iterator[None]:
    """Let SIGTERM end the command as Ctrl-C does: what is being written is written or undone."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
