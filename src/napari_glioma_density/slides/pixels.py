"""The one rule by which stored samples become 8-bit RGB.

=====================================  ====================================================
stored                                 becomes
=====================================  ====================================================
grey, 8 or 16 bit                      the same value in all three channels; inverted where
                                       the file says that white is zero
grey or RGB with alpha                 composited over white; a fourth sample that is not
                                       declared alpha is left out
RGB in separate planes                 interleaved
three grey pages of one size           red, green and blue, in this order
9–16 bits a sample                     scaled so that the largest value of that many bits is
                                       255 (16 bit: divided by 257), rounded, whatever range
                                       the values use
YCbCr                                  RGB (ITU-R BT.601, full range)
float, signed, palette, CMYK, CIELAB,  refused by name
two grey pages, more than 4 samples
=====================================  ====================================================
"""

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _YCBCR = 0, 1, 2, 6
_PHOTOMETRIC_NAMES = {3: "palette", 4: "mask", 5: "CMYK", 8: "CIELAB", 9: "ICCLAB"}


class Alpha(Enum):
    """What a sample after the colours means."""

    NONE = "none"
    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"


@dataclass(frozen=True)
class PixelRule:
    """How the samples of one image become RGB; made once at opening."""

    colours: int
    bits: int
    alpha: Alpha = Alpha.NONE
    inverted: bool = False
    ycbcr: bool = False

    def to_rgb(self, samples: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Convert (height, width, samples) as stored to uint8 (height, width, 3)."""
        stored = self._to_8_bit(samples[..., : self.colours + (self.alpha is not Alpha.NONE)])
        rgb = stored[..., : self.colours]
        if self.inverted:
            rgb = 255 - rgb
        if self.colours == 1:
            rgb = np.repeat(rgb, 3, axis=-1)
        elif self.ycbcr:
            rgb = _ycbcr_to_rgb(rgb)
        if self.alpha is not Alpha.NONE:
            rgb = over_white(rgb, stored[..., -1], self.alpha)
        return np.ascontiguousarray(rgb)

    def _to_8_bit(self, samples: NDArray[np.generic]) -> NDArray[np.uint8]:
        if self.bits == 8:
            return np.asarray(samples, dtype=np.uint8)
        largest = (1 << self.bits) - 1
        clipped = np.minimum(samples.astype(np.uint32), largest)
        return np.asarray((clipped * 255 + largest // 2) // largest, dtype=np.uint8)


def over_white(
    rgb: NDArray[np.uint8], alpha: NDArray[np.uint8], kind: Alpha = Alpha.STRAIGHT
) -> NDArray[np.uint8]:
    """Composite colours (…, 3) with alpha (…) over white."""
    opacity = alpha[..., np.newaxis].astype(np.uint16)
    weighted = rgb.astype(np.uint16)
    if kind is Alpha.STRAIGHT:
        weighted = (weighted * opacity + 127) // 255
    return np.asarray(np.minimum(weighted + (255 - opacity), 255), dtype=np.uint8)


def pixel_rule(
    name: str,
    *,
    dtype: np.dtype[np.generic],
    bits: int,
    samples: int,
    photometric: int = _RGB,
    extra_samples: tuple[int, ...] = (),
    decoded_as_rgb: bool = False,
) -> PixelRule:
    """Choose the rule for an image described by its TIFF fields.

    Parameters
    ----------
    name
        File name, for the error.
    extra_samples
        TIFF's ExtraSamples: 1 premultiplied alpha, 2 straight alpha, 0 unspecified.
    decoded_as_rgb
        Whether the decoder itself turns YCbCr into RGB, as JPEG decoders do.

    Raises
    ------
    SlideError
        For samples the module's table refuses.
    """
    _refuse_odd_samples(name, dtype, bits, samples)
    if photometric in _PHOTOMETRIC_NAMES:
        raise _refusal(name, f"{_PHOTOMETRIC_NAMES[photometric]} colours")
    alpha_tag = extra_samples[0] if extra_samples else 0
    colours = 3 if samples >= 3 else 1
    return PixelRule(
        colours=colours,
        bits=bits,
        alpha=_alpha(alpha_tag) if samples > colours else Alpha.NONE,
        inverted=photometric == _WHITE_IS_ZERO and colours == 1,
        ycbcr=photometric == _YCBCR and colours == 3 and not decoded_as_rgb,
    )


def _refuse_odd_samples(name: str, dtype: np.dtype[np.generic], bits: int, samples: int) -> None:
    if dtype.kind != "u" or not 8 <= bits <= 16:
        raise _refusal(name, f"{bits}-bit {dtype.name} samples")
    if not 1 <= samples <= 4:
        raise _refusal(name, f"{samples} channels a pixel")


def _refusal(name: str, what: str) -> SlideError:
    return SlideError(
        f"{name}: {what} cannot be read as brightfield colour; "
        "export the slide as 8- or 16-bit RGB and open that"
    )


def _alpha(tag: int) -> Alpha:
    return {1: Alpha.PREMULTIPLIED, 2: Alpha.STRAIGHT}.get(tag, Alpha.NONE)


def _ycbcr_to_rgb(ycbcr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # OpenCV orders the chroma channels Cr, Cb.
    swapped = np.ascontiguousarray(ycbcr[..., [0, 2, 1]])
    return np.asarray(cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)
