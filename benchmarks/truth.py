"""Density against known truth: synthetic slides, and real annotated fields laid out as a slide.

    python benchmarks/truth.py FOLDER [--data DATA_SET ...] [--model NAME] [--seeds 1 2 3]

Prints one JSON object: mean absolute error of a patch and error of the whole slide, in points.
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, PatchTable
from napari_glioma_density.estimate import prepare
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.slides import open_slide
from napari_glioma_density.synthesis import synthesize
from napari_glioma_density.training.dataset import FieldPixels, open_data_set, read_field


def estimated(
    slide_path: Path, segmenter: NetworkSegmenter, folder: Path, block_patches: int = 2
) -> tuple[PatchTable, NDArray[np.uint8]]:
    """Patches and mask of a whole slide."""
    with open_slide(slide_path) as slide:
        estimation = prepare(slide, segmenter, folder, restart=True, block_patches=block_patches)
        for _ in estimation.blocks():
            pass
        estimation.close()
        return estimation.run.patches(), estimation.run.mask(0)[:, :]


def synthetic(seed: int, segmenter: NetworkSegmenter, folder: Path) -> dict[str, Any]:
    """Errors on a synthetic slide, patch by patch against its truth table."""
    slide = folder / f"synthetic-{seed}.tiff"
    truth = synthesize(slide, 6000, 4800, 0.5, seed)
    found, _ = estimated(slide, segmenter, folder)
    with truth.csv.open(newline="") as file:
        rows = {(int(row["row"]), int(row["column"])): row for row in csv.DictReader(file)}
    density = found.density_percent()
    errors = [
        density[place] - float(row["density_percent"])
        for place, row in rows.items()
        if row["density_percent"] and np.isfinite(density[place])
    ]
    nucleus = sum(int(row["nucleus_px"]) for row in rows.values())
    read = sum(int(row["read_px"]) for row in rows.values())
    return _row(f"synthetic, seed {seed}", errors, found, 100 * nucleus / read)


def mosaic(data_sets: Sequence[Path], segmenter: NetworkSegmenter, folder: Path) -> dict[str, Any]:
    """Errors on the fields of data sets laid side by side as one slide at 0.25 µm/px."""
    fields = [read_field(field) for path in data_sets for field in open_data_set(path)]
    rgb, labels = _laid_out([field for field in fields if field.labels.shape == (512, 512)])
    names = "-".join(path.name for path in data_sets)
    slide = folder / f"mosaic-{names}.tiff"
    _write_slide(slide, rgb)
    found, _ = estimated(slide, segmenter, folder)
    side = 2 * PATCH_PX
    errors, density = [], found.density_percent()
    for row in range(labels.shape[0] // side):
        for column in range(labels.shape[1] // side):
            patch = labels[row * side : (row + 1) * side, column * side : (column + 1) * side]
            errors.append(density[row, column] - 100 * float((patch > 0).mean()))
    return _row(names, errors, found, 100 * float((labels > 0).mean()))


def _laid_out(fields: Sequence[FieldPixels]) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    across = int(np.ceil(np.sqrt(len(fields))))
    whole = [fields[i : i + across] for i in range(0, len(fields), across)]
    rows = [row for row in whole if len(row) == across]
    rgb = np.vstack([np.hstack([field.rgb for field in row]) for row in rows])
    return rgb, np.vstack([np.hstack([field.labels for field in row]) for row in rows])


def _write_slide(path: Path, rgb: NDArray[np.uint8]) -> None:
    with tifffile.TiffWriter(path) as tiff:
        how = {"tile": (256, 256), "photometric": "rgb", "compression": "deflate"}
        half = cv2.resize(rgb, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
        tiff.write(rgb, subifds=1, resolution=(40_000, 40_000), resolutionunit=3, **how)
        tiff.write(half, subfiletype=1, **how)


def _row(
    name: str, errors: Sequence[float], found: PatchTable, true_percent: float
) -> dict[str, Any]:
    whole = found.totals().density_percent
    return {
        "slide": name,
        "patches": len(errors),
        "patch_mae_points": round(float(np.mean(np.abs(errors))), 3),
        "worst_patch_points": round(float(np.max(np.abs(errors))), 3),
        "true_percent": round(true_percent, 3),
        "found_percent": None if whole is None else round(whole, 3),
        "slide_error_points": None if whole is None else round(whole - true_percent, 3),
    }


def same_for_every_block_size(segmenter: NetworkSegmenter, folder: Path) -> dict[str, Any]:
    """Whether blocks of 480, 960 and 1920 px give one mask, on the first synthetic slide."""
    slide = next(iter(sorted(folder.glob("synthetic-*.tiff"))))
    masks = [estimated(slide, segmenter, folder, side)[1] for side in (1, 2, 4)]
    differing = [int(np.count_nonzero(masks[0] != mask)) for mask in masks[1:]]
    return {"pixels": masks[0].size, "differing_960": differing[0], "differing_1920": differing[1]}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the slides made and their results")
    parser.add_argument("--data", type=Path, nargs="*", default=[], help="annotated fields")
    parser.add_argument("--model", default="fast")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    segmenter = load_segmenter(asked.model)
    slides = [synthetic(seed, segmenter, asked.folder) for seed in asked.seeds]
    slides += [mosaic([path], segmenter, asked.folder) for path in asked.data]
    slides += [mosaic(asked.data, segmenter, asked.folder)] if len(asked.data) > 1 else []
    blocks = same_for_every_block_size(segmenter, asked.folder)
    figures = {"model": asked.model, "precision": segmenter.precision, "slides": slides,
               "block_sizes": blocks}  # fmt: skip
    json.dump(figures, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
