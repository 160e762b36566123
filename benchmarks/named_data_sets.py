"""What benchmarks of a model on annotated fields share: each data set that was named."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.training.dataset import DataSet, open_data_set

Measured = Callable[[NetworkSegmenter, DataSet], Mapping[str, object]]


def print_of_each(measured: Measured, about: str) -> None:
    """Print one JSON object: what a model, on the processor, shows of each data set by its name.

    Parameters
    ----------
    measured
        Everything that is printed of one data set.
    about
        What the benchmark is for; its first line is told by ``--help``.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--model", default="fast")
    asked = parser.parse_args()
    segmenter = load_segmenter(asked.model, "cpu")
    sets = [open_data_set(folder) for folder in asked.data]
    found = {each.name: measured(segmenter, each) for each in sets}
    print(json.dumps(found, indent=1, ensure_ascii=False))
