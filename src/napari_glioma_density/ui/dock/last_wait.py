"""Telling the person what a closing window still waits for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QProgressDialog, QWidget

CLOSES_THEN = "napari closes once that is done."


def wait_for_export(
    doing: str, idle: Any, stop: Callable[[], None] | None, parent: QWidget
) -> None:
    """Show what is done until `idle` is emitted, or the person would not wait.

    `stop` is called then; it is None where what is done cannot be stopped.
    """
    dialog = QProgressDialog(f"{doing}\n{CLOSES_THEN}", "Stop it", 0, 0, parent)
    dialog.setWindowTitle("Export")
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setAutoClose(False)
    dialog.setAutoReset(False)
    if stop is None:
        dialog.setCancelButton(None)
    else:
        dialog.canceled.connect(stop)
    idle.connect(dialog.accept)
    try:
        dialog.exec()
    finally:
        with suppress(RuntimeError):  # the window is gone with all in it
            idle.disconnect(dialog.accept)
            dialog.deleteLater()
