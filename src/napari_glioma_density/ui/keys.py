"""Keys of the plugin: bound to the viewer, so they work whichever layer is selected."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari_glioma_density.ui.camera import magnify
from napari_glioma_density.ui.session import Session

MAGNIFICATIONS = (2.5, 5, 10, 20, 40)


@dataclass(frozen=True)
class Key:
    """A key, what it does in the words of the screen, and how."""

    key: str
    says: str
    act: Callable[[], None]


def session_keys(session: Session) -> tuple[Key, ...]:
    """Return the keys of a session; none of them is one of napari's own."""
    zooms = (
        Key(f"Alt-{number}", f"{magnification:g}×", partial(magnify, session.viewer, magnification))
        for number, magnification in enumerate(MAGNIFICATIONS, start=1)
    )
    return (
        Key("N", "next hotspot", session.hotspots.next),
        Key("H", "hide or show overlays", session.overlays.toggle),
        *zooms,
    )


class KeyBindings:
    """Binds keys that are still free in this viewer, and sets them free again."""

    def __init__(self, viewer: Any, keys: tuple[Key, ...]) -> None:
        self._viewer = viewer
        self.bound = tuple(key for key in keys if self._bind(key))

    def close(self) -> None:
        """Unbind."""
        for key in self.bound:
            self._viewer.bind_key(key.key, None)
        self.bound = ()

    def _bind(self, key: Key) -> bool:
        try:
            self._viewer.bind_key(key.key, lambda _viewer: key.act())
        except ValueError:  # another plugin took it first
            return False
        return True


def keys_line(keys: tuple[Key, ...]) -> str:
    """Return the keys and what they do, in one line."""
    return "Keys: " + ", ".join(f"{key.key} {key.says}" for key in keys)
