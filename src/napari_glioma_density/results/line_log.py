"""A file of JSON lines that only grows: what people noted, one line each, none ever changed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from napari_glioma_density.durable import sync_folder, write_tail
from napari_glioma_density.errors import StoreError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.results.failures import explained
from napari_glioma_density.results.locking import take_lock

_PATIENCE_S = 5.0


class LineLog:
    """Lines of a file, handed on one by one as they are found there.

    Two windows may both write: every line is appended under a lock and is on disk when `append`
    returns. A last line torn by a crash (not JSON) is dropped by the next append. A file that was
    moved away or restored from a copy meanwhile is not written to, because it no longer holds what
    was handed on.

    Parameters
    ----------
    path
        The file; nothing is written before the first line.
    schema
        The newest version of a line, its "schema", that is understood.
    take_in
        Called with every line; ValueError, TypeError or KeyError tell that it is damaged.
    when_full
        What to do when the disk is full.
    """

    def __init__(
        self,
        path: Path,
        schema: int,
        take_in: Callable[[dict[str, Any]], None],
        when_full: str,
    ) -> None:
        self.path = path
        self._schema, self._take_in, self._when_full = schema, take_in, when_full
        self._length = 0
        self._last = b""

    def reload(self) -> None:
        """Hand on the lines that were added since.

        Raises
        ------
        StoreError
            When a line is damaged or of a newer version, or the file is not the one it was.
        """
        with explained(self.path):
            lines = self._unread_lines()
        for number, line in enumerate(lines, start=1):
            try:
                fields = json_object(line)
            except ValueError as error:
                if number == len(lines):  # torn by a crash
                    break
                raise self._damaged(error) from error
            self._hand_on(fields)
            self._step(line)

    def append(self, *entries: Mapping[str, Any]) -> None:
        """Add lines after those of other windows, which are handed on first, and hand them on.

        Raises
        ------
        StoreError
            When the disk refuses; none of them is added then.
        """
        # Half a character, as a broken name may hold, becomes a question mark.
        lines = [
            json.dumps(fields, ensure_ascii=False).encode(errors="replace") + b"\n"
            for fields in entries
        ]
        busy = "another window is writing to it and does not end: close that window"
        with explained(self.path, self._when_full):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        lock_file = self.path.with_name(f".{self.path.stem}.lock")
        lock = take_lock(lock_file, self.path, busy, _PATIENCE_S)
        try:
            self.reload()
            with explained(self.path, self._when_full):
                self.path.touch()
                write_tail(self.path, self._length, b"".join(lines))
                sync_folder(self.path.parent)
        finally:
            lock.release()
        for line in lines:
            self._step(line)
            self._take_in(json.loads(line))

    def _step(self, line: bytes) -> None:
        self._length, self._last = self._length + len(line), line

    def _unread_lines(self) -> list[bytes]:
        """Return the lines that are whole, after the last that was handed on."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._length - len(self._last))
                if file.read(len(self._last)) != self._last:
                    raise self._replaced()
                return [line for line in file.readlines() if line.endswith(b"\n")]
        except FileNotFoundError:
            if self._length:
                raise self._replaced() from None
            return []

    def _replaced(self) -> StoreError:
        return StoreError(
            f"{self.path}: was moved away or replaced since it was read: put it back, or close the "
            "slide and open it again"
        )

    def _hand_on(self, fields: Any) -> None:
        try:
            if fields["schema"] > self._schema:
                raise StoreError(f"{self.path}: was written by a newer version: update the program")
            self._take_in(fields)
        except (ValueError, TypeError, KeyError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self.path}: a line is damaged ({error}): mend it, or move the file away"
        )
