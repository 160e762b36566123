from pathlib import Path

import cv2
import numpy as np
import pytest
from made_slides import TiffWriter

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import Slide, open_slide, working_plane
from napari_glioma_density.slides.resampling import kernel, resample


@pytest.fixture
def noisy(write_tiff: TiffWriter) -> Slide:
    """Noise of 1300×1100 px, the hardest picture to resample twice alike."""
    image = np.random.default_rng(1).integers(0, 256, (1300, 1100, 3), dtype=np.uint8)
    return open_slide(write_tiff(image))


SCALES = [0.5, 0.75, 0.9375, 1.0, 1.0625, 1.25, 1.5, 2.0, 2.0625, 2.5, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("scale", SCALES)
def test_pixels_are_the_same_whatever_the_window(noisy: Slide, scale: float) -> None:
    plane = working_plane(noisy.with_um_per_px(0.5 / scale), 0.5)
    assert plane.sixteenths == 16 * scale
    full = plane.read(-16, -16, 560, 560)
    rng = np.random.default_rng(2)
    for _ in range(12):
        y, x = (16 * rng.integers(0, 20, 2)).tolist()
        height, width = (16 * rng.integers(1, 15, 2)).tolist()
        window = plane.read(y - 16, x - 16, height, width)
        assert np.array_equal(window.rgb, full.rgb[y : y + height, x : x + width])
        assert np.array_equal(window.read, full.read[y : y + height, x : x + width])


@pytest.mark.parametrize("sixteenths", [17, 20, 24, 32, 33, 48, 80, 256])
def test_reduction_is_the_average_over_the_area(sixteenths: int) -> None:
    image = np.random.default_rng(3).integers(0, 256, (3 * sixteenths,) * 2 + (3,), dtype=np.uint8)
    ours = resample(image, kernel(sixteenths)).astype(int)
    theirs = cv2.resize(image, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("sixteenths", [8, 12, 15])
def test_enlargement_interpolates_between_neighbours(sixteenths: int) -> None:
    image = np.random.default_rng(4).integers(0, 256, (20 * sixteenths + 2,) * 2 + (3,), np.uint8)
    ours = resample(image, kernel(sixteenths)).astype(int)
    theirs = cv2.resize(image[1:-1, 1:-1], (320, 320), interpolation=cv2.INTER_LINEAR)
    assert np.abs(ours - theirs)[2:-2, 2:-2].max() <= 1


@pytest.mark.parametrize("scale", [0.75, 1.0, 1.25, 2.0])
def test_all_of_the_plane_is_read_and_nothing_beyond_it(noisy: Slide, scale: float) -> None:
    plane = working_plane(noisy.with_um_per_px(0.5 / scale), 0.5)
    assert (plane.height, plane.width) == (int(1300 / scale), int(1100 / scale))
    rows, columns = (-(-side // 16) * 16 + 32 for side in (plane.height, plane.width))
    read = plane.read(-16, -16, rows, columns).read
    expected = np.zeros_like(read)
    expected[16 : 16 + plane.height, 16 : 16 + plane.width] = True
    assert np.array_equal(read, expected)


def test_wide_windows_are_resampled_in_bands_to_the_same_pixels(
    noisy: Slide, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = working_plane(noisy.with_um_per_px(0.4), 0.5)
    expected = plane.read(0, 0, 800, 800)
    monkeypatch.setattr("napari_glioma_density.slides.working._BAND_SOURCE_PX", 1)
    banded = plane.read(0, 0, 800, 800)
    assert np.array_equal(banded.rgb, expected.rgb)
    assert np.array_equal(banded.read, expected.read)


def test_the_coarsest_level_that_is_fine_enough_is_read(pyramid_tiff: Path) -> None:
    slide = open_slide(pyramid_tiff)
    at_half = working_plane(slide, 0.5)
    assert (at_half.level, at_half.sixteenths, at_half.um_per_px) == (1, 16, 0.5)
    assert at_half.level0_px_per_px == 2
    finer = working_plane(slide, 0.4)
    assert (finer.level, finer.sixteenths) == (0, 26)
    assert finer.um_per_px == pytest.approx(0.40625)
    # 0.25 µm/px against 0.49: level 1 is 2 % too coarse, which is taken.
    assert working_plane(slide, 0.49).level == 1


def test_a_slide_of_unknown_resolution_is_refused_with_the_remedy(noisy: Slide) -> None:
    with pytest.raises(SlideError, match=r"^slide\.tif: .*not stated.*--um-per-px"):
        working_plane(noisy, 0.5)


def test_a_slide_too_coarse_is_refused(noisy: Slide) -> None:
    with pytest.raises(SlideError, match="too coarse"):
        working_plane(noisy.with_um_per_px(1.1), 0.5)


def test_windows_off_the_lattice_are_a_fault_of_the_program(noisy: Slide) -> None:
    with pytest.raises(ValueError, match="lattice"):
        working_plane(noisy.with_um_per_px(0.5), 0.5).read(0, 8, 16, 16)
