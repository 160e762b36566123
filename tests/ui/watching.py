"""Showing a box on its own, and hearing what it says."""

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

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


def answer(widget: QWidget, button: QMessageBox.StandardButton) -> str:
    """Answer the one question that is open in front of a widget's window; return its text."""
    (box,) = (box for box in widget.window().findChildren(QMessageBox) if box.isVisible())
    question, pressed = box.text(), box.button(button)
    assert isinstance(pressed, QPushButton)
    pressed.click()
    QApplication.processEvents()
    return str(question)
