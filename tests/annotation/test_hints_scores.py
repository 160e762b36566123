"""Scores against scikit-image and the equation; statistics against the tissue they are of."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray, rgb2hed

from napari_glioma_density.annotation import slide_scores
from napari_glioma_density.annotation.hint_settings import HintSource
from napari_glioma_density.annotation.scores import measured, stretched
from napari_glioma_density.annotation.slide_scores import (
    picture_score_statistics,
    slide_score_statistics,
    suggested_threshold,
)
from napari_glioma_density.errors import BadInput
from napari_glioma_density.estimate.slide_colours import read_windows
from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.stain import rgb_ratio

LUMA, HAEMATOXYLIN, MODEL = HintSource


@pytest.fixture
def patch(tissue_rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(tissue_rgb[:480, :480])


def red_says(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A model: the darker in red, the more a nucleus."""
    return (1 - images[..., 0] / 255).astype(np.float32)


def test_luma_is_that_of_the_colour_ratios(patch: NDArray[np.uint8]) -> None:
    # scikit-image's weights are those of BT.709, so the ratios' luma is written out.
    expected = 0.299 * rgb_ratio(patch)[..., 0] + 0.587 * rgb_ratio(patch)[..., 1]
    expected += 0.114 * rgb_ratio(patch)[..., 2]
    smooth = gaussian_filter(expected, 0.5)
    assert np.allclose(-measured(patch, LUMA, 0.5)[4:-4, 4:-4], smooth[4:-4, 4:-4], atol=1e-3)


def test_haematoxylin_is_scikit_image_s_but_for_its_scale(patch: NDArray[np.uint8]) -> None:
    ours = measured(patch, HAEMATOXYLIN, 0.5).ravel()
    theirs = gaussian_filter(rgb2hed(patch)[..., 0], 0.5).ravel()
    assert np.corrcoef(ours, theirs)[0, 1] > 0.999


@pytest.mark.parametrize("source", [LUMA, HAEMATOXYLIN])
def test_nuclei_score_high(patch: NDArray[np.uint8], source: HintSource) -> None:
    nuclei = rgb2gray(patch) < 0.5
    values = measured(patch, source, 0.5)
    low, high = np.quantile(values, (0.005, 0.995))
    found = stretched(values, (low, high))
    assert found.dtype == np.float32
    assert (found.min(), found.max()) == pytest.approx((0, 1))
    assert found[nuclei].mean() > 0.8 > 0.3 > found[~nuclei].mean()


def test_the_score_does_not_depend_on_the_brightness_of_the_light(
    patch: NDArray[np.uint8],
) -> None:
    dimmed = (patch * 0.8).astype(np.uint8)
    stretch = (-0.34, -0.24)
    bright, dark = (stretched(measured(each, LUMA, 0.5), stretch) for each in (patch, dimmed))
    assert np.abs(bright - dark).mean() < 0.03


