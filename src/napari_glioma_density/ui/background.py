"""Small pieces of work away from the window's thread: opening stores, measuring cells."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

from napari_glioma_density.errors import BadInput

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class Background:
    """Runs work in threads of its own and hands the results back on the caller's thread.

    Results wait until `deliver` is called, so no callback ever runs outside the thread that owns
    the window.
    """

    def __init__(self, problem: Callable[[str], None]) -> None:
        self._problem = problem
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="glioma-density")
        self._deliveries: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(
        self,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        always: Callable[[], None] = lambda: None,
    ) -> None:
        """Run `work` elsewhere; its result goes to `done`, a `BadInput` to the problem line.

        `always` is called after either, whatever comes of it.
        """

        def hand_over(finished: "Future[Result]") -> None:
            try:
                self._hand_over(finished, done)
            finally:
                always()

        future = self._pool.submit(work)
        future.add_done_callback(lambda finished: self._deliveries.put(lambda: hand_over(finished)))

    def deliver(self) -> None:
        """Call back for everything that has finished; to be called on the window's thread."""
        while True:
            try:
                delivery = self._deliveries.get_nowait()
            except Empty:
                return
            delivery()

    def close(self) -> None:
        """Drop what has not begun, wait for what has, and deliver nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _hand_over(self, finished: "Future[Result]", done: Callable[[Result], None]) -> None:
        if finished.cancelled():
            return
        error = finished.exception()
        if error is None:
            done(finished.result())
        elif isinstance(error, BadInput):
            self._problem(str(error))
        else:
            logger.error("Background work failed", exc_info=error)
            self._problem(f"Something unexpected went wrong: {error}; details are in the log.")
