"""Tables for spreadsheets: numbers as they are, words that no spreadsheet takes for a formula."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.exchange.whole_output import WHEN_FULL
from napari_glioma_density.results.failures import explained

Columns = Mapping[str, int | None]
"""Names of columns and, for those of fractional numbers, the decimals to print."""
Value = str | int | float | None

_FORMULA_SIGNS: Final = "=+-@＝＋－＠"
_FORMULA_STARTS: Final = "\t\r\n"


def safe_text(text: str) -> str:
    """Return words with an apostrophe before them where a spreadsheet would see a formula.

    That is if they begin, after any blanks, with one of = + - @ (full-width ones too), or with a
    tab or a new line.
    """
    begins = text.lstrip()[:1]
    is_risky = (begins and begins in _FORMULA_SIGNS) or text[:1] in tuple(_FORMULA_STARTS)
    return f"'{text}" if is_risky else text


def write_table(path: Path, columns: Columns, rows: Iterable[Sequence[Value]]) -> None:
    """Write a table of moderate size as CSV, UTF-8.

    Every `str` is made safe; None and nan become empty. Where there are letters beyond ASCII the
    file begins with a byte order mark, without which Excel would not read them.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    places = tuple(columns.values())
    for row in rows:
        writer.writerow([_printed(*each) for each in zip(row, places, strict=True)])
    content = text.getvalue()
    with explained(path, WHEN_FULL):
        write_atomically(path, content.encode("ascii" if content.isascii() else "utf-8-sig"))


def _printed(value: Value, places: int | None) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return safe_text(value)
    return str(int(value)) if places is None else f"{value:.{places}f}"
