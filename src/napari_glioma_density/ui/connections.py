"""Signal connections that are kept, so that they can be undone."""

from collections.abc import Callable
from typing import Any, Protocol


class Emitter(Protocol):
    """What psygnal signals, napari event emitters and bound Qt signals have in common."""

    def connect(self, slot: Callable[..., Any], /) -> object:
        """Call `slot` from now on."""

    def disconnect(self, slot: Callable[..., Any], /) -> object:
        """Call `slot` no more."""


class Connections:
    """The connections one object has made; `close` undoes them all."""

    def __init__(self) -> None:
        self._made: list[tuple[Emitter, Callable[..., Any]]] = []

    def add(self, emitter: Emitter, slot: Callable[..., Any]) -> None:
        """Connect `slot` to `emitter` and remember it."""
        emitter.connect(slot)
        self._made.append((emitter, slot))

    def close(self) -> None:
        """Disconnect everything, latest first."""
        while self._made:
            emitter, slot = self._made.pop()
            emitter.disconnect(slot)
