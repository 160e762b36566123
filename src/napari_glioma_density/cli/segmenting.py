"""``glioma-density segment``: nucleus masks of single pictures."""

import re
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from napari_glioma_density.cli.console import AsJson, progress_bar, show
from napari_glioma_density.cli.resolutions import demand_resolution
from napari_glioma_density.cli.specimens import OrganOption, parse_organ
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.memory import room_for


def segment(
    images: Annotated[list[str], typer.Argument(help="Pictures of H&E: PNG, JPEG or TIFF.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the masks.")],
    um_per_px: Annotated[float, typer.Option(help="Resolution of the pictures, µm/px.")],
    model: Annotated[str, typer.Option(help="A model's name or weights file.")] = "fast",
    organ: OrganOption = "brain",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Write DIR/<stem>.png for each picture: an 8-bit mask (0/255) of the picture's own size."""
    from napari_glioma_density.nuclei.pictures import segment_picture
    from napari_glioma_density.nuclei.segmenter import load_segmenter
    from napari_glioma_density.results.pictures import write_png

    tissue = parse_organ(organ)
    targets = _targets([Path(image) for image in images], output)
    demand_resolution(um_per_px)
    segmenter = load_segmenter(model, device).for_organ(tissue)
    with progress_bar("segmenting", "pictures") as bar:
        for picture, mask_path in bar.track(targets.items(), description=""):
            with room_for(str(picture)):
                mask = segment_picture(segmenter, read_picture(picture), um_per_px)
                write_png(mask_path, mask.astype(np.uint8) * 255)
    masks = [str(path) for path in targets.values()]
    show({"model": segmenter.spec.name, "folder": str(output), "masks": masks}, as_json)


def _targets(images: list[Path], output: Path) -> dict[Path, Path]:
    """Where each mask goes; two pictures must not share one."""
    for image in images:
        if not image.is_file():
            raise BadInput(f"{image}: no such picture; check the path")
    targets = {image: output / f"{image.stem}.png" for image in images}
    if len(set(targets.values())) < len(images):
        raise BadInput("two pictures have the same name; segment them into different folders")
    clash = next((i for i, mask in targets.items() if mask.resolve() == i.resolve()), None)
    if clash:
        raise BadInput(f"{clash}: would be overwritten by its own mask; choose another --output")
    for mask in targets.values():
        demand_own_picture(mask, "mask of this program")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{output}: cannot be made ({error.strerror}); choose another") from error
    return targets


def demand_own_picture(path: Path, kind: str) -> None:
    """Refuse a picture that is there already and was not written by this program."""
    from napari_glioma_density.exchange.replacing import demand_replaceable
    from napari_glioma_density.results.pictures import PROGRAM

    demand_replaceable(path, re.escape(PROGRAM), kind)


def read_picture(picture: Path) -> NDArray[np.uint8]:
    """Pixels (height, width, 3) of a whole picture.

    Raises
    ------
    SlideError
        When it cannot be read.
    """
    from napari_glioma_density.slides import open_slide

    with open_slide(picture) as opened:
        opened.check_readable()
        return opened.read(0, 0, 0, opened.height, opened.width).rgb
