"""What a screen reader says of every control of every dock."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QScrollArea,
    QTabBar,
    QTabWidget,
    QWidget,
)

import napari_glioma_density

pytestmark = pytest.mark.window
MANIFEST = PluginManifest.from_file(Path(napari_glioma_density.__file__).parent / "napari.yaml")
SPEAK_FOR_THEMSELVES = (QLabel, QScrollArea, QTabBar, QTabWidget)
"""Labels and tabs by their words; what scrolls by what is in it."""
WHOLE = (QComboBox, QAbstractSpinBox)
"""Spoken of as one, whatever they are made of."""


def dock_classes() -> Iterator[Callable[..., Any]]:
    """Every dock of the manifest."""
    python_names = {one.id: one.python_name for one in MANIFEST.contributions.commands or ()}
    for widget in MANIFEST.contributions.widgets or ():
        module, name = str(python_names[widget.command]).split(":")
        yield getattr(importlib.import_module(module), name)


def controls(dock: QWidget) -> Iterator[QWidget]:
    """What the key Tab or a click gives the focus to, shown now or another time."""
    for part in dock.findChildren(QWidget):
        within = part.parentWidget()
        while within is not dock and not isinstance(within, WHOLE):
            within = within.parentWidget()
        takes_focus = part.focusPolicy() != Qt.FocusPolicy.NoFocus
        if takes_focus and within is dock and not isinstance(part, SPEAK_FOR_THEMSELVES):
            yield part


def spoken(control: QWidget) -> str:
    words = control.text() if isinstance(control, QAbstractButton) else ""
    return str(control.accessibleName() or words)


def test_every_control_of_every_dock_has_a_name_that_is_spoken(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    docks = [make(viewer) for make in dock_classes()]
    try:
        for dock in docks:
            viewer.window.add_dock_widget(dock)
            found = list(controls(dock))
            assert len(found) > 20
            assert [part for part in found if not spoken(part)] == []
    finally:
        for dock in docks:
            dock.shut()
