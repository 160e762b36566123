"""Showing a box on its own, and hearing what it says."""

from collections.abc import Callable
from typing import Any

from napari_glioma_density.ui.background import Background

LONG = 60_000


class Listener:
    """Keeps what signals sent."""

    def __init__(self, *signals: Any) -> None:
        self.heard: list[Any] = []
        for signal in signals:
            signal.connect(self.hear)

    def hear(self, *sent: Any) -> None:
        self.heard.append(sent[0] if len(sent) == 1 else sent)


def delivered(background: Background, qtbot: Any, met: Callable[[], bool]) -> None:
    """Wait until `met`, handing over results as the session's timer would."""

    def check() -> bool:
        background.deliver()
        return met()

    qtbot.waitUntil(check, timeout=LONG)


def shown(qtbot: Any, widget: Any) -> Any:
    qtbot.addWidget(widget)
    widget.resize(400, widget.sizeHint().height())
    widget.show()
    qtbot.waitExposed(widget)
    return widget
