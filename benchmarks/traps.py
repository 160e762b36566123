"""How many of the ten densest places of a slide full of traps are false, before and after QC.

    python benchmarks/traps.py FOLDER [--model fast] [--seed 1] [--width 10800] [--height 9600]

Draws FOLDER/traps.tiff (see `glioma-density synthesize --traps`), estimates it, lets quality
control look at it, and ranks circles of 0.24 mm² and cells by nuclear area per tissue. Prints one
JSON object and saves FOLDER/traps.png: the slide, what quality control found in blue, the ten
circles before it in red, those after it in green.

A place is false when a tenth of it or more lies in a trap (fold, pen, blur, blood, necrosis,
lymphocytes) and it is counted by what it lies in most. After quality control only what is left of a
place counts. Sound tissue is "tumour" when its middle lies in a focus of dense tumour, else
"elsewhere": nothing false, but no focus has room for another circle.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import cell_grid, leave_out, measure_cells, rank_hotspots
from napari_glioma_density.estimate.estimation import prepare
from napari_glioma_density.findings.field_hotspots import find_field_hotspots
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.nuclei.segmenter import load_segmenter
from napari_glioma_density.regions.exclusion import exclusions_of, left_out_geometry
from napari_glioma_density.regions.quality_check import check_quality
from napari_glioma_density.regions.region import Region
from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.synthesis import synthesize
from napari_glioma_density.synthesis.traps import traps_path

FIELD_MM2 = 0.24
CELL_MM = 0.5
UM_PER_PX = 0.5
TOUCHED = 0.1
Traps = dict[str, BaseGeometry]


def drawn(folder: Path, asked: argparse.Namespace) -> tuple[Path, Traps]:
    """Return the slide, drawn unless it is there, and its traps."""
    path = folder / "traps.tiff"
    if not traps_path(path).exists():
        synthesize(path, asked.width, asked.height, UM_PER_PX, asked.seed, traps=True)
    features = json.loads(traps_path(path).read_text())["features"]
    return path, {each["properties"]["name"]: shape(each["geometry"]) for each in features}


def estimated(path: Path, folder: Path, model: str) -> tuple[Path, float | None]:
    """Return the store of the finished run, and the seconds it took; None when taken up again."""
    started = time.perf_counter()
    with open_slide(path) as slide:
        estimation = prepare(slide, load_segmenter(model), folder)
        is_new = not estimation.run.finished
        try:
            for _ in estimation.blocks():
                pass
        finally:
            estimation.close()
    seconds = time.perf_counter() - started
    return estimation.run.folder.parent.parent, seconds if is_new else None


def checked(path: Path, kinds: Any, um_per_px: float) -> tuple[tuple[Region, ...], float]:
    """Return what quality control finds, and in how many seconds."""
    with open_slide(path) as slide:
        plane = working_plane(slide, um_per_px)
        started = time.perf_counter()
        return check_quality(plane, kinds), time.perf_counter() - started


def judged(places: Iterable[BaseGeometry], traps: Traps, left_out: BaseGeometry) -> Counter[str]:
    """Count the places by what they lie in: "tumour", a trap, or "elsewhere"."""
    verdicts: Counter[str] = Counter()
    for place in places:
        seen = shapely.difference(place, left_out)
        shares = {
            name: shapely.area(shapely.intersection(seen, trap)) / shapely.area(seen)
            for name, trap in traps.items()
            if name != "tumour"
        }
        worst = max(shares, key=lambda name: shares[name])
        if shares[worst] >= TOUCHED:
            verdicts[worst] += 1
        else:
            in_focus = shapely.contains(traps["tumour"], shapely.centroid(seen))
            verdicts["tumour" if in_focus else "elsewhere"] += 1
    return verdicts


def found_of(traps: Traps, regions: tuple[Region, ...]) -> dict[str, float]:
    """Return the percent of each trap that lies in a region, whatever its reason."""
    union = left_out_geometry(regions)
    return {
        name: round(100 * shapely.area(shapely.intersection(trap, union)) / shapely.area(trap), 1)
        for name, trap in traps.items()
    }


def picture(path: Path, regions: Iterable[Region], before: Any, after: Any) -> cv2.typing.MatLike:
    """Draw outlines and circles over the slide."""
    with open_slide(path) as slide:
        view = np.ascontiguousarray(slide.thumbnail(1800).rgb[..., ::-1])
        scale = view.shape[1] / slide.width

    def outline(geometry: BaseGeometry, colour: tuple[int, int, int]) -> None:
        for part in shapely.get_parts(geometry):
            for ring in (part.exterior, *part.interiors):
                points = np.rint(np.array(ring.coords) * scale).astype(np.int32)
                cv2.polylines(view, [points], True, colour, 3)

    for region in regions:
        outline(region.geometry, (230, 90, 0))
    for spots, colour in ((before, (0, 0, 220)), (after, (0, 150, 0))):
        for spot in spots:
            outline(spot.outline, colour)
            at = np.rint(np.array(spot.outline.centroid.coords[0]) * scale).astype(int)
            cv2.putText(view, str(spot.rank), at.tolist(), 0, 1.0, colour, 2)
    return view


def main() -> None:
    """Print the figures and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="fast")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=10800)
    parser.add_argument("--height", type=int, default=9600)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)

    path, traps = drawn(asked.folder, asked)
    store, estimate_s = estimated(path, asked.folder, asked.model)
    found = gather(store)
    measured = found.measured
    regions, check_s = checked(path, found.run.tissue, found.spec.working_um_per_px)
    left_out, exclusions = left_out_geometry(regions), exclusions_of(regions, measured)
    nothing = shapely.Polygon()

    before = find_field_hotspots(measured, FIELD_MM2)
    after = find_field_hotspots(measured, FIELD_MM2, exclusions=exclusions, left_out=left_out)
    grid = cell_grid(measured.patches.lattice, CELL_MM)
    level0 = measured.plane.level0_px_per_px / measured.plane.lattice.um_per_px

    def cells(patches: Any) -> list[BaseGeometry]:
        """Return the ten densest cells of a table, as squares in level-0 px."""
        return [
            shapely.box(
                *(np.array([c.x_um, c.y_um, c.x_um + c.width_um, c.y_um + c.height_um]) * level0)
            )
            for c in rank_hotspots(measure_cells(patches, grid))
        ]

    cv2.imwrite(str(asked.folder / "traps.png"), picture(path, regions, before, after))
    tissue_mm2 = measured.patches.totals().tissue_mm2
    figures = {
        "fields_before": judged((spot.outline for spot in before), traps, nothing),
        "fields_after": judged((spot.outline for spot in after), traps, left_out),
        "cells_before": judged(cells(measured.patches), traps, nothing),
        "cells_after": judged(cells(leave_out(measured.patches, exclusions)), traps, left_out),
        "percent_of_trap_left_out": found_of(traps, regions),
        "left_out_mm2": {key: round(mm2, 3) for key, mm2 in exclusions.read_mm2().items()},
        "tissue_mm2": round(tissue_mm2, 2),
        "quality_control_s_per_100_mm2": round(100 * check_s / tissue_mm2, 1),
        "estimate_s_per_100_mm2": estimate_s and round(100 * estimate_s / tissue_mm2, 1),
        "field_density_percent_after": [
            round(s.sums.tissue_density_percent or 0, 1) for s in after
        ],
    }
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
