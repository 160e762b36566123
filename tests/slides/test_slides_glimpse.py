"""What can be shown of a window before its tiles are decoded."""

from pathlib import Path

import cv2
import numpy as np
import tifffile
from made_slides import TiffWriter, empty_tiles
from numpy.typing import NDArray

from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.slides.glimpse import glimpse
from napari_glioma_density.slides.level_array import Window, through
from napari_glioma_density.slides.shown_level import shown_levels

Rgb = NDArray[np.uint8]


def overview(slide: Slide) -> Rgb:
    last = shown_levels(slide)[-1]
    return last.read(0, 0, last.height, last.width)


def test_what_is_not_decoded_is_not_at_hand(pyramid_tiff: Path, picture: Rgb) -> None:
    with open_slide(pyramid_tiff) as slide:
        assert not slide.at_hand(0, 0, 0, 300, 300).read.any()
        slide.read(0, 130, 0, 10, 200)
        seen = slide.at_hand(0, 0, 0, 300, 300)
    assert seen.read[128:256, :256].all()
    assert not seen.read[:128].any()
    assert not seen.read[:, 256:].any()
    assert np.array_equal(seen.rgb[128:256, :256], picture[128:256, :256])
    assert np.all(seen.rgb[~seen.read] == 255)


def test_of_a_damaged_tile_nothing_more_is_to_come(write_tiff: TiffWriter) -> None:
    path = write_tiff(np.full((512, 512, 3), 90, np.uint8))
    empty_tiles(path, 1)
    with open_slide(path) as slide:
        assert not slide.read(0, 0, 0, 512, 512).read.all()
        seen = slide.at_hand(0, 0, 0, 512, 512)
    assert seen.read.all()
    assert np.all(seen.rgb[:256, 256:] == 255)


def test_coarse_parts_lie_where_the_sharp_ones_will(pyramid_tiff: Path, picture: Rgb) -> None:
    with open_slide(pyramid_tiff) as slide:
        window = Window(shown_levels(slide)[0], 131, 257, 400, 601)
        coarse = glimpse(window, overview(slide))
        assert not coarse.read.any()
        truth = picture[131:531, 257:858].astype(int)
        assert np.abs(coarse.rgb - truth).max() <= 3, "the picture is smooth: half a px is 1"
        slide.read(0, 256, 300, 100, 100)
        mixed = glimpse(window, overview(slide))
        assert np.array_equal(mixed.rgb[mixed.read], picture[131:531, 257:858][mixed.read])
        assert 0 < mixed.read.mean() < 1
        slide.read(0, 0, 0, 700, 900)
        sharp = glimpse(window, overview(slide))
    assert sharp.read.all()
    assert np.array_equal(sharp.rgb, truth)


def test_a_level_in_between_is_preferred_to_the_overview(tmp_path: Path) -> None:
    path = tmp_path / "three.tif"
    with tifffile.TiffWriter(path) as tif:
        for number, side in enumerate((4096, 1024, 256)):
            plane = np.full((side, side, 3), 50 * (number + 1), np.uint8)
            more = {"subifds": 2} if number == 0 else {"subfiletype": 1}
            tif.write(plane, tile=(256, 256), photometric="rgb", **more)
    with open_slide(path) as slide:
        window, coarsest = Window(shown_levels(slide)[0], 0, 0, 1024, 1024), overview(slide)
        assert np.all(glimpse(window, coarsest).rgb == 150)
        slide.read(1, 0, 0, 256, 256)
        assert np.all(glimpse(window, coarsest).rgb == 100)


def test_of_a_made_level_what_was_made_before_is_at_hand(tmp_path: Path) -> None:
    luck = np.random.default_rng(7)
    plane = luck.integers(0, 256, (1300, 2600, 3), np.uint8)
    path = tmp_path / "flat.tif"
    tifffile.imwrite(path, plane, tile=(256, 256), photometric="rgb")
    with open_slide(path) as slide:
        half = shown_levels(slide)[1]
        assert half.is_made
        assert not half.at_hand(0, 0, 650, 1300).read.any()
        part = half.read(500, 400, 30, 300)
        seen = half.at_hand(0, 0, 650, 1300)
        whole = half.read(0, 0, 650, 1300)
    assert np.array_equal(whole, cv2.resize(plane, (1300, 650), interpolation=cv2.INTER_AREA))
    assert np.array_equal(part, whole[500:530, 400:700])
    assert np.array_equal(seen.rgb[seen.read], whole[seen.read])
    assert seen.read[:, :1024].all(), "chunks are made whole"
    assert not seen.read[:, 1024:].any()


def test_an_eye_sees_pixels_and_nobody_else_does(pyramid_tiff: Path) -> None:
    class Eye:
        def look(self, window: Window) -> Rgb:
            return np.full(window.shape, 7, np.uint8)

    with open_slide(pyramid_tiff) as slide:
        fine = slide.pyramid()[0]
        with through(Eye()):
            seen = fine[10:20, 30:50]
        assert isinstance(seen, np.ndarray)
        assert seen.shape == (10, 20, 3)
        assert np.all(seen == 7)
        assert not isinstance(fine[10:20, 30:50], np.ndarray)
