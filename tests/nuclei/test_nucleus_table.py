"""Nuclei told apart, against scikit-image and against people."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from napari_glioma_density.nuclei.table import measure_nuclei, separate_nuclei
from napari_glioma_density.training.dataset import open_data_set, read_field


def discs(*circles: tuple[int, int, int], side: int = 120) -> NDArray[np.uint8]:
    mask = np.zeros((side, side), np.uint8)
    for y, x, radius in circles:
        cv2.circle(mask, (x, y), radius, 1, -1)
    return mask


def test_two_touching_discs_are_two_nuclei() -> None:
    found = measure_nuclei(separate_nuclei(discs((60, 40, 12), (60, 61, 12)), 0.5))
    assert len(found.area_px) == 2
    assert sorted(np.round(found.x_px)) == pytest.approx([40, 62], abs=2)


def test_a_long_nucleus_stays_one() -> None:
    mask = np.zeros((120, 120), np.uint8)
    cv2.ellipse(mask, (60, 60), (30, 9), 30, 0, 360, 1, -1)
    assert len(measure_nuclei(separate_nuclei(mask, 0.5)).area_px) == 1


def test_specks_are_no_nuclei() -> None:
    assert not separate_nuclei(discs((30, 30, 1), (80, 80, 2)), 0.5).any()


def test_an_empty_mask_has_none() -> None:
    labels = separate_nuclei(np.zeros((64, 64), np.uint8), 0.5)
    assert measure_nuclei(labels).area_px.size == 0


def test_no_pixel_is_lost_or_invented_by_splitting() -> None:
    mask = discs((60, 40, 12), (60, 61, 12), (20, 100, 8))
    assert np.array_equal(separate_nuclei(mask, 0.5) > 0, mask > 0)


def test_what_hangs_on_by_a_corner_belongs_to_its_nucleus() -> None:
    """Left over by the split, such pieces were once a single nucleus, however far apart."""
    mask = discs((60, 40, 12), (60, 61, 12), (60, 200, 12), (60, 221, 12), side=280)
    for clump in (slice(0, 50), slice(150, 210)):
        end = clump.start + int(np.flatnonzero(mask[48, clump])[-1])
        mask[45:48, end + 1 : end + 9] = 1
    labels = separate_nuclei(mask, 0.5)
    assert np.array_equal(labels > 0, mask > 0)
    for region in regionprops(labels):
        left, right = region.bbox[1], region.bbox[3]
        assert right - left < 40, "one label holds pieces of two clumps"


def test_areas_and_centres_agree_with_scikit_image() -> None:
    labels = separate_nuclei(discs((60, 40, 12), (60, 61, 12), (20, 100, 8)), 0.5)
    found = measure_nuclei(labels)
    regions = regionprops(labels)
    assert [region.area for region in regions] == found.area_px.tolist()
    centres = np.array([region.centroid for region in regions]) + 0.5
    assert np.allclose(centres, np.column_stack([found.y_px, found.x_px]))


@pytest.mark.parametrize("um_per_px", [0.3, 0.5, 1.2])
def test_parting_by_crops_is_parting_the_whole_picture(um_per_px: float) -> None:
    """What is moved together to save work ends as if the watershed had seen everything."""
    places = np.random.default_rng(4).integers((-5, -5, 4), (505, 405, 15), (400, 3)).tolist()
    mask = discs(*map(tuple, places), side=500)[:, :400]
    labels = separate_nuclei(mask, um_per_px)
    nuclei, theirs = labels > 0, parted_at_once(mask, um_per_px)
    pairs = np.stack([labels[nuclei], theirs[nuclei]])
    met, px = np.unique(pairs, axis=1, return_counts=True)
    most = [px[met[0] == one].max() for one in np.unique(met[0])]
    # Which of two equally deep seeds grows first depends on all others there are.
    assert sum(most) > 0.999 * nuclei.sum()
    partners = [met[1][met[0] == one][np.argmax(px[met[0] == one])] for one in np.unique(met[0])]
    assert len(set(partners)) == len(partners) > 20


def parted_at_once(mask: NDArray[np.uint8], um_per_px: float) -> NDArray[np.int32]:
    """Seeds and watershed over the whole picture, by scikit-image and scipy."""
    depth = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    depth = cv2.GaussianBlur(depth, (0, 0), 0.5 / um_per_px)
    reach = max(1, round(2.5 / um_per_px))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    highest = ndimage.maximum_filter(depth, footprint=around, mode="constant", cval=-1)
    seeds = label((depth >= highest) & (mask > 0), connectivity=2)
    return watershed(-depth, seeds, mask=mask > 0, connectivity=2)


@pytest.mark.parametrize("data_set", ["glioma_research/gbm", "validation/lgg"])
def test_people_s_nuclei_are_counted_within_a_few_percent(data_folder: Path, data_set: str) -> None:
    """From the true mask alone, at working resolution; components find 86 % of them."""
    counted = there = 0
    for field in open_data_set(data_folder / "data" / data_set):
        labels = read_field(field).labels
        size = (labels.shape[1] // 2, labels.shape[0] // 2)
        share = cv2.resize((labels > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        counted += len(measure_nuclei(separate_nuclei((share >= 0.5).astype(np.uint8), 0.5))[0])
        areas_um2 = np.bincount(labels.ravel())[1:] * field.um_per_px**2
        there += int((areas_um2 >= 8).sum())
    assert counted == pytest.approx(there, rel=0.05)
