"""Work in the background comes back whatever becomes of it."""

import threading
from collections.abc import Callable
from functools import partial

import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.background import Background, OneAtATime

LONG = 20_000


def fail(error: Exception) -> Callable[..., None]:
    def raising(*_: object) -> None:
        raise error

    return raising


def deliver_until(background: Background, called: list[str], qtbot: object) -> None:
    def delivered() -> bool:
        background.deliver()
        return bool(called)

    qtbot.waitUntil(delivered, timeout=LONG)  # type: ignore[attr-defined]


def test_always_is_called_after_work_that_fails(
    background: Background, problems: list[str], qtbot: object
) -> None:
    called: list[str] = []
    background.submit(fail(BadInput("no disk")), called.append, lambda: called.append("always"))
    deliver_until(background, called, qtbot)
    assert (called, problems) == (["always"], ["no disk"])


def test_always_is_called_after_a_callback_that_fails(
    background: Background, qtbot: object
) -> None:
    called: list[str] = []
    background.submit(lambda: 1, fail(ValueError("a fault")), lambda: called.append("always"))
    with pytest.raises(ValueError, match="a fault"):
        deliver_until(background, called, qtbot)
    assert called == ["always"]


def test_what_was_asked_for_last_stays_however_late_the_rest_comes(
    background: Background, qtbot: object
) -> None:
    last_is_done, called = threading.Event(), list[str]()

    def late() -> str:
        assert last_is_done.wait(60)
        return "first"

    def last() -> str:
        last_is_done.set()
        return "last"

    background.submit(late, called.append, lambda: called.append("late"), newest="choice")
    background.submit(last, called.append, newest="choice")
    background.submit(lambda: "other", called.append, newest="another choice")

    def all_told() -> bool:
        background.deliver()
        return {"late", "last", "other"} <= set(called)

    qtbot.waitUntil(all_told, timeout=LONG)  # type: ignore[attr-defined]
    assert sorted(called) == ["last", "late", "other"]


def test_writes_are_done_one_after_the_other_and_all_of_them(background: Background) -> None:
    written: list[int] = []
    may_write = threading.Event()
    background.write(lambda: may_write.wait(60), lambda _: None)
    for number in range(20):
        background.write(partial(written.append, number), lambda _: None)
    threading.Timer(0.2, may_write.set).start()
    background.close()
    assert written == list(range(20))


def test_of_work_that_is_asked_for_while_it_goes_on_one_more_follows() -> None:
    ends: list[Callable[[], None]] = []
    work = OneAtATime(ends.append)
    for _ in range(3):
        work.ask()
    assert len(ends) == 1
    ends[0]()
    assert len(ends) == 2
    ends[1]()
    assert len(ends) == 2
    work.ask()
    assert len(ends) == 3
