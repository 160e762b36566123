"""Opening a slide by what the file is, not by what it is called."""

from pathlib import Path

import openslide

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.dicom import dicom_member
from napari_glioma_density.slides.openslide_source import OpenSlideSource
from napari_glioma_density.slides.picture import PictureSource, picture_format
from napari_glioma_density.slides.slide import Slide
from napari_glioma_density.slides.source import TileSource
from napari_glioma_density.slides.tiff import TiffSource

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# TIFF dialects with overlapping or scattered tiles, which OpenSlide puts together.
_LEFT_TO_OPENSLIDE = frozenset({"leica", "ventana", "philips", "trestle"})
# Scanners' own formats, always RGB. Of other TIFFs OpenSlide shows pixels that are refused here.
_SHARED_WITH_OPENSLIDE = frozenset({"aperio", "hamamatsu"})


def open_slide(path: str | Path) -> Slide:
    """Open a whole-slide image.

    Parameters
    ----------
    path
        A slide file, a PNG or JPEG picture, or a folder that holds one DICOM slide.

    Raises
    ------
    SlideError
        When it is absent, empty, damaged, of an unknown format or of a refused kind of pixels;
        one line that names the file, the fault and the remedy.
    """
    path = Path(path)
    name = path.name or str(path)
    try:
        source = _source_of(path, name)
        return Slide(path, source)
    except OSError as fault:
        raise SlideError(
            f"{name}: cannot be read ({fault.strerror or fault}); check its permissions"
        ) from fault


def _source_of(path: Path, name: str) -> TileSource:
    if not path.exists():
        raise SlideError(f"{name}: there is no such file or folder; check the path")
    if not path.is_dir() and not path.is_file():
        raise SlideError(f"{name}: is neither a file nor a folder; name a slide")
    if path.is_dir():
        return OpenSlideSource(dicom_member(path, name), name)
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        raise SlideError(f"{name}: the file is empty; copy it again from where it came")
    vendor = openslide.OpenSlide.detect_format(path)
    if head.startswith(_TIFF_MAGIC) and vendor not in _LEFT_TO_OPENSLIDE:
        return _tiff_or_openslide(path, name, vendor)
    if vendor is not None:
        return OpenSlideSource(path, name)
    if picture_format(head) is not None:
        return PictureSource(path, name)
    raise SlideError(
        f"{name}: is not a slide of a known format, whatever its name says; open an SVS, TIFF, "
        "NDPI, MRXS, SCN, BIF, DICOM, PNG or JPEG file, or copy it again if it should be one"
    )


def _tiff_or_openslide(path: Path, name: str, vendor: str | None) -> TileSource:
    """Open a TIFF directly; a scanner's file it cannot read may be within OpenSlide's reach."""
    try:
        return TiffSource(path, name)
    except SlideError as refusal:
        if vendor not in _SHARED_WITH_OPENSLIDE:
            raise
        try:
            return OpenSlideSource(path, name)
        except SlideError:
            raise refusal from None
