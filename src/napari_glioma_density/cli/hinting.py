"""``glioma-density hint``: where a picture may show nuclei, by threshold alone."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import numpy as np
import typer
from numpy.typing import NDArray

from napari_glioma_density.cli.console import AsJson, show
from napari_glioma_density.cli.resolutions import demand_resolution
from napari_glioma_density.cli.segmenting import demand_own_picture
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.memory import room_for

if TYPE_CHECKING:
    from napari_glioma_density.annotation.scores import Probability

WORKING_UM_PER_PX: Final = 0.5

Size = tuple[int, ...]
"""Height, width."""


class Source(StrEnum):
    """Names of ``annotation.hint_settings.HintSource`` that are easy to type."""

    LUMA = "luma"
    HAEMATOXYLIN = "haematoxylin"
    MODEL = "model"


def hint(
    image: Annotated[Path, typer.Argument(help="Picture of H&E: PNG, JPEG or TIFF.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG to write.")],
    um_per_px: Annotated[float, typer.Option(help="Resolution of the picture, µm/px.")],
    source: Annotated[
        Source, typer.Option(help="luma of colour ratios (the paper's), haematoxylin, or model.")
    ] = Source.HAEMATOXYLIN,
    threshold: Annotated[
        float | None,
        typer.Option(help="Threshold of the stretched score, 0–1; else by its histogram."),
    ] = None,
    min_um2: Annotated[float, typer.Option(help="Least area of a hint, µm².")] = 8.0,
    max_um2: Annotated[float, typer.Option(help="Greatest area of a hint, µm².")] = 150.0,
    fill_holes: Annotated[bool, typer.Option(help="Fill holes within hints.")] = True,
    split: Annotated[bool, typer.Option(help="Split touching hints apart.")] = True,
    mask: Annotated[
        Path | None, typer.Option(help="Mask of known nuclei: hints show what it lacks.")
    ] = None,
    model: Annotated[str, typer.Option(help="Model of --source model.")] = "fast",
    as_json: AsJson = False,
) -> None:
    """Write hints as an 8-bit PNG of the picture's size, 255 in a hint. Hints are no findings."""
    from napari_glioma_density.annotation.hint_settings import HintSettings, HintSource
    from napari_glioma_density.annotation.hints import find_hints, missing_hints
    from napari_glioma_density.annotation.slide_scores import picture_score_statistics
    from napari_glioma_density.cli.segmenting import read_picture

    _check(image, output, mask, um_per_px)
    asked = HintSettings(
        HintSource[source.name], threshold or 0.0, min_um2, max_um2, fill_holes, split
    )
    with room_for(str(image)):
        rgb = read_picture(image)
        working = _working(rgb, um_per_px)
        known = None if mask is None else _known(mask, rgb.shape[:2], working.shape[:2])
        probability = _probability(model) if source is Source.MODEL else None
        statistics = picture_score_statistics(working, asked.source, probability, WORKING_UM_PER_PX)
        settings = replace(asked, threshold=statistics.threshold) if threshold is None else asked
        score = statistics.score(working, WORKING_UM_PER_PX, probability)
        found = find_hints(score, settings, WORKING_UM_PER_PX)
        shown = found if known is None else missing_hints(found, known)
        _write(output, shown.labels > 0, rgb.shape[:2])
    show(
        {
            "mask": str(output),
            "hints": len(shown.hints),
            "area_um2": sum(hint.area_um2 for hint in shown.hints),
            "suggested_threshold": statistics.threshold,
            **settings.to_json(),
        },
        as_json,
    )


def _check(image: Path, output: Path, mask: Path | None, um_per_px: float) -> None:
    for path, kind in ((image, "picture"), (mask, "mask")):
        if path is not None and not path.is_file():
            raise BadInput(f"{path}: no such {kind}; check the path")
        if path is not None and path.resolve() == output.resolve():
            raise BadInput(f"{path}: would be overwritten by the hints; choose another --output")
    if output.suffix.lower() != ".png" or output.is_dir():
        raise BadInput(f"{output}: hints are a PNG file; choose a name that ends in .png")
    demand_own_picture(output, "hints of this program")
    demand_resolution(um_per_px)


def _working(rgb: NDArray[np.uint8], um_per_px: float) -> NDArray[np.uint8]:
    """The picture at working resolution, as ``nuclei.pictures.resampled`` has it for a network."""
    import cv2

    factor = um_per_px / WORKING_UM_PER_PX
    size = (max(1, round(rgb.shape[1] * factor)), max(1, round(rgb.shape[0] * factor)))
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=how))


def _known(mask: Path, size: Size, working_size: Size) -> NDArray[np.uint8]:
    """A mask of any depth, non-zero being nucleus, at working resolution."""
    from napari_glioma_density.results.pictures import decoded

    pixels = decoded(mask)
    if pixels is None or pixels.shape != size:
        fault = "no grey picture" if pixels is None or pixels.ndim != 2 else _words(pixels.shape)
        raise BadInput(f"{mask}: is {fault}; a mask is one grey channel of {_words(size)}")
    return _resized(pixels != 0, working_size).astype(np.uint8)


def _words(size: Size) -> str:
    return f"{size[1]}×{size[0]} px"


def _resized(mask: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    import cv2

    how = cv2.INTER_AREA if size[0] < mask.shape[0] else cv2.INTER_LINEAR
    share = cv2.resize(mask.astype(np.float32), size[::-1], interpolation=how)
    return np.asarray(share >= 0.5)


def _probability(model: str) -> "Probability":
    """A model's probability of single pictures at working resolution."""
    from napari_glioma_density.nuclei.pictures import model_probability
    from napari_glioma_density.nuclei.segmenter import load_segmenter

    segmenter = load_segmenter(model)

    def probability(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.stack([model_probability(segmenter, rgb, WORKING_UM_PER_PX) for rgb in images])

    return probability


def _write(output: Path, hints: NDArray[np.bool_], size: Size) -> None:
    from napari_glioma_density.results.failures import explained
    from napari_glioma_density.results.pictures import write_png

    with explained(output, "free some space and run again"):
        output.parent.mkdir(parents=True, exist_ok=True)
    write_png(output, _resized(hints, size).astype(np.uint8) * 255)
