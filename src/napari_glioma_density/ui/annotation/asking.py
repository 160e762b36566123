"""Asking a person without stopping the program."""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

YES, NO = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No


def ask(asking: QWidget, title: str, question: str, agreed: Callable[[], None]) -> None:
    """Ask in front of a widget's window, and call `agreed` after a yes.

    The question belongs to the window and closes with it. Qt's own `question` would wait for the
    answer even after the window is gone.
    """
    box = QMessageBox(QMessageBox.Icon.Question, title, question, YES | NO, asking.window())
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def answered(_: int) -> None:
        if box.clickedButton() == box.button(YES):
            agreed()

    box.finished.connect(answered)
    box.open()
