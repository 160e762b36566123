"""Windows that the tests of a module share."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

_NUMBERS = count()


@contextmanager
def shared_viewer() -> Iterator[Any]:
    """Open a viewer of an application of its own, as napari's test fixture does for one test.

    napari's one application would have its commands registered again by the next such window, which
    it refuses.
    """
    from app_model import Application
    from napari import Viewer
    from napari._app_model._app import NapariApplication, _napari_names
    from napari._qt._qapp_model.qactions import init_qactions
    from napari.plugins import _initialize_plugins

    name = f"shared window {next(_NUMBERS)}"
    application = NapariApplication(name)
    application.injection_store.namespace = _napari_names
    caches = (_initialize_plugins, init_qactions)
    with patch.object(NapariApplication, "get_app_model", return_value=application):
        for cached in caches:
            cached.cache_clear()
        try:
            yield Viewer(show=True)
        finally:
            # Its menus are gone with the window, and each would be told of each command that goes.
            application.menus.menus_changed.disconnect()
            Application.destroy(name)
            for cached in caches:
                cached.cache_clear()
