"""Work in the background comes back whatever becomes of it."""

from collections.abc import Callable

import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.background import Background

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
