"""Fine-tuning in a process of its own, so that window and training never wait for each other."""

import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psygnal import Signal
from qtpy.QtCore import QTimer

logger = logging.getLogger(__name__)

PROGRAM: Final = (sys.executable, "-m", "napari_glioma_density.cli")
POLL_MS: Final = 500
NICENESS: Final = 10
"""Added to the process's own on POSIX: the window goes first."""
PREFIX: Final = "glioma-density: "
FAILED: Final = "Fine-tuning failed without a message, with exit status"
PATIENCE_SECONDS: Final = 10.0
"""How long a process may take to stop before it is killed."""


@dataclass(frozen=True)
class Ended:
    """How it ended: with a result, with a problem, or with neither when it was stopped."""

    result: dict[str, Any] | None = None
    problem: str = ""


class FineTuneProcess:
    """Runs a command of this package and follows the log it writes.

    Lives on the window's thread: a timer looks at the process and at the log twice a second.

    Parameters
    ----------
    arguments
        Of ``glioma-density``; the command prints one JSON object when it succeeds.
    log
        JSON list with one entry an epoch, replaced whole whenever it grows.
    program
        The program itself.
    """

    progressed = Signal(object)
    """The log so far: a list of entries, each a dict."""
    ended = Signal(Ended)

    def __init__(
        self, arguments: Sequence[str], log: Path, program: Sequence[str] = PROGRAM
    ) -> None:
        self._command = (*program, *arguments)
        self._log = log
        self._seen = b""
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None
        # Files, not pipes, which would fill up: nobody reads them before the end.
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._complained = tempfile.TemporaryFile()  # noqa: SIM115
        self._timer = QTimer()
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def alive(self) -> bool:
        """Whether the process is still at work."""
        return self._process is not None and self._process.poll() is None

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stopped

    def start(self) -> None:
        """Begin; a process that cannot be started ends at once, with a problem."""
        with suppress(OSError):  # what an earlier run has logged is no news
            self._seen = self._log.read_bytes()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this program, and no shell
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=self._said,
                stderr=self._complained,
                creationflags=_low_priority_flags(),
            )
        except OSError as error:
            self.ended.emit(Ended(problem=f"Fine-tuning did not start: {error.strerror}."))
            return
        _step_back(self._process.pid)
        self._timer.start()

    def stop(self) -> None:
        """Ask the process to end; it is killed when it does not."""
        if self.alive and self._process is not None:
            self._stopped = True
            self._process.terminate()
            QTimer.singleShot(round(1000 * PATIENCE_SECONDS), self._kill)

    def close(self) -> None:
        """End the process now and tell nobody: its window is going."""
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._timer.stop()
        self._kill()
        for file in (self._said, self._complained):
            file.close()

    def _kill(self) -> None:
        if self.alive and self._process is not None:
            self._process.kill()
            self._process.wait()

    def _poll(self) -> None:
        ended = not self.alive  # asked first: what was logged before the end is read below
        self._read_log()
        if ended:
            self._timer.stop()
            self.ended.emit(self._outcome())

    def _read_log(self) -> None:
        try:
            content = self._log.read_bytes()
        except OSError:
            return  # nothing is logged yet, or it is being replaced
        if content != self._seen:
            self._seen = content
            self.progressed.emit(json.loads(content))

    def _outcome(self) -> Ended:
        status = self._process.returncode if self._process is not None else None
        if status == 0:
            return Ended(result=json.loads(_content(self._said)))
        if self._stopped:
            return Ended()
        said = _content(self._complained).strip().splitlines()
        lines = [line for line in said if not line.startswith("{")]  # nor what was logged
        logger.error("Fine-tuning failed:\n%s", "\n".join(lines))
        return Ended(problem=lines[-1].removeprefix(PREFIX) if lines else f"{FAILED} {status}.")


def _content(file: Any) -> str:
    file.seek(0)
    return str(file.read().decode(errors="replace"))


def _low_priority_flags() -> int:
    if sys.platform == "win32":
        return subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
    return 0


def _step_back(process: int) -> None:
    if sys.platform != "win32":
        with suppress(OSError):  # it may have ended already
            os.setpriority(os.PRIO_PROCESS, process, os.nice(0) + NICENESS)
