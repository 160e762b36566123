"""The paper and ink that all plots share."""

from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_glioma_density.exchange.plots.words import CHINESE, ENGLISH, Language, PlotWords
from napari_glioma_density.lettering import chinese_font, drawable, lettered

INK = "#333333"
QUIET_INK = "#777777"
LINE = "#1F4E79"
FIT = "#B5541C"
_INCHES = 4.6, 2.9


def words_of(language: Language) -> PlotWords:
    """Return the words of a language; English where no font could draw Chinese ones."""
    return CHINESE if language == "zh" and chinese_font() else ENGLISH


@contextmanager
def styled() -> Iterator[None]:
    """Draw in the project's style, with Chinese characters where a font has them."""
    style = {
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
    }
    with lettered(), mpl.rc_context(style):
        yield


def new_plot(*title: str) -> tuple[Figure, Axes]:
    """Return an empty figure, white in every theme, and its axes; `title` has a line or more."""
    figure = Figure(figsize=_INCHES, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.set_title("\n".join(map(drawable, title)))
    return figure, axes


def say_nothing(axes: Axes, text: str) -> None:
    """Say in the middle of a plot that there is nothing to draw."""
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=QUIET_INK)
    axes.set(xticks=[], yticks=[])
