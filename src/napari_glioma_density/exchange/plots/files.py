"""Plots on disk."""

import io
from pathlib import Path

from matplotlib.figure import Figure

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.plots.paper import styled
from napari_glioma_density.results.failures import explained

_DPI = 200
_FORMATS = ("png", "svg")


def save_figure(path: Path, figure: Figure) -> None:
    """Save a plot as PNG or SVG, by the suffix; an old file is replaced whole.

    Raises
    ------
    BadInput
        When the suffix is another.
    StoreError
        When the file cannot be written.
    """
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in _FORMATS:
        raise BadInput(f"{path.name}: plots are saved as PNG or SVG: end its name in .png or .svg")
    data = figure_bytes(figure, suffix)
    with explained(path, when_full="free some space and save again"):
        write_atomically(path, data)


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """Return a plot as the bytes of a ``png`` or ``svg`` file, without a date."""
    file = io.BytesIO()
    dateless = {"Date": None} if kind == "svg" else {"Software": None}
    with styled():
        figure.savefig(file, format=kind, dpi=_DPI, metadata=dateless)
    return file.getvalue()
