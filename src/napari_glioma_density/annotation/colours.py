"""Colours from all over a slide, kept beside its fields.

A model's input is fitted to the colours of the whole slide; fitted to one field, which may be all
tumour or all grey matter, it would come out differently. With these colours a model sees a field
just as it does on the slide, in training and in scoring.
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
