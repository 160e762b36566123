"""How far a long export has come."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with parts done and parts in all. An error that it raises ends the export, and leaves what
was there before."""
