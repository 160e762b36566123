"""How far annotated outlines lie beside the nuclei that they outline, and what that costs in F1.

    python benchmarks/registration.py --data DATA_SET [--data …] [--model NAME]

Nuclei are dark. For each field the outlines are moved by a px up, down, left and right, and
correlated with the darkness of the picture; a parabola through the correlations gives the place
where they would lie best. No network takes part in that.

Prints one JSON object: for each data set the median over its fields of (down, right) in px, by
which its outlines would have to be moved, and half the range between the quartiles. With a model
also its F1 as the set is annotated, and with the set's median made good; the outermost 4 px are
left out of both.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.nuclei.pictures import model_probability
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.slides.organ import organ_named
from napari_glioma_density.stain import optical_density
from napari_glioma_density.training.dataset import DataSet, Field, open_data_set, read_field
from napari_glioma_density.training.metrics import PixelCounts

RIM_PX = 4
INNER = np.s_[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX]
FURTHEST_PX = 3.0
"""A parabola that peaks further off has no peak to speak of: a field with hardly a nucleus."""

Plane = NDArray[np.float32]
Shift = NDArray[np.float64]


def correlation(outlines: Plane, darkness: Plane, down: int, right: int) -> float:
    """Correlate outlines, moved by whole px, with darkness."""
    moved = np.roll(outlines, (down, right), (0, 1))[INNER]
    return float(np.corrcoef(moved.ravel(), darkness[INNER].ravel())[0, 1])


def peak(before: float, here: float, after: float) -> float:
    """Where a parabola through values at −1, 0 and 1 is highest."""
    return (before - after) / (2 * (before - 2 * here + after))


def displacement(field: Field) -> Shift | None:
    """(down, right) in px by which a field's outlines lie off; None where that cannot be told."""
    rgb, labels = read_field(field)
    outlines = (labels > 0).astype(np.float32)
    if np.ptp(outlines[INNER]) == 0:
        return None
    darkness = np.asarray(optical_density(rgb).mean(axis=-1), np.float32)
    here = correlation(outlines, darkness, 0, 0)
    up, below, left, right = (
        correlation(outlines, darkness, *step) for step in ((-1, 0), (1, 0), (0, -1), (0, 1))
    )
    found = np.array([peak(up, here, below), peak(left, here, right)])
    return found if np.abs(found).max() < FURTHEST_PX else None


def f1_moved(segmenter: NetworkSegmenter, data_set: DataSet, moves: list[Shift]) -> list[float]:
    """F1 of a model, its probability moved by each of some (down, right) before the threshold."""
    counts = [PixelCounts() for _ in moves]
    for field in data_set:
        rgb, labels = read_field(field)
        probability = model_probability(segmenter, rgb, field.um_per_px)
        threshold = segmenter.spec.for_organ(organ_named(field.organ)).threshold
        for place, (down, right) in enumerate(moves):
            by = np.array([[1, 0, right], [0, 1, down]], np.float64)
            moved = cv2.warpAffine(probability, by, probability.shape[::-1])
            counts[place] += PixelCounts.of((moved >= threshold)[INNER], labels[INNER])
    return [100 * one.scores()["f1"] for one in counts]


def measured(data_set: DataSet, segmenter: NetworkSegmenter | None) -> dict[str, Any]:
    """Everything this prints of one data set."""
    found = np.array([by for field in data_set if (by := displacement(field)) is not None])
    low, middle, high = np.percentile(found, (25, 50, 75), axis=0)
    row: dict[str, Any] = {
        "fields": len(found),
        "down_right_px": middle.round(2).tolist(),
        "half_quartile_range_px": ((high - low) / 2).round(2).tolist(),
        "um_per_px": sorted({field.um_per_px for field in data_set}),
    }
    if segmenter is not None:
        as_annotated, made_good = f1_moved(segmenter, data_set, [np.zeros(2), -middle])
        row |= {"f1": round(as_annotated, 2), "f1_made_good": round(made_good, 2)}
    return row


def main() -> None:
    """Measure the data sets that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--model")
    asked = parser.parse_args()
    segmenter = load_segmenter(asked.model, "cpu") if asked.model else None
    sets = [open_data_set(folder) for folder in asked.data]
    print(json.dumps({each.name: measured(each, segmenter) for each in sets}, indent=1))


if __name__ == "__main__":
    main()
