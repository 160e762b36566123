"""How large annotated nuclei are at the µm/px that their data set states.

    python benchmarks/nucleus_sizes.py --data DATA_SET [--data …]

Prints one JSON object: for each data set and each organ in it the number of nuclei, the median of
their areas in µm² and the diameter of a circle of that area in µm and in px. In paraffin sections a
lymphocyte's nucleus measures 5 to 7 µm, a hepatocyte's 6 to 8: where a whole set is off, so is its
µm/px, and a network that learns from it learns wrong sizes (``train --um-per-px``).
"""

import argparse
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.training.dataset import DataSet, open_data_set, read_field

LEAST_PX = 40
"""Less is a rest at the border of a field."""


class Sizes(NamedTuple):
    """Nuclei of one field: areas in px, and the px's side."""

    area_px: NDArray[np.int64]
    um_per_px: float


def sizes(data_set: DataSet) -> dict[str, list[Sizes]]:
    """Nuclei of every field by organ."""
    organs: dict[str, list[Sizes]] = {}
    for field in data_set:
        area = np.bincount(read_field(field).labels.ravel())[1:]
        organs.setdefault(field.organ, []).append(Sizes(area[area >= LEAST_PX], field.um_per_px))
    return organs


def summary(fields: list[Sizes]) -> dict[str, float]:
    """Medians over all nuclei of some fields."""
    area_px = np.concatenate([one.area_px for one in fields])
    area_um2 = np.concatenate([one.area_px * one.um_per_px**2 for one in fields])
    if not area_px.size:
        return {"nuclei": 0}
    px, um2 = float(np.median(area_px)), float(np.median(area_um2))
    return {
        "nuclei": len(area_px),
        "area_um2": round(um2, 1),
        "diameter_um": round(2 * math.sqrt(um2 / math.pi), 2),
        "diameter_px": round(2 * math.sqrt(px / math.pi), 1),
    }


def main() -> None:
    """Measure the data sets that were named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    measured = {}
    for folder in parser.parse_args().data:
        data_set = open_data_set(folder)
        organs = sizes(data_set)
        measured[data_set.name] = {
            "um_per_px": sorted({field.um_per_px for field in data_set}),
            "all": summary([one for fields in organs.values() for one in fields]),
            "organs": {organ: summary(fields) for organ, fields in sorted(organs.items())},
        }
    print(json.dumps(measured, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
