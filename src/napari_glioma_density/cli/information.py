"""``glioma-density info``: what a slide file says of itself."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_glioma_density.cli.console import AsJson, show

if TYPE_CHECKING:
    from napari_glioma_density.slides import Slide


def info(
    slide: Annotated[str, typer.Argument(help="A slide file, or a folder holding a DICOM slide.")],
    as_json: AsJson = False,
) -> None:
    """Describe a slide: format, size, levels, µm/px and where that figure comes from."""
    from napari_glioma_density.slides import open_slide
    from napari_glioma_density.slides.resolution import TO_GIVE_IT

    with open_slide(slide) as opened:
        told = describe(opened)
        if opened.um_per_px is None and not as_json:
            told["um_per_px_source"] += f"; {TO_GIVE_IT}"
        show(told, as_json)


def describe(slide: "Slide") -> dict[str, Any]:
    """The fields of ``info``."""
    return {
        "path": str(slide.path),
        "format": slide.format,
        "reader": slide.reader,
        "width": slide.width,
        "height": slide.height,
        "levels": [
            {"width": level.width, "height": level.height, "downsample": level.downsample}
            for level in slide.levels
        ],
        "um_per_px": slide.um_per_px,
        "um_per_px_source": slide.resolution.source,
        "objective": slide.objective,
    }
