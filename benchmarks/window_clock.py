"""A clock for windows: it works as the window does while it waits."""

import time
from collections.abc import Callable

from qtpy.QtCore import QEventLoop, QTimer

LONG_S = 300.0


class WindowClock:
    """Waits in the window's thread, its events being handled meanwhile."""

    def until(self, met: Callable[[], object]) -> None:
        """Work as the window does, until `met`."""
        end = time.monotonic() + LONG_S
        while not met():
            if time.monotonic() > end:
                raise TimeoutError
            loop = QEventLoop()
            QTimer.singleShot(2, loop.quit)
            loop.exec()

    def rest(self, seconds: float) -> None:
        """Let the window be."""
        end = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > end)
