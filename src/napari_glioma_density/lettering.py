"""Letters of names that people gave, as plots can draw them with the fonts at hand."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from typing import Final

_BACKEND: Final = "MPLBACKEND"


def _import_matplotlib() -> None:
    """Import matplotlib also where a backend is asked for that it does not know.

    It would refuse; but plots are drawn without any. One that it knows is left to others' plots.
    """
    if "matplotlib" in sys.modules:
        return
    asked = os.environ.pop(_BACKEND, None)
    try:
        found = import_module("matplotlib")
    finally:
        if asked is not None:
            os.environ[_BACKEND] = asked
    if asked:
        with suppress(ValueError):
            found.rcParams["backend"] = asked


_import_matplotlib()

import matplotlib as mpl  # noqa: E402
from matplotlib.font_manager import (  # noqa: E402
    FontProperties,
    findfont,
    fontManager,
    get_font,
)

_LATIN: Final = "DejaVu Sans"
"""Comes with matplotlib."""
_CHINESE_FONTS: Final = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Hiragino Sans GB",
    "Heiti SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Arial Unicode MS", "Noto Sans CJK JP", "Droid Sans Fallback",
)  # fmt: skip
_LACKING: Final = "\N{WHITE SQUARE}"
"""Stands for a character that no font has."""


@cache
def chinese_font() -> str | None:
    """Return an installed font that has Chinese characters; None when there is none."""
    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE_FONTS if name in installed), None)


def drawable(text: str) -> str:
    """Return a text as installed fonts can draw it: matplotlib warns of every other character."""
    known = frozenset[int]().union(*map(_characters, _fonts()))
    line = (" " if character.isspace() else character for character in text)
    return "".join(each if ord(each) in known else _LACKING for each in line)


@contextmanager
def lettered() -> Iterator[None]:
    """Draw names as people gave them: in any font that has their letters, and never as formulas."""
    logging.getLogger("matplotlib.font_manager").addFilter(_is_no_matter_of_weight)
    with mpl.rc_context({"font.family": _fonts(), "text.parse_math": False}):
        yield


def _fonts() -> list[str]:
    second = chinese_font()
    return [_LATIN, second] if second else [_LATIN]


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=font))).get_charmap())


def _is_no_matter_of_weight(record: logging.LogRecord) -> bool:
    """Chinese fonts of one weight are drawn in that: nobody need be warned of it."""
    return "Failed to find font weight" not in record.msg
