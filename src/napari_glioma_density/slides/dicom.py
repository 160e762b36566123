"""Finding the one DICOM slide of a folder."""

from pathlib import Path

import openslide

from napari_glioma_density.errors import SlideError

_PREAMBLE_BYTES = 128
_SERIES = "dicom.SeriesInstanceUID"


def dicom_member(folder: Path, name: str) -> Path:
    """Return a file of the folder's DICOM slide; OpenSlide gathers the others by their series.

    Raises
    ------
    SlideError
        When the folder holds no DICOM slide, or more than one.
    """
    members = {_series_of(file): file for file in sorted(folder.iterdir()) if is_dicom(file)}
    members.pop(None, None)
    if not members:
        raise SlideError(
            f"{name}: is a folder without a DICOM slide; name the slide file itself, "
            "or the folder that holds its .dcm files"
        )
    if len(members) > 1:
        raise SlideError(
            f"{name}: is a folder with {len(members)} DICOM slides; "
            "name one of its files, or keep each slide in a folder of its own"
        )
    return next(iter(members.values()))


def is_dicom(file: Path) -> bool:
    """Whether a file begins as DICOM files do."""
    if not file.is_file():
        return False
    with file.open("rb") as opened:
        return opened.read(_PREAMBLE_BYTES + 4)[_PREAMBLE_BYTES:] == b"DICM"


def _series_of(file: Path) -> str | None:
    """Return the series a DICOM file belongs to, None when it is no slide."""
    try:
        with openslide.OpenSlide(file) as slide:
            return str(slide.properties.get(_SERIES, file.name))
    except openslide.OpenSlideError:
        return None
