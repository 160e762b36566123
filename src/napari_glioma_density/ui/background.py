"""Small pieces of work away from the window's thread: opening stores, measuring cells."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from typing import TypeVar

from napari_glioma_density.errors import BadInput

logger = logging.getLogger(__name__)
Result = TypeVar("Result")


class OneAtATime:
    """Work of which one goes on and, if it is asked for meanwhile, one more follows.

    Parameters
    ----------
    begin
        Begins it, and has the function it is given called on the window's thread at its end,
        whatever comes of it: `Background.submit` does, as its `always`.
    """

    def __init__(self, begin: Callable[[Callable[[], None]], None]) -> None:
        self._begin = begin
        self.goes_on = self._once_more = False

    def ask(self) -> None:
        """Begin it, now or after the one that goes on."""
        if self.goes_on:
            self._once_more = True
            return
        self.goes_on, self._once_more = True, False
        self._begin(self._end)

    def _end(self) -> None:
        self.goes_on = False
        if self._once_more:
            self.ask()


class Background:
    """Runs work in threads of its own and hands the results back on the caller's thread.

    Results wait until `deliver` is called, so no callback ever runs outside the thread that owns
    the window.
    """

    def __init__(self, problem: Callable[[str], None]) -> None:
        self._problem = problem
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="glioma-density")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="glioma-density-write")
        self._newest: dict[str, int] = {}
        self._deliveries: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(
        self,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        always: Callable[[], None] = lambda: None,
        *,
        newest: str = "",
    ) -> None:
        """Run `work` elsewhere; its result goes to `done`, a `BadInput` to the problem line.

        `always` is called after either. Work submitted as the `newest` of a name makes the results
        of earlier work under that name be dropped.
        """
        self._begin(self._pool, work, self._if_newest(newest, done) if newest else done, always)

    def write(self, work: Callable[[], Result], done: Callable[[Result], None]) -> None:
        """Do as `submit`, but in the order they come, and finish all of them on closing."""
        self._begin(self._writer, work, done, lambda: None)

    def _if_newest(self, name: str, done: Callable[[Result], None]) -> Callable[[Result], None]:
        number = self._newest[name] = self._newest.get(name, 0) + 1

        def unless_overtaken(result: Result) -> None:
            if self._newest[name] == number:
                done(result)

        return unless_overtaken

    def _begin(
        self,
        pool: ThreadPoolExecutor,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        always: Callable[[], None],
    ) -> None:
        def hand_over(finished: "Future[Result]") -> None:
            try:
                self._hand_over(finished, done)
            finally:
                always()

        future = pool.submit(work)
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
        """Drop what has not begun, wait for what has and for all writing; deliver nothing more."""
        self._writer.shutdown(wait=True)
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
