"""The colours of a slide: what its model's input is fitted to, once, from all over its tissue."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.results.spec import NOT_FITTED
from napari_glioma_density.slides import (
    TISSUE_PX,
    Pixels,
    TissueKind,
    TissueMap,
    WorkingPlane,
    find_tissue,
    whole_slide_tissue,
)
from napari_glioma_density.stain import Statistics, colour_input, some_pixels

WINDOWS: Final = 24
"""Windows read, in places drawn evenly from all tissue: their statistics are stable, and they are
read in a few tenths of a second."""
WINDOW_PX: Final = 256

FIT: Final = 2
"""Which way of fitting this is: 1 laid its windows on a lattice from the slide's corner."""
FITTED: Final = "fitted to the slide"
TYPICAL: Final = "typical: too little tissue"

_READERS: Final = 2
_SEED: Final = 20250201
_MOST_PIXELS: Final = 65536


@dataclass(frozen=True)
class SlideColours:
    """Statistics of a slide's colours and where they come from."""

    statistics: Statistics
    source: str
    """``results.spec.NOT_FITTED``, :data:`FITTED` or :data:`TYPICAL`."""


def fit_slide_colours(windows: Sequence[Pixels], input_name: str) -> SlideColours:
    """Fit a model's colour input to a slide.

    Depends on the slide and the working resolution alone: not on blocks, nor on the scope, nor
    on whether bare glass is left out of the run.

    Parameters
    ----------
    windows
        As :func:`read_windows` reads them.
    input_name
        A name of ``stain.INPUTS``.

    Raises
    ------
    ModelError
        When there is no such input.
    """
    chosen = colour_input(input_name)
    if not chosen.is_fitted:
        return SlideColours((), NOT_FITTED)
    statistics = chosen.fit(_colours_of(windows))
    return SlideColours(statistics, TYPICAL if statistics == chosen.typical else FITTED)


def tissue_colours(plane: WorkingPlane, tissue: TissueMap) -> NDArray[np.uint8]:
    """Return colours (n, 3) from all over the tissue, to which a model's input is fitted."""
    return _colours_of(read_windows(plane, tissue))


def read_windows(plane: WorkingPlane, tissue: TissueMap | None = None) -> list[Pixels]:
    """Read windows of :data:`WINDOW_PX` in places drawn evenly from all tissue of a slide.

    Parameters
    ----------
    plane
        The slide; the windows are the same whenever they are asked for.
    tissue
        As ``find_tissue`` gives it, where it is already known.
    """
    kinds = (tissue or find_tissue(plane)).kinds
    if not (kinds == TissueKind.TISSUE).any():
        kinds = whole_slide_tissue(plane).kinds
    with ThreadPoolExecutor(_READERS, "colours") as readers:
        return list(readers.map(lambda at: _read(plane, *at), _windows(kinds)))


def _colours_of(windows: Sequence[Pixels]) -> NDArray[np.uint8]:
    rgb, read = map(np.stack, zip(*windows, strict=True))
    return some_pixels(rgb, read, _MOST_PIXELS)


def _read(plane: WorkingPlane, y: int, x: int) -> Pixels:
    return plane.read(y, x, WINDOW_PX, WINDOW_PX)


def _windows(kinds: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """``y, x`` of windows around places of tissue, each place as likely as any other.

    The tissue, row by row, is divided into equal shares, and one place is drawn from each. So it
    does not matter where on the slide the tissue lies: the windows move along with it.
    """
    places = np.flatnonzero(kinds == TissueKind.TISSUE)
    within_share = np.random.default_rng(_SEED).random(WINDOWS)
    drawn = (np.arange(WINDOWS) + within_share) / WINDOWS * len(places)
    rows, columns = np.divmod(np.unique(places[drawn.astype(np.int64)]), kinds.shape[1])
    corners = np.stack([rows, columns], axis=1) * TISSUE_PX - WINDOW_PX // 2
    return [(y, x) for y, x in corners.tolist()]
