"""What a dock's controls must not take: the wheel, which scrolls, and letters, which are keys."""

from typing import Final

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QScrollBar,
    QWidget,
)

_CHANGED_BY_WHEEL = (QComboBox, QAbstractSpinBox, QAbstractSlider)
_CHANGED_BY_LETTERS = (QComboBox, QAbstractItemView)
_KEPT: Final = frozenset(
    {
        Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right,
        Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
        Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Escape,
        Qt.Key.Key_Tab, Qt.Key.Key_Backtab, Qt.Key.Key_F4,
    }
)  # fmt: skip
"""Keys that walk through a list, take from it or leave it."""


class _Manners(QObject):  # type: ignore[misc]
    """Sends on what a control would take though it was meant for others."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Pass by the control: what is ignored goes to the widget it lies in."""
        if event.type() == QEvent.Type.Wheel:
            passes = isinstance(watched, _CHANGED_BY_WHEEL)
        elif event.type() == QEvent.Type.KeyPress:
            passes = isinstance(watched, _CHANGED_BY_LETTERS) and _is_for_others(event)
        else:
            return False
        if passes:
            event.ignore()
        return passes


def teach_manners(widget: QWidget) -> None:
    """Let no control in a widget change when the wheel turns over it or a key is pressed.

    The wheel scrolls a long dock; without this it would change, unnoticed, whichever control comes
    to lie under the pointer. And a list that was clicked would keep the plugin's keys to itself.
    """
    manners = _Manners(widget)
    for child in [widget, *widget.findChildren(QWidget)]:
        takes = isinstance(child, (*_CHANGED_BY_WHEEL, *_CHANGED_BY_LETTERS))
        if takes and not isinstance(child, QScrollBar):
            child.installEventFilter(manners)


def _is_for_others(event: QKeyEvent) -> bool:
    return event.key() not in _KEPT and not event.matches(QKeySequence.StandardKey.Copy)
