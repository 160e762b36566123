"""Edits on their way to disk, away from the thread that makes them."""

import logging
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import FieldState, FieldValues
from napari_glioma_density.errors import GliomaDensityError

PACE_S = 1 / 3
"""Between the starts of two rounds of saving: a stroke a moment is one save, not twenty."""
RETRY_S = 2.0

_LOG = logging.getLogger(__name__)


class _Edit(NamedTuple):
    state: FieldState
    values: FieldValues
    nuclei: NDArray[np.void]


class Autosave:
    """Saves the latest state of every field in a thread of its own.

    An edit is on disk within a second, sooner if few edits are made. While the disk refuses,
    unsaved states are kept in memory and tried again every two seconds.

    Parameters
    ----------
    corrections
        Opened for writing; to be closed after this.
    on_problem
        Called from the saving thread with one line when saving begins to fail, and with None
        once all is saved again.
    """

    def __init__(self, corrections: Corrections, on_problem: Callable[[str | None], None]) -> None:
        self._corrections = corrections
        self._on_problem = on_problem
        self._changed = threading.Condition()
        self._waiting: dict[str, _Edit] = {}
        self._saved: dict[str, int] = {}
        self._hurried = self._closing = self._busy = False
        self._problem: str | None = None
        self._tries = 0
        self._thread = threading.Thread(target=self._work, name="autosave", daemon=True)
        self._thread.start()

    def submit(
        self, name: str, state: FieldState, values: FieldValues, nuclei: NDArray[np.void]
    ) -> None:
        """Have a state saved; it takes the place of one of the same field that still waits."""
        with self._changed:
            self._waiting[name] = _Edit(state, values, nuclei)
            self._changed.notify_all()

    def forget(self, name: str) -> None:
        """Save nothing more of a field that is about to be removed."""
        self.flush()
        with self._changed:
            self._waiting.pop(name, None)
            self._saved.pop(name, None)

    def saved(self, name: str) -> int | None:
        """Return the newest revision of a field that this has brought to disk."""
        with self._changed:
            return self._saved.get(name)

    @property
    def problem(self) -> str | None:
        """Why saving fails at the moment, in one line; None when it does not."""
        with self._changed:
            return self._problem

    def flush(self) -> bool:
        """Wait until what was submitted is saved, or was tried in vain; tell whether it is."""
        with self._changed:
            self._hurried = True
            tries = self._tries
            self._changed.notify_all()
            # A round under way may have missed the newest state: the one after has not.
            self._changed.wait_for(
                lambda: self._idle or (bool(self._problem) and self._tries >= tries + 2)
            )
            self._hurried = False
            return self._idle

    def close(self) -> None:
        """Save what waits and end the thread; tells `on_problem` when something cannot be saved."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._waiting:
            self._on_problem(f"not saved: {', '.join(self._waiting)}; {self._problem}")

    @property
    def _idle(self) -> bool:
        return not self._waiting and not self._busy

    def _work(self) -> None:
        last = False
        while not last:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                last = self._closing
            began = time.monotonic()
            self._save_all()
            with self._changed:
                pause = RETRY_S if self._problem else PACE_S
                left = max(0.0, pause - (time.monotonic() - began))
                self._changed.wait_for(lambda: self._hurried or self._closing, left)

    def _save_all(self) -> None:
        with self._changed:
            edits, self._waiting = self._waiting, {}
            self._busy = True
        problems = [self._save(name, edit) for name, edit in edits.items()]
        problem = next(filter(None, problems), None)
        with self._changed:
            before, self._problem = self._problem, problem
            self._busy = False
            self._tries += 1
            self._changed.notify_all()
        if bool(problem) != bool(before):
            self._on_problem(problem)

    def _save(self, name: str, edit: _Edit) -> str | None:
        """Save one state and return what went wrong; the state then goes on waiting."""
        try:
            self._corrections.save(name, *edit)
        except GliomaDensityError as error:
            problem = str(error)
        except Exception as error:  # a thread that died of it would save nothing ever after
            _LOG.exception("field %s", name)
            problem = f"field {name}: cannot be saved ({error}): report this, and copy your work"
        else:
            with self._changed:
                self._saved[name] = edit.state.revision
            return None
        with self._changed:
            self._waiting.setdefault(name, edit)
        return problem
