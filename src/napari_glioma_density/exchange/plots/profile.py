"""Density along a drawn line, or against the distance from it."""

from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_glioma_density.exchange.plots.paper import (
    FIT,
    LINE,
    QUIET_INK,
    new_plot,
    say_nothing,
    styled,
    words_of,
)
from napari_glioma_density.exchange.plots.words import Language, PlotWords
from napari_glioma_density.findings.decay import Decay, Side, Slope
from napari_glioma_density.findings.profiles import Profile, ProfileKind
from napari_glioma_density.findings.written import decimal, span

_UM_PER_MM = 1000
_TITLE_CHARACTERS = 32
"""As many as fit on a line above a plot, wide ones among them."""


def draw_profile(
    profile: Profile,
    kind: ProfileKind,
    *,
    decay: Decay | None = None,
    slope: Slope | None = None,
    side: Side = Side.RIGHT,
    name: str = "",
    language: Language = "en",
) -> Figure:
    """Draw density of tissue against distance, with a fitted decay and the slope in words.

    Parameters
    ----------
    profile
        Distances in µm and densities in percent; steps without tissue leave a gap.
    kind
        What the distance is.
    decay, slope
        Fits to the profile.
    side
        The side of the border that decay and slope were fitted to; said where both are drawn.
    name
        Of the line; stands in the title.
    language
        Of the words; English where no font has Chinese characters.
    """
    words = words_of(language)
    along = kind is ProfileKind.ALONG
    title = words.along_line if along else words.from_border
    with styled():
        figure, axes = new_plot(title, *wrap(name, _TITLE_CHARACTERS, expand_tabs=False))
        distance_mm = profile.distance_um / _UM_PER_MM
        density = profile.tissue_density_percent
        if not np.isfinite(density).any():
            say_nothing(axes, words.nothing)
            return figure
        axes.plot(distance_mm, density, color=LINE, marker="o", ms=3, lw=1.2)
        are_both_drawn = not along and distance_mm.min() < 0 < distance_mm.max()
        whose = words.of_side[side] if are_both_drawn else ""
        if decay is not None:
            _draw_decay(axes, distance_mm, decay, side, whose + _decay_text(decay, words))
        if slope is not None:
            axes.plot([], [], " ", label=whose + _slope_text(slope, words))
        if decay is not None or slope is not None:
            figure.legend(loc="outside lower left", fontsize=7)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(words.tissue_density)
        _name_distance(axes, distance_mm, words, along=along)
    return figure


def decay_text(decay: Decay, language: Language = "en") -> str:
    """Return a decay length with its interval, in words."""
    return _decay_text(decay, words_of(language))


def _decay_text(decay: Decay, words: PlotWords) -> str:
    ends = (um / _UM_PER_MM for um in decay.interval)
    interval = span(ends, 2, language=words.language)
    return words.fit.format(length=decimal(decay.length_um / _UM_PER_MM, 2), interval=interval)


def _slope_text(slope: Slope, words: PlotWords) -> str:
    interval = span(slope.interval, 2, language=words.language)
    return words.slope.format(slope=decimal(slope.points_per_mm, 2), interval=interval)


def _draw_decay(
    axes: Axes, distance_mm: NDArray[np.float64], decay: Decay, side: Side, text: str
) -> None:
    first = 0.0 if side is Side.RIGHT else float(distance_mm.min())
    last = 0.0 if side is Side.LEFT else float(distance_mm.max())
    x = np.linspace(first, last, 400)
    fall = np.exp(-np.abs(x) * _UM_PER_MM / decay.length_um)
    fitted = decay.plateau_percent + decay.amplitude * fall
    axes.plot(x, fitted, color=FIT, lw=1.5, ls="--", label=text)


def _name_distance(
    axes: Axes, distance_mm: NDArray[np.float64], words: PlotWords, *, along: bool
) -> None:
    label = words.distance_along if along else words.distance_from
    if not along:
        label = f"{label}\n{words.sides if distance_mm.min() < 0 else words.right_side}"
        axes.axvline(0, color=QUIET_INK, lw=0.8)
    axes.set_xlabel(label)
