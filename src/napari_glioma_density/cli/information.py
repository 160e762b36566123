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

    with open_slide(slide) as opened:
        show(describe(opened) if as_json else _in_words(opened), as_json)


def _in_words(slide: "Slide") -> dict[str, Any]:
    """The fields of ``info`` for a person: levels in one line, and what to do without µm/px."""
    from napari_glioma_density.slides.resolution import TO_GIVE_IT

    told = describe(slide)
    told["levels"] = ", ".join(f"{level.width} × {level.height}" for level in slide.levels)
    if slide.um_per_px is None:
        told["um_per_px_source"] += f"; {TO_GIVE_IT}"
    return told


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
