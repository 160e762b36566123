"""Outlines traced from labels: their area, validity, and the pixels they hold."""

import numpy as np
import pytest
import shapely
from scipy import ndimage
from skimage.measure import find_contours

from napari_glioma_density.exchange.geojson.features import to_json
from napari_glioma_density.exchange.geojson.outlines import trace_outlines
from napari_glioma_density.nuclei.centres import match_centres


def _random_labels(seed: int) -> np.ndarray:
    """Blobs of every shape that touch, have holes, and are joined by corners only."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(90, 110)), 1.5)
    labels, count = ndimage.label(noise > 0.02, structure=np.ones((3, 3)))
    halves = (np.indices(labels.shape).sum(axis=0) // 25) % 2
    return np.where(labels > 0, labels + count * halves, 0).astype(np.int32)


@pytest.mark.parametrize("seed", range(4))
def test_outlines_hold_the_labels_pixels_and_area(seed: int) -> None:
    labels = _random_labels(seed)
    ids = np.unique(labels)[1:]
    outlines = trace_outlines(labels, ids)
    assert shapely.is_valid(outlines).all()
    np.testing.assert_allclose(shapely.area(outlines), np.bincount(labels.ravel())[ids])
    y, x = np.indices(labels.shape) + 0.5
    small = [n for n in ids.tolist() if (labels == n).sum() < 400]
    assert len(small) > 10
    for number in small:
        held = shapely.contains_xy(outlines[ids.tolist().index(number)], x, y)
        np.testing.assert_array_equal(held, labels == number)


def test_an_outline_is_the_half_level_contour_but_for_its_size() -> None:
    y, x = np.ogrid[:30, :34]
    labels = (((y - 14) / 9) ** 2 + ((x - 17) / 12) ** 2 < 1).astype(np.int32)
    (outline,) = trace_outlines(labels, np.array([1]))
    (contour,) = find_contours(labels, 0.5)
    reference = shapely.Polygon(contour[:, ::-1] + 0.5)
    assert reference.area == labels.sum() - 0.5
    assert outline.hausdorff_distance(reference) < 0.03


def test_parts_and_holes_are_kept() -> None:
    labels = np.zeros((12, 20), np.int32)
    labels[2:9, 2:9] = 5
    labels[4:6, 4:6] = 0
    labels[3:5, 12:15] = 5
    labels[10, 18] = 9
    whole, single = trace_outlines(labels, np.array([5, 9]))
    assert whole.geom_type == "MultiPolygon"
    assert sorted(len(part.interiors) for part in whole.geoms) == [0, 1]
    assert whole.area == pytest.approx((labels == 5).sum())
    assert single.geom_type == "Polygon"
    assert single.centroid.coords[0] == pytest.approx((18.5, 10.5))


def test_every_label_is_given_to_one_nucleus() -> None:
    there = np.array([[10.0, 10.0], [10.0, 12.0], [50.0, 50.0]])
    wanted = np.array([[10.0, 11.1], [10.0, 10.9], [10.0, 11.2], [53.0, 50.0]])
    given = match_centres(wanted, there, 2.0)
    assert given.tolist() == [-1, 0, 1, -1]


def test_an_outline_that_crosses_itself_goes_out_mended() -> None:
    bow = shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)])
    spike = shapely.Polygon([(0, 0), (10, 0), (10, 10), (10, 0.001), (0, 5)])
    fine = shapely.box(0, 0, 3, 4)
    written = [shapely.from_geojson(each) for each in to_json(np.array([bow, spike, fine]), (5, 0))]
    assert all(each.is_valid for each in written)
    assert [each.area for each in written] == [50, 25, 12]
    assert written[2].bounds == (-5, 0, -2, 4)
