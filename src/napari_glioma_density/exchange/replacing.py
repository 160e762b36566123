"""What an export may take the place of: an earlier one of its kind, and nothing else."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from napari_glioma_density.errors import BadInput, StoreError

_HEAD_BYTES: Final = 2**16
_TELLING: Final = 4
"""Columns that a table is known by: later versions may add some at the end."""


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


def demand_replaceable_tables(folder: Path, tables: Mapping[str, Iterable[str]]) -> None:
    """Refuse a folder that holds tables of these names with other columns.

    Parameters
    ----------
    folder
        Where the tables are to be written.
    tables
        By name, their columns.

    Raises
    ------
    BadInput
        When a table is there that was not written by this program.
    StoreError
        When one cannot be read.
    """
    for table, columns in tables.items():
        told_by = ",".join([*columns][:_TELLING])
        header = b"^(\xef\xbb\xbf)?" + re.escape(told_by.encode())
        demand_replaceable(folder / table, header, "table of this program")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror}): choose another name"
        ) from error
