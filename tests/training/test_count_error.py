"""Nuclei counted, against discs whose number is known."""

import cv2
import numpy as np
import pytest
from skimage.measure import label

from napari_glioma_density.training.count_error import (
    FieldCount,
    count_error,
    count_labelled,
    count_separated,
)


@pytest.mark.parametrize("um_per_px", [0.25, 0.5])
def test_touching_nuclei_are_counted_one_by_one(um_per_px: float) -> None:
    mask = np.zeros((200, 240), np.uint8)
    radius = round(3.5 / um_per_px)
    for number in range(3):
        cv2.circle(mask, (40 + number * (2 * radius - 2), 60), radius, 1, -1)
    cv2.circle(mask, (40, 150), radius, 1, -1)
    cv2.circle(mask, (200, 190), 1, 1, -1)  # a speck
    assert label(mask).max() == 3
    assert count_separated(mask > 0, um_per_px, working_um_per_px=0.5) == 4


def test_labels_are_counted_by_their_ids() -> None:
    labels = np.array([[0, 7, 7], [300, 0, 65535]], np.uint16)
    assert count_labelled(labels, um_per_px=3.0) == 3
    assert count_labelled(np.zeros((3, 3), np.uint16), um_per_px=3.0) == 0


@pytest.mark.parametrize(("area_px", "counted"), [(31, 0), (32, 1)])
def test_what_the_border_leaves_of_a_nucleus_counts_on_neither_side(
    area_px: int, counted: int
) -> None:
    labels = np.zeros((20, 20), np.uint16)
    labels[:4, 4:12] = 9
    labels[3, 4 : 4 + 32 - area_px] = 0
    assert count_labelled(labels, um_per_px=0.5) == counted
    assert count_separated(labels > 0, 0.5, working_um_per_px=0.5) == counted
    assert count_labelled(np.pad(labels, 1), um_per_px=0.5) == 1, "inside it would be small"


def test_errors_are_told_by_the_true_density() -> None:
    fields = [
        FieldCount(3.9, 10, 12),
        FieldCount(2.0, 30, 30),
        FieldCount(20.0, 100, 80),
        FieldCount(0.0, 0, 1),
    ]
    found = count_error(fields)
    assert (found["fields"], found["true"], found["predicted"]) == (4, 140, 123)
    assert found["relative_error"] == pytest.approx(123 / 140 - 1)
    assert found["by_density"] == [
        {"band": 0, "from_percent": 0, "to_percent": 2,
         "fields": 1, "true": 0, "predicted": 1, "relative_error": None},
        {"band": 1, "from_percent": 2, "to_percent": 4,
         "fields": 2, "true": 40, "predicted": 42, "relative_error": pytest.approx(0.05)},
        {"band": 5, "from_percent": 20, "to_percent": 100,
         "fields": 1, "true": 100, "predicted": 80, "relative_error": pytest.approx(-0.2)},
    ]  # fmt: skip
