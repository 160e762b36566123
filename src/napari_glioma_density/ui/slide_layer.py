"""The napari layer of a slide, and the way back from the layer to the slide."""

from typing import Any

from napari.layers import Image, Layer
from napari.types import LayerData

from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.world import slide_placement

SLIDE = "glioma_density_slide"


def slide_layer_data(slide: Slide) -> LayerData:
    """Return the layer tuple of a slide: its lazy pyramid, named by its pseudonym."""
    options: dict[str, Any] = {
        "name": slide.pseudonym,
        "rgb": True,
        "multiscale": True,
        "cache": False,  # decoded tiles are kept already; napari would keep each view once more
        "metadata": {SLIDE: slide},
        **slide_placement(slide.um_per_px),
    }
    return (slide.pyramid(), options, "image")


def slide_of(layer: Layer) -> Slide | None:
    """Return the slide that a layer shows, or None for any other layer."""
    slide = layer.metadata.get(SLIDE)
    return slide if isinstance(slide, Slide) else None


def hide_file_name(layer: Layer) -> bool:
    """Have napari's status bar and tooltips show a slide's pseudonym, not its file's name.

    Returns
    -------
    bool
        Whether the name could be seen until now.
    """
    slide = slide_of(layer)
    if slide is None or layer.source.path in (None, slide.pseudonym):
        return False
    # napari has no public way to say it; a file name is often an accession number.
    layer._source = layer.source.model_copy(update={"path": slide.pseudonym})
    return True


def set_slide(layer: Image, slide: Slide) -> None:
    """Give a slide's layer another µm/px: its place in the world and its metadata follow."""
    layer.metadata[SLIDE] = slide
    place = slide_placement(slide.um_per_px)
    layer.units = place["units"]
    layer.scale = place["scale"]
    layer.translate = place["translate"]
