"""What an export may take the place of: an earlier one of its kind, and nothing else."""

import re
from pathlib import Path
from typing import Final

from napari_glioma_density.errors import BadInput, StoreError

_HEAD_BYTES: Final = 2**16
_ABOUT: Final = "about.csv"


def demand_replaceable(path: Path, mark: bytes, kind: str) -> None:
    """Refuse a file that is there already and was not written by this program.

    Parameters
    ----------
    path
        The file to write.
    mark
        A pattern that the beginning of such files holds.
    kind
        What such files are, in words.

    Raises
    ------
    BadInput
        When something else is there: a name mistyped must not cost a slide.
    StoreError
        When what is there cannot be read.
    """
    if path.exists() and not (path.is_file() and re.search(mark, _head(path))):
        raise BadInput(f"{path}: is there already and is no {kind}: choose another name")


def demand_replaceable_tables(folder: Path, tables: tuple[str, ...]) -> None:
    """Refuse a folder that holds tables of these names and does not say that they are from here.

    Raises
    ------
    BadInput
        When it does.
    StoreError
        When its about.csv cannot be read.
    """
    for table in tables:
        if (folder / table).exists():
            about = folder / _ABOUT
            demand_replaceable(
                about if about.exists() else folder / table,
                rb"software,napari-glioma-density",
                "table of this program",
            )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror}): choose another name"
        ) from error
