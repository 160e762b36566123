"""The paper and ink that all plots share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from napari_glioma_density.exchange.plots.words import CHINESE, ENGLISH, Language, PlotWords

INK = "#333333"
QUIET_INK = "#777777"
LINE = "#1F4E79"
FIT = "#B5541C"
_INCHES = 4.6, 2.9
_LATIN = "DejaVu Sans"
"""Comes with matplotlib."""
_CHINESE_FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Noto Sans SC", "PingFang SC", "Hiragino Sans GB",
    "Heiti SC", "Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Arial Unicode MS", "Noto Sans CJK JP", "Droid Sans Fallback",
)  # fmt: skip
_LACKING = "\N{WHITE SQUARE}"
"""Stands for a character that no font has."""


@cache
def chinese_font() -> str | None:
    """Return an installed font that has Chinese characters; None when there is none."""
    installed = {font.name for font in fontManager.ttflist}
    return next((name for name in _CHINESE_FONTS if name in installed), None)


def drawable(text: str) -> str:
    """Return a text as installed fonts can draw it: matplotlib warns of every other character."""
    fonts = (_LATIN, chinese_font())
    known = frozenset[int]().union(*(_characters(font) for font in fonts if font))
    line = (" " if character.isspace() else character for character in text)
    return "".join(each if ord(each) in known else _LACKING for each in line)


@cache
def _characters(font: str) -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family=font))).get_charmap())


def words_of(language: Language) -> PlotWords:
    """Return the words of a language; English where no font could draw Chinese ones."""
    return CHINESE if language == "zh" and chinese_font() else ENGLISH


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style, with Chinese characters where a font has them."""
    second = chinese_font()
    logging.getLogger("matplotlib.font_manager").addFilter(_is_no_matter_of_weight)
    style = {
        "font.family": [_LATIN, second] if second else [_LATIN],
        "font.size": 9,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.edgecolor": QUIET_INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "legend.fontsize": 8,
        # Names that people gave stand in plots: a dollar sign in one begins no formula.
        "text.parse_math": False,
    }
    with mpl.rc_context(style):
        yield


def _is_no_matter_of_weight(record: logging.LogRecord) -> bool:
    """Chinese fonts of one weight are drawn in that: nobody need be warned of it."""
    return "Failed to find font weight" not in record.msg


def new_plot(title: str) -> tuple[Figure, Axes]:
    """Return an empty figure, white in every theme, and its axes."""
    figure = Figure(figsize=_INCHES, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_title(drawable(title))
    return figure, axes


def say_nothing(axes: Axes, text: str) -> None:
    """Say in the middle of a plot that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=QUIET_INK)
    axes.set(xticks=[], yticks=[])
