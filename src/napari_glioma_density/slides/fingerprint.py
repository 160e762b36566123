"""Knowing a slide again without its name.

File names are often accession numbers. What is shown, logged and exported is a pseudonym made
from the file's content.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from napari_glioma_density.slides.dicom import is_dicom

_SAMPLE_BYTES = 2**20
_OF_MIRAX = (".dat", ".ini")


def fingerprint_of(path: Path) -> str:
    """Return the SHA-256, in hex, of a slide's size and of its head, middle and tail MiB.

    For a folder, only the names, sizes and samples of its DICOM files count, so that other files
    which programs leave there do not change the fingerprint. A MIRAX slide keeps its pixels in the
    folder of the same name, so that folder's ``.dat`` and ``.ini`` files count too.
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
        return sorted(file for file in path.iterdir() if is_dicom(file))
    companion = path.with_suffix("")
    if path.suffix.lower() == ".mrxs" and companion.is_dir():
        of_mirax = (file for file in companion.iterdir() if file.suffix.lower() in _OF_MIRAX)
        return [path, *sorted(file for file in of_mirax if file.is_file())]
    return [path]


def _samples(file: Path, size: int) -> Iterable[bytes]:
    starts = sorted({0, max(0, size // 2 - _SAMPLE_BYTES // 2), max(0, size - _SAMPLE_BYTES)})
    with file.open("rb") as opened:
        for start in starts:
            opened.seek(start)
            yield opened.read(_SAMPLE_BYTES)
