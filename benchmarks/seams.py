"""Whether seams show: one slide in blocks of three sizes, and with its content moved.

    python benchmarks/seams.py FOLDER [--slide SLIDE] [--model fast] [--width 2880] [--height 2400]

The slide (a synthetic one without `--slide`) is laid on white, with a margin of a patch or more all
around wherever it is moved to, and written without loss. It is estimated in blocks of 480, 960 and
1440 working px. Then its content is moved by 16, 48 and 240 px right and down, and estimated with
colours fitted anew, as a user gets them, and with those fitted to the slide that was not moved.
Every cell of the grid is measured over the same tissue, its outline moved along with the content.

Prints one JSON object: for every comparison the largest change of a cell in points, of its nuclear
area per tissue px and per px of the cell, and the change of the nucleus count in percent. Nothing
may change by more than 0.1 point and 0.1 %.
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import tifffile
from numpy.typing import NDArray
from shapely.affinity import translate

from napari_glioma_density.density import PATCH_PX, CellGrid, cell_grid
from napari_glioma_density.estimate import prepare
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.nuclei.segmenter import load_segmenter
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.regions.measuring import Measured, RegionSums, sums_of
from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain import Statistics
from napari_glioma_density.synthesis import synthesize

BLOCKS = (1, 2, 3)
SHIFTS_PX = (16, 48, 240)
MARGIN_PX = 480
CELL_MM = 0.25
WHITE = 255
MOST_POINTS, MOST_PERCENT = 0.1, 0.1


@dataclass(frozen=True)
class FixedColours:
    """A segmenter whose colours stay those it was given, whatever slide it is fitted to."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def on(self, device: str, precision: str) -> "FixedColours":
        """Run elsewhere, with the same colours."""
        return FixedColours(self.inner.on(device, precision))

    def for_organ(self, _: Organ) -> "FixedColours":
        """The same: it knows no organ."""
        return self

    def fitted(self, _: Statistics) -> "FixedColours":
        """Keep the colours."""
        return self


@dataclass(frozen=True)
class Estimate:
    """What was measured on a slide whose content was moved right and down by `shift_px`.

    `content` is where that lay before, in working px.
    """

    measured: Measured
    statistics: Statistics
    shift_px: int
    content: shapely.Polygon

    def cells(self, grid: CellGrid) -> list[RegionSums]:
        """Measure cells of the slide that was not moved, where they have gone to."""
        inside = (shapely.intersection(outline, self.content) for outline in _outlines(grid))
        return [self._in(outline) for outline in inside if outline.area]

    def _in(self, outline: shapely.Polygon) -> RegionSums:
        moved = translate(outline, self.shift_px, self.shift_px)
        return sums_of(self.measured.plane.to_level0(moved), self.measured)


