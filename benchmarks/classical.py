"""Nuclei without learning: colour deconvolution and Otsu, the floor a network must beat.

    python benchmarks/classical.py --data DATA_SET ...

Prints one JSON object with the scores that `glioma-density evaluate` prints.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2hed
from skimage.filters import gaussian, threshold_otsu
from skimage.morphology import disk, opening, remove_small_objects

from napari_glioma_density.training.dataset import open_data_set, read_field
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores


def classical_mask(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Haematoxylin (Ruifrok and Johnston 2001), smoothed, above Otsu's threshold, cleaned."""
    haematoxylin = gaussian(rgb2hed(rgb)[..., 0], sigma=1)
    mask = opening(haematoxylin > threshold_otsu(haematoxylin), disk(2))
    return np.asarray(remove_small_objects(mask, max_size=59))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, action="append", required=True)
    rows = []
    for folder in parser.parse_args().data:
        data_set = open_data_set(folder)
        fields = (read_field(field) for field in data_set)
        counts = [PixelCounts.of(classical_mask(field.rgb), field.labels) for field in fields]
        rows.append({"name": data_set.name, "images": len(counts), **pooled_scores(counts)})
    json.dump({"method": "rgb2hed + Otsu", "data_sets": rows}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
