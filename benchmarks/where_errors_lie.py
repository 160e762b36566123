"""Where the wrong pixels of a model lie: along outlines, or in nuclei missed and made up.

    python benchmarks/where_errors_lie.py --data DATA_SET [--data …] [--model NAME]

A wrong pixel is nucleus for the model and not for the annotator, or the other way round. Its
distance is that to the annotated outline, from the middle of the pixel.

Prints one JSON object: for each data set the wrong pixels as a share of the annotated nucleus
area, and which part of them, in percent, lies within 0.5 and 1 µm of an annotated outline, in
marks that touch no annotated nucleus, and in annotated nuclei of which less than a tenth was found.
"""

import cv2
import numpy as np
from named_data_sets import print_of_each
from numpy.typing import NDArray

from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.training.dataset import DataSet, Field, read_field
from napari_glioma_density.training.evaluation import field_mask

NEAR_UM = (0.5, 1.0)
MISSED_BELOW = 0.1
"""Share of a nucleus that must be found, or it is missed."""

Mask = NDArray[np.bool_]
Counts = NDArray[np.int64]


def outline_distance(nucleus: Mask, um_per_px: float) -> NDArray[np.float32]:
    """Distance of each pixel's middle to the outline of a mask, µm."""
    inside, outside = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (nucleus, ~nucleus)
    )
    # The transform counts to the middle of the nearest pixel beyond; the outline is half way.
    return np.asarray((np.where(nucleus, inside, outside) - 0.5) * um_per_px, np.float32)


def made_up(found: Mask, nucleus: Mask) -> Mask:
    """Connected marks that touch no annotated nucleus."""
    _, marks = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    touching = np.zeros(int(marks.max()) + 1, bool)
    touching[marks[nucleus]] = True
    alone: Mask = found & ~touching[marks]
    return alone


def missed(found: Mask, labels: NDArray[np.integer]) -> Mask:
    """Annotated nuclei of which less than :data:`MISSED_BELOW` was found."""
    area = np.bincount(labels.ravel())
    covered = np.bincount(labels[found], minlength=len(area))
    return np.asarray((covered < MISSED_BELOW * area)[labels] & (labels > 0))


def counted(segmenter: NetworkSegmenter, field: Field) -> Counts:
    """Pixels: annotated nucleus, wrong, wrong and near (2), made up, missed."""
    rgb, labels = read_field(field)
    nucleus = labels > 0
    found = field_mask(segmenter, field, rgb)
    wrong, distance = found != nucleus, outline_distance(nucleus, field.um_per_px)
    near = [wrong & (distance < reach) for reach in NEAR_UM]
    whole = [made_up(found, nucleus), wrong & missed(found, labels)]
    return np.array([np.count_nonzero(each) for each in (nucleus, wrong, *near, *whole)])


def measured(segmenter: NetworkSegmenter, data_set: DataSet) -> dict[str, float]:
    """Everything this prints of one data set."""
    sums = np.sum([counted(segmenter, field) for field in data_set], axis=0)
    nucleus, wrong, *parts = sums.tolist()
    names = (*(f"within {reach} µm" for reach in NEAR_UM), "made up", "missed")
    shares = {name: round(100 * part / wrong, 1) for name, part in zip(names, parts, strict=True)}
    return {"wrong ÷ nucleus": round(100 * wrong / nucleus, 1), **shares}


def main() -> None:
    """Measure the data sets that were named."""
    print_of_each(measured, __doc__)


if __name__ == "__main__":
    main()