@dataclass(frozen=True)
class Slides:
    """One slide laid on white in several places."""

    folder: Path
    rgb: NDArray[np.uint8]
    um_per_px: float
    level0_px_per_px: float

    def estimated(self, segmenter: Segmenter, shift_px: int = 0, block: int = 2) -> Estimate:
        """Estimate the slide with its content moved, in blocks of so many patches a side."""
        kind = type(segmenter).__name__
        with open_slide(self._moved(shift_px)) as slide:
            store = self.folder / f"{kind}-{shift_px}-{block}"
            shutil.rmtree(store, ignore_errors=True)
            estimation = prepare(slide, segmenter, store, block_patches=block)
            for _ in estimation.blocks():
                pass
            estimation.close()
        found = gather(estimation.run.folder.parent.parent)
        height, width = (side / self.level0_px_per_px for side in self.rgb.shape[:2])
        content = shapely.box(MARGIN_PX, MARGIN_PX, MARGIN_PX + width, MARGIN_PX + height)
        return Estimate(found.measured, found.spec.colour_statistics, shift_px, content)

    def _moved(self, shift_px: int) -> Path:
        path, at = self.folder / f"moved-{shift_px}.tiff", self._level0(MARGIN_PX + shift_px)
        height, width = self.rgb.shape[:2]
        around, patch = self._level0(2 * MARGIN_PX + max(SHIFTS_PX)), self._level0(PATCH_PX)
        whole = (-(-(side + around) // patch) * patch for side in (height, width))
        page = np.full((*whole, 3), WHITE, np.uint8)
        page[at : at + height, at : at + width] = self.rgb
        stated = {"resolution": (1e4 / self.um_per_px,) * 2, "resolutionunit": "CENTIMETER"}
        tiles = {"tile": (256, 256), "photometric": "rgb", "compression": "deflate"}
        tifffile.imwrite(path, page, **stated, **tiles)
        return path

    def _level0(self, working_px: int) -> int:
        exact = working_px * self.level0_px_per_px
        if exact != round(exact):
            raise SystemExit(
                f"{working_px} working px are {exact} px of this slide: no whole number"
            )
        return round(exact)

    @property
    def name(self) -> str:
        """What was estimated, in a few words."""
        return f"{self.rgb.shape[1]}×{self.rgb.shape[0]} px of {self.um_per_px:.4g} µm"


def slides_of(folder: Path, asked: argparse.Namespace, um_per_px: float) -> Slides:
    """Read the slide that was asked for, drawn where none was."""
    path = asked.slide
    if path is None:
        path = folder / "synthetic.tiff"
        synthesize(path, asked.width, asked.height, 0.5, asked.seed)
    with open_slide(path) as slide:
        rgb = slide.read(0, 0, 0, slide.height, slide.width).rgb
        plane = working_plane(slide, um_per_px)
        return Slides(folder, rgb, float(slide.um_per_px or 0), plane.level0_px_per_px)


def _outlines(grid: CellGrid) -> Iterator[shapely.Polygon]:
    for row in range(grid.rows):
        for column in range(grid.columns):
            down, across = grid.lattice.window(grid.block(row, column))
            yield shapely.box(across.start, down.start, across.stop, down.stop)


def compared(base: Estimate, other: Estimate) -> dict[str, Any]:
    """Return how far cells and nucleus count are apart."""
    grid = cell_grid(base.measured.plane.lattice, CELL_MM)
    pairs = list(zip(base.cells(grid), other.cells(grid), strict=True))
    with_tissue = [(one, two) for one, two in pairs if one.tissue_px and two.tissue_px]
    by_tissue = [
        abs((one.tissue_density_percent or 0) - (two.tissue_density_percent or 0))
        for one, two in with_tissue
    ]
    cell_px = (grid.patches_per_cell * PATCH_PX) ** 2
    by_area = [100 * abs(one.nucleus_px - two.nucleus_px) / cell_px for one, two in pairs]
    counts = [int(each.measured.patches.count.sum()) for each in (base, other)]
    count_percent = 100 * (counts[1] - counts[0]) / counts[0]
    kept = max(*by_tissue, *by_area) <= MOST_POINTS and abs(count_percent) <= MOST_PERCENT
    return {
        "cells": len(with_tissue),
        "most_points_of_tissue": round(max(by_tissue), 4),
        "most_points_of_area": round(max(by_area), 4),
        "nuclei": counts,
        "count_percent": round(count_percent, 4),
        "within_bounds": kept,
    }


def statistics_apart(base: Estimate, other: Estimate) -> float:
    """Return the largest relative change of a colour statistic; 0 where none is fitted."""
    pairs = zip(base.statistics, other.statistics, strict=True)
    return round(max((abs(two - one) / abs(one) for one, two in pairs if one), default=0.0), 5)


def main() -> None:
    """Print how far estimates are apart."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision")
    parser.add_argument("--width", type=int, default=2880)
    parser.add_argument("--height", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)

    segmenter = load_segmenter(asked.model, asked.device, asked.precision)
    slides = slides_of(asked.folder, asked, segmenter.spec.um_per_px)
    base, *in_blocks = (slides.estimated(segmenter, block=block) for block in BLOCKS)
    fixed = FixedColours(segmenter.fitted(base.statistics))
    figures: dict[str, Any] = {"slide": slides.name, "precision": segmenter.precision}
    for block, other in zip(BLOCKS[1:], in_blocks, strict=True):
        figures[f"blocks of {block * PATCH_PX} px"] = compared(base, other)
    for shift_px in SHIFTS_PX:
        fitted = slides.estimated(segmenter, shift_px)
        apart = {"statistics_apart": statistics_apart(base, fitted)}
        figures[f"moved {shift_px} px"] = compared(base, fitted) | apart
        kept = slides.estimated(fixed, shift_px)
        figures[f"moved {shift_px} px, colours kept"] = compared(base, kept)
    print(json.dumps(figures, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
