"""napari reader of whole slides."""

from collections.abc import Callable, Sequence
from pathlib import Path

from napari import current_viewer
from napari.types import LayerData
from napari.utils.notifications import show_error
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_glioma_density.errors import SlideError, UndecodableSlide
from napari_glioma_density.results.location import STORE_SUFFIX
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui.sessions import has_session
from napari_glioma_density.ui.slide_layer import hide_file_name, slide_layer_data

PathOrPaths = str | Sequence[str]
ReadLayers = Callable[[PathOrPaths], list[LayerData]]

SLIDE_SUFFIXES = frozenset({".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".svslide", ".dcm"})
"""Suffixes that mean a slide; a file that has one and cannot be opened is an error to tell."""

TIFF_SUFFIXES = frozenset({".tif", ".tiff"})

DRAWINGS = ".geojson"
"""Suffix of what QuPath exports: no layer, but regions and nuclei of a slide that is open."""
RESULTS_ARE_NO_SLIDE = "is where results are kept; open the slide itself, and they are back"
EXPORT_IS_NO_SLIDE = (
    "is the nucleus mask and density map of {slide}, exported for other programs; "
    "open the slide itself, and they are back"
)
PRESS_IMPORT = (
    "Press Import from QuPath … under Export (Plugins > Glioma density > Glioma density) "
    "to bring drawings into a slide that is estimated"
)

NOTHING: list[LayerData] = [(None,)]
"""napari's sign for "read, and there is no layer to add"."""


def get_reader(path: PathOrPaths) -> ReadLayers | None:
    """Return a reader for one slide file or folder, or None to leave `path` to other plugins.

    A picture, a generic TIFF or a folder is claimed only when it can be opened as a slide, when
    nobody can decode it, or to tell which of the slides in a folder to open.
    """
    if not isinstance(path, str):
        return None
    if Path(path).suffix.lower() == DRAWINGS:
        return _tell_how_to_import
    if Path(path).name.endswith(STORE_SUFFIX):
        return _tell_of_results
    if _is_own_export(path):
        return _tell_of_export
    if Path(path).suffix.lower() in SLIDE_SUFFIXES or _opens(path) or _holds_slides(Path(path)):
        return read_slide
    return None


def read_slide(path: PathOrPaths) -> list[LayerData]:
    """Open a slide and return its layer; a slide that cannot be opened is told in one line."""
    if not isinstance(path, str):
        path = path[0]
    try:
        layer = slide_layer_data(open_slide(path))
    except SlideError as error:
        show_error(str(error))
        return NOTHING
    if QApplication.instance() is not None:
        QTimer.singleShot(0, _hide_file_names)  # napari makes the layer after this returns
    return [_in_units_of_window(layer)]


def _tell_how_to_import(_path: PathOrPaths) -> list[LayerData]:
    show_error(f"{PRESS_IMPORT}.")
    return NOTHING


def _tell_of_results(path: PathOrPaths) -> list[LayerData]:
    name = Path(path if isinstance(path, str) else path[0]).name
    show_error(f"{name}: {RESULTS_ARE_NO_SLIDE}.")
    return NOTHING


def _is_own_export(path: str) -> bool:
    return Path(path).suffix.lower() in TIFF_SUFFIXES and bool(_slide_of_export(path))


def _slide_of_export(path: str) -> str:
    from napari_glioma_density.exchange.ome_tiff import slide_of_mask  # brings all of findings

    return slide_of_mask(Path(path))


def _tell_of_export(path: PathOrPaths) -> list[LayerData]:
    path = path if isinstance(path, str) else path[0]
    said = EXPORT_IS_NO_SLIDE.format(slide=_slide_of_export(path))
    show_error(f"{Path(path).name}: {said}.")
    return NOTHING


def _holds_slides(folder: Path) -> bool:
    """Whether slides lie in a folder, or in folders of it as DICOM slides do."""
    if not folder.is_dir():
        return False
    try:
        inside = (*folder.glob("*"), *folder.glob("*/*.dcm"))
    except OSError:
        return False
    return any(each.suffix.lower() in SLIDE_SUFFIXES for each in inside)


def _in_units_of_window(layer: LayerData) -> LayerData:
    """Have a slide come in the units of those that a dock follows: napari warns of a mixture.

    The dock gives it its own, and all others with it, as soon as it is there.
    """
    viewer = current_viewer()
    if viewer is None or not has_session(viewer) or viewer.layers.extent.units is None:
        return layer
    data, options, kind = layer
    return data, {**options, "units": viewer.layers.extent.units[-2:]}, kind


def _hide_file_names() -> None:
    """Of all slides in the viewer, whether or not a dock that follows them is open."""
    viewer = current_viewer()
    hidden = [hide_file_name(layer) for layer in viewer.layers] if viewer is not None else []
    if viewer is not None and any(hidden):
        viewer.status = "Ready"  # napari's words for nothing to say; till now it had the name


def _opens(path: str) -> bool:
    try:
        open_slide(path).close()
    except UndecodableSlide:
        return True  # to tell it: napari's own reader would fail as well, in its own words
    except SlideError:
        return False
    return True
