import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.slides.codestreams import (
    breaks_off,
    has_hole,
    is_whole_interval,
    is_whole_jpeg,
    is_whole_jpeg2000,
)

Image = NDArray[np.uint8]


def test_whole_jpegs_are_told_from_damaged_ones(picture: Image) -> None:
    for level in (30, 95):
        data = imagecodecs.jpeg8_encode(picture, level=level)
        half = len(data) // 2
        assert is_whole_jpeg(data)
        assert not is_whole_jpeg(data[:half])
        assert not is_whole_jpeg(data[:half] + b"\xff\x07" + data[half + 2 :])
        assert not is_whole_jpeg(b"\0" * len(data))


@pytest.mark.parametrize(
    "end", [b"\xff\xd0", b"\xff\xd7", b"\xff\xd9", b"\xff\xff\xd3", b"\xff\xd9\0"]
)
def test_whole_intervals_are_told_from_damaged_ones(end: bytes) -> None:
    pixels = bytes(range(255)) * 8 + b"\xff\0"
    data = pixels + end
    half = len(data) // 2
    assert is_whole_interval(data)
    assert not is_whole_interval(pixels)
    assert not is_whole_interval(b"")
    for hole in (b"\0", b"\x55", b"\xff"):
        assert not is_whole_interval(data[:half] + hole * (len(data) - half))
        assert not is_whole_interval(hole * len(data))
    for foreign in (b"\xff\xd8", b"\xff\x07", b"\xff\xd2"):
        assert not is_whole_interval(data[:half] + foreign + data[half + 2 :])


@pytest.mark.parametrize("form", ["j2k", "jp2"])
def test_jpeg_2000_streams_that_break_off_in_zeros_are_damaged(picture: Image, form: str) -> None:
    data = imagecodecs.jpeg2k_encode(picture, level=30, codecformat=form)
    assert is_whole_jpeg2000(data)
    assert is_whole_jpeg2000(data + b"\0")
    assert is_whole_jpeg2000(data[:-2])  # without its end marker
    for kept in (0, len(data) // 2, len(data) - 30):
        assert not is_whole_jpeg2000(data[:kept] + bytes(len(data) - kept))


@pytest.mark.parametrize("grey", [255, 128])
@pytest.mark.parametrize("side", [16, 32, 64, 240, 512])
def test_a_blank_jpeg_with_tables_of_its_own_has_no_hole(side: int, grey: int) -> None:
    blank = np.full((side, side, 3), grey, np.uint8)
    data = imagecodecs.jpeg8_encode(blank, level=85, subsampling="444", optimize=True)
    assert bytes(blank.size // 256 - 1) in data, "as many zeros as there can be"
    assert not has_hole(data, blank.size)


def test_a_blank_lossless_jpeg_has_no_hole() -> None:
    blank = np.full((256, 256, 3), 255, np.uint8)
    data = imagecodecs.jpeg8_encode(blank, lossless=True)
    assert not has_hole(data, blank.size)
    assert has_hole(data[:-2] + bytes(4096) + data[-2:], blank.size)


def test_a_hole_is_found_but_for_zeros_that_fill_up(picture: Image) -> None:
    data = imagecodecs.jpeg8_encode(picture[:256, :256].copy(), level=95)
    samples, half = 256 * 256 * 3, len(data) // 2
    assert not has_hole(data + bytes(4096), samples)
    assert has_hole(data[:half] + bytes(1050) + data[half + 1050 :], samples)
    assert not has_hole(data[:half] + bytes(1000) + data[half + 1000 :], samples)


def test_streams_of_webp_and_jpeg_xr_that_end_in_zeros_break_off(picture: Image) -> None:
    blank = np.full_like(picture, 255)
    for encode in (imagecodecs.webp_encode, imagecodecs.jpegxr_encode):
        for image in (picture, blank):
            data = encode(image)
            assert not breaks_off(data)
            assert breaks_off(data[:-20] + bytes(20))
