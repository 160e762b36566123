"""Questions to a person that hold nothing up."""

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox, QWidget

YES, NO = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No


def ask(asking: QWidget, title: str, question: str, agreed: Callable[[], None]) -> None:
    """Ask in front of a widget's window, and call `agreed` after a yes.

    The question belongs to the window: one that closes meanwhile takes it along. Qt's own
    `question` waits for the answer, and the window would be gone under it.
    """
    box = QMessageBox(QMessageBox.Icon.Question, title, question, YES | NO, asking.window())
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def answered(_: int) -> None:
        if box.clickedButton() == box.button(YES):
            agreed()

    box.finished.connect(answered)
    box.open()
