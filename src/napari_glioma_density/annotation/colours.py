"""Colours from all over a slide, kept beside its fields.

What a model is fed is fitted to the slide; a field alone, all tumour or all grey matter, would have
it fitted otherwise. Whoever learns from fields, or scores a model on them, has it see them as on
the slide.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import FieldRecord
from napari_glioma_density.results.pictures import write_png

COLOURS = "colours"


def colours_file(folder: Path, record: FieldRecord) -> Path:
    """Return where the colours of a field's slide lie: one file a working plane."""
    return folder / COLOURS / f"{record.level}-{record.sixteenths}.png"


def write_colours(path: Path, colours: NDArray[np.uint8]) -> None:
    """Write colours (n, 3) as a picture one px wide; on disk when this returns.

    Raises
    ------
    StoreError
        When the disk refuses.
    """
    path.parent.mkdir(exist_ok=True)
    write_png(path, colours[:, np.newaxis])
