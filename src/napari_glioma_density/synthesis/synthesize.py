"""A made-up slide and its truth, written beside each other."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.patches import PatchTable
from napari_glioma_density.errors import BadInput
from napari_glioma_density.synthesis.layout import Layout
from napari_glioma_density.synthesis.placement import nuclei_of
from napari_glioma_density.synthesis.scene import draw_cell
from napari_glioma_density.synthesis.targets import Target, written_together
from napari_glioma_density.synthesis.tiff_writing import DrawCell, write_pyramid
from napari_glioma_density.synthesis.traps import traps_target, write_traps
from napari_glioma_density.synthesis.truth import (
    Truth,
    TruthCounter,
    truth_path,
    truth_target,
    write_truth,
)

OnProgress = Callable[[int, int], None]
_SYNTHETIC = "napari-glioma-density synthetic H&E"
"""How the ImageDescription begins."""


def _say_nothing(done: int, total: int) -> None:
    """Take progress and do nothing with it."""


def synthesize(
    path: str | Path,
    width: int,
    height: int,
    um_per_px: float,
    seed: int,
    *,
    tissue_fraction: float | None = None,
    tissue_mm: float | None = None,
    traps: bool = False,
    on_progress: OnProgress = _say_nothing,
) -> Truth:
    """Write an H&E-like glioma slide with known nuclei, and `OUT.truth.csv` beside it.

    The slide is a pyramidal, JPEG-tiled TIFF with normal brain, infiltrated and dense tumour,
    necrosis with a crowded rim, vessels, stain that varies, a blurred and a pen-marked corner.
    The same arguments give the same bytes. Memory does not grow with the slide, but for its
    sixteenfold reduced picture.

    Parameters
    ----------
    path
        `OUT.tiff`; written under another name first, as are the files beside it. An earlier
        synthetic slide there is replaced whole, with its truth and traps; nothing else is.
    width, height
        Level-0 px, from 480.
    um_per_px
        Level-0 resolution, 0.15 to 1.
    seed
        0 or more.
    tissue_fraction
        Share of the slide that tissue takes, up to 0.8; left open, 0.65 but no wider than 8 mm.
    tissue_mm
        Diameter of the tissue instead of its share.
    traps
        Draw a fold, pen, blood, necrosis, cuffs of lymphocytes and blur among foci of dense tumour,
        and write where they lie to `OUT.traps.geojson`.
    on_progress
        Called with cells done and cells in all.

    Raises
    ------
    BadInput
        When a value is out of range, the file cannot be written, or another is there.
    """
    layout = Layout(width, height, um_per_px, seed, tissue_fraction, tissue_mm, traps)
    target = Path(path)
    if target.suffix.lower() not in (".tif", ".tiff"):
        raise BadInput(f"{target.name}: a synthetic slide is a TIFF; name it with .tif or .tiff")
    counter = TruthCounter(layout)
    draw = _drawing(layout, counter, on_progress)
    try:
        patches = _written(target, layout, counter, draw)
    except OSError as error:
        raise BadInput(
            f"{target.name}: cannot be written ({error.strerror or error}); "
            "choose a folder that exists, is writable and has room"
        ) from error
    return Truth(target, truth_path(target), patches, counter.spoiled())


def _written(path: Path, layout: Layout, counter: TruthCounter, draw: DrawCell) -> PatchTable:
    """Write the slide, its truth and its traps, all of them or none; return the truth."""
    slide = Target(path, "synthetic slide", _SYNTHETIC.encode())
    truth, traps = truth_target(path), traps_target(path)
    # The slide comes last: where it is, the others are.
    targets = [truth, traps, slide] if layout.traps else [truth, slide]
    for target in reversed(targets):
        target.demand_replaceable()
    with written_together(targets):
        write_pyramid(slide.partial, layout, draw, _describe(layout))
        patches = counter.table()
        write_truth(truth.partial, patches)
        if layout.traps:
            write_traps(traps.partial, layout)
    if not layout.traps:
        traps.discard()  # they were an earlier slide's
    return patches


def _drawing(layout: Layout, counter: TruthCounter, on_progress: OnProgress) -> DrawCell:
    """Return what draws a cell, counts its truth and tells of it."""
    total = layout.cell_rows * layout.cell_columns

    def draw(row: int, column: int) -> NDArray[np.uint8] | None:
        cell = draw_cell(layout, row, column)
        if cell is not None:
            counter.add(row, column, cell, nuclei_of(layout, row, column))
        on_progress(row * layout.cell_columns + column + 1, total)
        return None if cell is None else cell.rgb

    return draw


def _describe(layout: Layout) -> str:
    """Return the ImageDescription: what the slide is and how to make it again."""
    asked = {"tissue_fraction": layout.tissue_fraction, "tissue_mm": layout.tissue_mm}
    extent = "".join(f"|{name}={value:g}" for name, value in asked.items() if value is not None)
    if layout.traps:
        extent += "|traps=1"
    return (
        f"{_SYNTHETIC}|MPP = {layout.um_per_px:g}|"
        f"width={layout.width}|height={layout.height}|seed={layout.seed}{extent}"
    )
