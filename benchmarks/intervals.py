"""Whether the intervals of density hold on fields that they were not made from.

    python benchmarks/intervals.py [--model NAME ...]

Reads the scores kept beside a model's weights (`glioma-density evaluate --keep`) and prints one
JSON object: for brain and for other organs the error that intervals rest on, how wide they come
out, at which densities a cell is sure of its band, and how many fields and how many slides lie in
them when the error is found without their slide, or without their data set.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from napari_glioma_density.density.bands import PAPER_BANDS
from napari_glioma_density.findings.density_error import DensityError, error_of
from napari_glioma_density.findings.uncertainty import density_interval
from napari_glioma_density.findings.validation import (
    Basis,
    CheckedField,
    Validation,
    checked_fields,
    is_of,
    turning_point,
    validated,
)
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.slides.organ import ORGANS, Organ

DENSITIES = (2, 5, 10, 20, 30)
STEP = 0.1
FEWEST_FIELDS = 3
"""Of a slide, for the mean of its fields to stand for it."""


def holds(error: DensityError, found: float, true: float, *, whole_slide: bool) -> bool:
    """Whether the interval of a density holds the true one."""
    interval = density_interval(found, error, whole_slide=whole_slide)
    return interval.low <= true <= interval.high


def coverage(error: DensityError, fields: Sequence[CheckedField]) -> np.ndarray:
    """Fields held, fields, slides held and slides.

    A slide counts by the means of its fields, if it has three or more.
    """
    slides: dict[str, list[CheckedField]] = {}
    for field in fields:
        slides.setdefault(field.slide, []).append(field)
    means = [
        (np.mean([one.found_percent for one in of]), np.mean([one.true_percent for one in of]))
        for of in slides.values()
        if len(of) >= FEWEST_FIELDS
    ]
    held = sum(holds(error, f.found_percent, f.true_percent, whole_slide=False) for f in fields)
    means_held = sum(holds(error, *map(float, pair), whole_slide=True) for pair in means)
    return np.array([held, len(fields), means_held, len(means)])


def leaving_out(groups: Sequence[Sequence[CheckedField]], others: Iterable[CheckedField]) -> Any:
    """Coverage of each group by the error of the rest; `others` bear on the turning point only."""
    others, total = tuple(others), np.zeros(4, int)
    for at, group in enumerate(groups):
        rest = tuple(f for index, one in enumerate(groups) if index != at for f in one)
        error = error_of(Validation(rest, turning_point((*rest, *others)), Basis(len(rest), 0)))
        if error is None:
            return None
        total += coverage(error, group)
    return row(total)


def row(counts: np.ndarray) -> dict[str, str]:
    """Counts in words."""
    held, fields, means, slides = counts.tolist()
    return {"fields": f"{held} of {fields}", "slides": f"{means} of {slides}"}


def half_widths(error: DensityError) -> Iterator[dict[str, float]]:
    """How far the ends of an interval lie from its middle, in points."""
    for percent in DENSITIES:
        size = float(np.hypot(percent, error.turning_percent))
        cell = error.factor * float(np.hypot(error.slide_share, error.tissue_share)) * size
        slide = error.factor * error.slide_share * size
        yield {"percent": percent, "cell": round(cell, 4), "slide": round(slide, 4)}


def sure_of_band(error: DensityError) -> list[str]:
    """Densities, %, at which a cell full of tissue has one band of the paper's and no other."""
    sure = [
        percent * STEP
        for percent in range(round(100 / STEP))
        if not density_interval(percent * STEP, error).crosses_limit(PAPER_BANDS)
    ]
    runs = np.split(sure, np.flatnonzero(np.diff(sure) > STEP * 1.5) + 1)
    return [f"{run[0]:.1f}–{run[-1]:.1f}" for run in runs if len(run)]


def figures(name: str) -> dict[str, Any]:
    """All that is printed of a model."""
    metrics = find_model(name).metrics
    sets = [tuple(checked_fields(one)) for one in metrics["data_sets"]]
    return {
        "model": name,
        **{organ: figures_of(metrics, organ) for organ in ORGANS},
        "all organs, the data set left out": leaving_out(sets, ()),
    }


def figures_of(metrics: Mapping[str, Any], organ: Organ) -> dict[str, Any]:
    """What is printed of the error on an organ."""
    error = error_of(validated(metrics, organ))
    if error is None:
        return {"error": "too few slides are among its scores"}
    sets = {one["name"]: tuple(checked_fields(one)) for one in metrics["data_sets"]}
    own = [one["name"] for one in metrics["data_sets"] if is_of(organ, one)]
    fields = [f for set_name in own for f in sets[set_name]]
    others = [f for set_name in sets.keys() - set(own) for f in sets[set_name]]
    slides = [
        [f for f in fields if f.slide == slide] for slide in dict.fromkeys(f.slide for f in fields)
    ]
    return {
        "basis": str(error.basis),
        "slide_share": round(error.slide_share, 4),
        "tissue_share": round(error.tissue_share, 4),
        "turning_percent": round(error.turning_percent, 4),
        "student_t": round(error.factor, 2),
        "half_width_points": list(half_widths(error)),
        "sure of its band, %": sure_of_band(error),
        "the slide left out": leaving_out(slides, others),
        "the data set left out": leaving_out([sets[set_name] for set_name in own], others),
        "as used": {set_name: row(coverage(error, sets[set_name])) for set_name in own},
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="*", default=["fast", "accurate"])
    json.dump([figures(name) for name in parser.parse_args().model], sys.stdout, indent=1)


if __name__ == "__main__":
    main()