@pytest.mark.parametrize(
    ("probability", "score"), [(0.0, 0), (0.05, 0.2546), (0.5, 0.5), (0.9, 0.6831), (1.0, 1)]
)
def test_the_model_s_score_is_that_of_its_odds(probability: float, score: float) -> None:
    def model(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.full(images.shape[:3], probability, np.float32)

    image = np.full((32, 32, 3), 100, np.uint8)
    statistics = picture_score_statistics(image, MODEL, model)
    assert statistics.score(image, 0.5, model)[0, 0] == pytest.approx(score, abs=1e-3)


def test_the_model_s_score_without_a_model_is_refused(patch: NDArray[np.uint8]) -> None:
    with pytest.raises(BadInput, match="model"):
        picture_score_statistics(patch, MODEL)


def test_a_stretch_of_nothing_does_no_harm() -> None:
    flat = np.full((4, 4), 0.3, np.float32)
    assert np.isfinite(stretched(flat, (0.3, 0.3))).all()


@pytest.mark.parametrize("source", [LUMA, HAEMATOXYLIN])
def test_statistics_of_a_slide_are_those_of_all_its_tissue(
    slide_path: Path, tissue_rgb: NDArray[np.uint8], source: HintSource
) -> None:
    with open_slide(slide_path) as slide:
        found = slide_score_statistics(working_plane(slide, 0.5), source)
    whole = picture_score_statistics(tissue_rgb[:, :1700], source)
    assert (found.low, found.high) == pytest.approx((whole.low, whole.high), rel=0.05, abs=0.01)
    assert found.threshold == pytest.approx(whole.threshold, abs=0.05)
    assert len(found.histogram) == 64
    share = np.array(found.histogram) / sum(found.histogram)
    assert np.abs(share - np.array(whole.histogram) / sum(whole.histogram)).sum() < 0.2


def test_bare_glass_does_not_count(tissue_rgb: NDArray[np.uint8]) -> None:
    tissue = tissue_rgb[:480, 1220:1700]
    with_glass = tissue_rgb[:480, 1220:2100]
    some, more = (picture_score_statistics(rgb, HAEMATOXYLIN) for rgb in (tissue, with_glass))
    assert more.threshold == pytest.approx(some.threshold, abs=0.02)


def test_a_threshold_means_the_same_in_all_fields_of_a_slide(tissue_rgb: NDArray[np.uint8]) -> None:
    statistics = picture_score_statistics(tissue_rgb, LUMA)
    whole = statistics.score(tissue_rgb, 0.5)
    field = statistics.score(np.ascontiguousarray(tissue_rgb[480:960, 480:960]), 0.5)
    assert np.allclose(field[4:-4, 4:-4], whole[484:956, 484:956])


def test_px_of_damaged_tiles_do_not_count(slide_path: Path) -> None:
    with tifffile.TiffFile(slide_path) as tiff:
        page = tiff.pages[0]
        tiles = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    with open_slide(slide_path) as slide:
        whole = slide_score_statistics(working_plane(slide, 0.5), LUMA)
    with slide_path.open("r+b") as file:
        for offset, length in tiles[::4]:
            file.seek(offset)
            file.write(b"\x99" * length)
    with open_slide(slide_path) as slide:
        plane = working_plane(slide, 0.5)
        read = sum(int(window.read.sum()) for window in read_windows(plane))
        damaged = slide_score_statistics(plane, LUMA)
    assert sum(damaged.histogram) <= read
    assert damaged.threshold == pytest.approx(whole.threshold, abs=0.05)


def test_the_model_is_asked_window_by_window(slide_path: Path) -> None:
    shapes = set()

    def probability(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        shapes.add(images.shape)
        return red_says(images)

    with open_slide(slide_path) as slide:
        found = slide_score_statistics(working_plane(slide, 0.5), MODEL, probability=probability)
    assert shapes == {(1, 256, 256, 3)}
    assert (found.low, found.high) == (-6, 6)


def mixture(nuclei: float, at: float = 0.7) -> NDArray[np.int64]:
    """Histogram of a ground around 0.2 and a share of nuclei."""
    random = np.random.default_rng(3)
    values = np.where(
        random.random(400_000) < nuclei,
        random.normal(at, 0.1, 400_000),
        random.normal(0.2, 0.05, 400_000),
    )
    return np.histogram(np.clip(values, 0, 1), 64, (0, 1))[0]


@pytest.mark.parametrize("source", [LUMA, HAEMATOXYLIN])
@pytest.mark.parametrize("nuclei", [0.0, 0.01, 0.05, 0.2, 0.3])
def test_the_threshold_parts_ground_and_nuclei_however_many_there_are(
    source: HintSource, nuclei: float
) -> None:
    threshold = suggested_threshold(mixture(nuclei), source)
    assert 0.23 < threshold < 0.5


def test_the_threshold_is_below_otsu_s_lest_faint_nuclei_stay_hidden() -> None:
    from skimage.filters import threshold_otsu

    histogram = mixture(0.25)
    otsu = threshold_otsu(hist=(histogram, (np.arange(64) + 0.5) / 64))
    assert suggested_threshold(histogram, HAEMATOXYLIN) < otsu


def test_a_slide_without_tissue_still_has_a_threshold() -> None:
    glass = np.full((300, 300, 3), 243, np.uint8)
    statistics = picture_score_statistics(glass, HAEMATOXYLIN)
    assert 0 < statistics.threshold <= 1
    assert suggested_threshold(np.zeros(slide_scores.BINS, int), LUMA) == 0.5
