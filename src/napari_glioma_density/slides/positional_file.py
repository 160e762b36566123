"""Reading bytes at an offset from many threads at once."""

import os
import threading
from pathlib import Path


class PositionalFile:
    """A file open for reading at given offsets.

    Where the system has `os.pread` threads read side by side; elsewhere (Windows) they take
    turns, because seeking and reading are two steps there.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._turn = threading.Lock()
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, count: int) -> bytes:
        """Return `count` bytes at `offset`.

        Raises
        ------
        OSError
            When the file ends before them or cannot be read.
        ValueError
            After `close`.
        """
        if hasattr(os, "pread"):
            data = os.pread(self._file.fileno(), count, offset)
        else:
            with self._turn:
                self._file.seek(offset)
                data = self._file.read(count)
        if len(data) < count:
            raise OSError(f"wanted {count} bytes at {offset}, found {len(data)}")
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
