"""Knowing a slide again without its name.

File names are often accession numbers. What is shown, logged and exported is a pseudonym made
from the file's content.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

_SAMPLE_BYTES = 2**20


def fingerprint_of(path: Path) -> str:
    """Return the SHA-256, in hex, of a slide's size and of its head, middle and tail MiB.

    Of a folder the files' names, sizes and samples count. A MIRAX slide's pixels lie in the
    folder of its name, which therefore counts too.
    """
    digest = hashlib.sha256()
    for file in _files_of(path):
        size = file.stat().st_size
        digest.update(f"{file.name if file != path else ''}:{size}\n".encode())
        for sample in _samples(file, size):
            digest.update(sample)
    return digest.hexdigest()


def pseudonym_of(fingerprint: str) -> str:
    """Return the name to show instead of the file's: `slide-` and eight hex digits."""
    return f"slide-{fingerprint[:8]}"


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    companion = path.with_suffix("")
    if path.suffix.lower() == ".mrxs" and companion.is_dir():
        return [path, *_files_of(companion)]
    return [path]


def _samples(file: Path, size: int) -> Iterable[bytes]:
    starts = sorted({0, max(0, size // 2 - _SAMPLE_BYTES // 2), max(0, size - _SAMPLE_BYTES)})
    with file.open("rb") as opened:
        for start in starts:
            opened.seek(start)
            yield opened.read(_SAMPLE_BYTES)
