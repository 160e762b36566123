"""Files that belong together: written all or none, and never over a file of somebody else's."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from napari_glioma_density.errors import BadInput

_HEAD_BYTES = 2**16


@dataclass(frozen=True)
class Target:
    """A file to write.

    Attributes
    ----------
    path
        Where it will lie.
    kind
        What it is, in words.
    mark
        What the beginning of every such file holds, and no other.
    """

    path: Path
    kind: str
    mark: bytes

    @property
    def partial(self) -> Path:
        """Where it is written first."""
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")

    def demand_replaceable(self) -> None:
        """Refuse to write over what was not made here.

        Raises
        ------
        BadInput
            When something else is there: a name mistyped must not cost a slide, or a table.
        """
        if self._is_own() is False:
            raise BadInput(
                f"{self.path}: is there already and does not say that it is a {self.kind}; "
                "move it away, or choose another name"
            )

    def discard(self) -> None:
        """Remove what was made here earlier; what is another's stays."""
        if self._is_own():
            self.path.unlink(missing_ok=True)

    def _is_own(self) -> bool | None:
        """Whether it was made here; None when nothing is there."""
        try:
            with self.path.open("rb") as file:
                return self.mark in file.read(_HEAD_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadInput(
                f"{self.path}: cannot be written ({error.strerror}); choose another"
            ) from error


@contextmanager
def written_together(targets: Sequence[Target]) -> Iterator[None]:
    """Put the targets in their places once the body has written each one's ``partial``.

    However it ends, no partial file stays.
    """
    try:
        yield
        for target in targets:
            target.partial.replace(target.path)
    finally:
        for target in targets:
            with suppress(OSError):
                target.partial.unlink(missing_ok=True)
