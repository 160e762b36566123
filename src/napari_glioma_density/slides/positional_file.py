"""Reading bytes at an offset from many threads at once."""

import os
import threading
from pathlib import Path

from napari_glioma_density.slides.source import silent


class PositionalFile:
    """A file open for reading at given offsets.

    With `os.pread` threads read side by side; on systems without it (Windows) they take turns,
    because seeking and reading are two steps there.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._name = name
        self._file = path.open("rb", buffering=0)
        self._turn = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes at `offset`.

        Raises
        ------
        EOFError
            When the file ends before them.
        SlideError
            When the file does not answer: its drive is gone or failing, or it was closed.
        """
        if offset + count > self.size:  # before as much is asked for as a damaged header claims
            raise EOFError(f"{count} bytes at {offset} are beyond the end, {self.size}")
        try:
            data = self._read(offset, count)
        except (OSError, ValueError) as fault:
            raise silent(self._name, fault) from fault
        if len(data) < count:
            raise EOFError(f"wanted {count} bytes at {offset}, found {len(data)}")
        return data

    def _read(self, offset: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), count, offset)
        with self._turn:
            self._file.seek(offset)
            return self._file.read(count)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
