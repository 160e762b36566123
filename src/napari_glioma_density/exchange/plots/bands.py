"""How the patches of a slide spread over densities and bands."""

from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from napari_glioma_density.density import BandScale, PatchTable, Totals, band_of
from napari_glioma_density.exchange.plots.paper import (
    INK,
    QUIET_INK,
    new_plot,
    say_nothing,
    styled,
    words_of,
)
from napari_glioma_density.exchange.plots.words import Language

_MOST_BINS = 50
_BIN_WIDTHS_PERCENT = (0.25, 0.5, 1.0, 2.0)
_APART = 0.04
"""Least distance between two limits that are both written, as a share of the axis."""


def draw_patch_histogram(
    patches: PatchTable,
    scale: BandScale,
    scope: NDArray[np.bool_] | None = None,
    *,
    language: Language = "en",
) -> Figure:
    """Draw how many patches have which density (P1 eq. 6), coloured and parted by band.

    Parameters
    ----------
    patches
        What was measured; only patches that were read count.
    scale
        Bands, whose limits are drawn as lines.
    scope
        Patches that count, bool of shape (rows, columns); all by default.
    language
        Of the words; English where no font has Chinese characters.
    """
    words, name = words_of(language), scale.name
    density = patches.density_percent()
    values = density[np.isfinite(density) & (True if scope is None else scope)]
    with styled():
        figure, axes = new_plot(words.histogram)
        if not values.size:
            say_nothing(axes, words.nothing)
            return figure
        edges = _bin_edges(float(values.max()))
        _draw_stacks(axes, values, edges, scale)
        _draw_limits(axes, scale, float(edges[-1]))
        axes.set_xlabel(words.patch_density.format(scale=words.scales.get(name, name)))
        axes.set_ylabel(words.patches.format(side=f"{patches.lattice.patch_mm:.2f}"))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _bin_edges(highest: float) -> NDArray[np.float64]:
    widths = (width for width in _BIN_WIDTHS_PERCENT if highest <= width * _MOST_BINS)
    width = next(widths, _BIN_WIDTHS_PERCENT[-1])
    bins = max(1, ceil(highest / width))  # where no patch holds a nucleus, all lie in the first
    return np.arange(bins + 1, dtype=np.float64) * width


def _draw_stacks(
    axes: Axes, values: NDArray[np.float64], edges: NDArray[np.float64], scale: BandScale
) -> None:
    # Stacked, for a bin may hold the limit of two bands.
    bands = band_of(values, scale)
    parts = [values[bands == band] for band in range(len(scale.colours))]
    axes.hist(
        parts, bins=edges.tolist(), stacked=True, color=scale.colours, edgecolor="white", lw=0.4
    )
    axes.set_xlim(0, edges[-1])


def _draw_limits(axes: Axes, scale: BandScale, highest: float) -> None:
    axes.margins(y=0.12)
    last = -highest
    for limit, written in zip(scale.limits_percent[1:-1], scale.written_limits[1:-1], strict=True):
        if limit >= highest:
            break
        axes.axvline(limit, color=QUIET_INK, lw=0.8, ls=(0, (4, 3)), zorder=0)
        if limit - last >= _APART * highest:
            axes.annotate(
                written, (limit, 1), xycoords=("data", "axes fraction"), xytext=(2, -2),
                textcoords="offset points", fontsize=7, color=INK, va="top",
            )  # fmt: skip
            last = limit


def draw_band_shares(totals: Totals, scale: BandScale, *, language: Language = "en") -> Figure:
    """Draw the share of the patches read that lies in each band; the shares are those of `totals`.

    Parameters
    ----------
    totals
        Of the scope, on the same scale.
    scale
        Bands.
    language
        Of the words; English where no font has Chinese characters.
    """
    words, name = words_of(language), scale.name
    with styled():
        figure, axes = new_plot(words.shares)
        if not any(totals.bands):
            say_nothing(axes, words.nothing)
            return figure
        shares = [100 * share for share in totals.bands]
        bars = axes.bar(range(len(shares)), shares, color=scale.colours, edgecolor=INK, lw=0.5)
        axes.bar_label(bars, [_share(share) for share in shares], padding=2, fontsize=8)
        axes.set_xticks(range(len(shares)), scale.spans)
        axes.margins(y=0.15)
        axes.set_xlabel(words.band.format(scale=words.scales.get(name, name)))
        axes.set_ylabel(words.share_of_patches)
    return figure


def _share(percent: float) -> str:
    """As the dock and the report have it; a band that holds something is not hidden."""
    return "<0.1" if 0 < percent < 0.05 else f"{percent:.1f}"
