"""What the samples of a field's pictures mean: ids of nuclei, colours, alpha."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.slides.codestreams import JPEG_IN_TIFF, JPEG_START
from napari_glioma_density.slides.pixels import Alpha, over_white

_MOST: Final = np.iinfo(np.uint16).max
_REMEDY: Final = "save it as a grey PNG of ids from 0 to 65535"
_WHITE_IS_ZERO: Final = 0
_DECLARED_ALPHA: Final = (1, 2)


def nucleus_ids(path: Path, stored: NDArray[Any]) -> NDArray[np.uint16]:
    """Return a label's samples as ids, (height, width), 0 background.

    Parameters
    ----------
    path
        The label; what its file says of the samples is asked for there.
    stored
        Its samples as decoded.

    Raises
    ------
    DataSetError
        When they cannot be used as ids: colours, fractions, numbers beyond 16 bits, values smeared
        by a lossy format, or samples whose white is zero.
    """
    fault = _fault_of_samples(stored) or _fault_of_file(path)
    if fault is not None:
        raise DataSetError(f"{path}: {fault}; {_REMEDY}")
    return stored.astype(np.uint16, copy=False)


def _fault_of_samples(stored: NDArray[Any]) -> str | None:
    if stored.ndim != 2:
        return f"has {stored.shape[2]} channels (a palette counts as some), a label has one"
    if stored.dtype.kind not in "bui":
        return f"holds {stored.dtype.name}, a label holds whole numbers"
    least, most = int(stored.min()), int(stored.max())
    if least < 0 or most > _MOST:
        return f"has the id {least if least < 0 else most}"
    return None


def _fault_of_file(path: Path) -> str | None:
    with path.open("rb") as file:
        if file.read(len(JPEG_START)) == JPEG_START:
            return "is a JPEG, which changes ids"
    page = _first_page(path)
    if page is None:
        return None
    if int(page.compression) in JPEG_IN_TIFF:
        return "is compressed as JPEG, which changes ids"
    if int(page.photometric) == _WHITE_IS_ZERO:
        return "says that white is zero, so that background and nuclei may be exchanged"
    return None


def over_white_if_alpha(path: Path, stored: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colours (…, 3) of samples (…, 4), on white where the fourth is declared alpha.

    A fourth sample that a TIFF does not declare is left out; those of a PNG are alpha.
    """
    colours, fourth = stored[..., :3], stored[..., 3]
    page = _first_page(path)
    if page is None:
        return over_white(colours, fourth)
    if int(next(iter(page.extrasamples), 0)) in _DECLARED_ALPHA:
        # Decoded, they are premultiplied, whichever of the two was declared.
        return over_white(colours, fourth, Alpha.PREMULTIPLIED)
    return colours


def _first_page(path: Path) -> tifffile.TiffPage | None:
    """The first page of a TIFF; None where it is none."""
    try:
        with tifffile.TiffFile(path) as tiff:
            page = tiff.pages.first
    except (tifffile.TiffFileError, IndexError, ValueError):
        return None
    return page if isinstance(page, tifffile.TiffPage) else None
