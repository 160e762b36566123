"""How much of annotated tissue is nucleus, by organ: what to hold a density against.

    python benchmarks/reference.py --data DATA_SET ... [--organ brain]

Prints one JSON object: fields, and the least, median and most nuclear area of a field, percent.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from napari_glioma_density.training.dataset import open_data_set, read_field


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--organ", default="", help="only organs whose name holds this")
    asked = parser.parse_args()
    percent: dict[str, list[float]] = defaultdict(list)
    for data_set in map(open_data_set, asked.data):
        for field in data_set:
            if asked.organ in field.organ:
                share = float((read_field(field).labels > 0).mean())
                percent[f"{data_set.name}: {field.organ}"].append(100 * share)
    rows = [
        {"tissue": tissue, "fields": len(found), "least": round(min(found), 2),
         "median": round(float(np.median(found)), 2), "most": round(max(found), 2),
         "at_16_or_more": sum(one >= 16 for one in found)}
        for tissue, found in percent.items()
    ]  # fmt: skip
    json.dump({"tissues": rows}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
