import numpy as np
import pytest

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.pixels import Alpha, PixelRule, over_white, pixel_rule

UINT8, UINT16 = np.dtype(np.uint8), np.dtype(np.uint16)


def test_grey_is_repeated_and_white_is_zero_inverted() -> None:
    grey = np.array([[[10], [200]]], dtype=np.uint8)
    plain = pixel_rule("a.tif", dtype=UINT8, bits=8, samples=1, photometric=1)
    inverted = pixel_rule("a.tif", dtype=UINT8, bits=8, samples=1, photometric=0)
    assert plain.to_rgb(grey).tolist() == [[[10] * 3, [200] * 3]]
    assert inverted.to_rgb(grey).tolist() == [[[245] * 3, [55] * 3]]


@pytest.mark.parametrize("bits", [12, 16])
def test_deep_samples_are_scaled_by_their_bits(bits: int) -> None:
    rule = pixel_rule("a.tif", dtype=UINT16, bits=bits, samples=3)
    full = (1 << bits) - 1
    deep = np.array([[[0, full // 2, full]]], dtype=np.uint16)
    assert rule.to_rgb(deep).tolist() == [[[0, 127, 255]]]


def test_alpha_is_composited_over_white() -> None:
    rgb = np.array([[[100, 0, 200]] * 3], dtype=np.uint8)
    alpha = np.array([[0, 255, 128]], dtype=np.uint8)
    assert over_white(rgb, alpha).tolist() == [[[255] * 3, [100, 0, 200], [177, 127, 227]]]
    assert over_white(rgb, alpha, Alpha.PREMULTIPLIED)[0, 2].tolist() == [227, 127, 255]


def test_a_fourth_sample_that_is_not_alpha_is_left_out() -> None:
    rule = pixel_rule("a.tif", dtype=UINT8, bits=8, samples=4, extra_samples=(0,))
    assert rule.to_rgb(np.array([[[1, 2, 3, 0]]], dtype=np.uint8)).tolist() == [[[1, 2, 3]]]


def test_ycbcr_becomes_rgb_unless_the_decoder_did_it() -> None:
    rule = pixel_rule("a.svs", dtype=UINT8, bits=8, samples=3, photometric=6)
    red = np.array([[[76, 85, 255]]], dtype=np.uint8)
    assert np.abs(rule.to_rgb(red).astype(int) - [255, 0, 0]).max() <= 2
    decoded = pixel_rule(
        "a.svs", dtype=UINT8, bits=8, samples=3, photometric=6, decoded_as_rgb=True
    )
    assert decoded == PixelRule(colours=3, bits=8)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"dtype": np.dtype(np.float32), "bits": 32, "samples": 3}, "float32"),
        ({"dtype": np.dtype(np.int16), "bits": 16, "samples": 1}, "int16"),
        ({"dtype": UINT8, "bits": 8, "samples": 5}, "5 channels"),
        ({"dtype": UINT8, "bits": 8, "samples": 4, "photometric": 5}, "CMYK"),
        ({"dtype": UINT8, "bits": 8, "samples": 1, "photometric": 3}, "palette"),
    ],
)
def test_other_pixels_are_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(SlideError, match=rf"^case\.tif: .*{named}.*export"):
        pixel_rule("case.tif", **fields)
