"""The colours as they are, and the ratios of P1."""

import numpy as np
from numpy.typing import NDArray

_FULL = np.float32(255)


def rgb(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale the colours (…, 3) as they are to 0–1, float32."""
    return np.divide(images, _FULL, dtype=np.float32)


def rgb_ratio(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Divide each channel by the sum of the three (P1, eq. 1).

    r = R/(R+G+B), and so for g and b: brightness goes, and with it much of fading and uneven
    staining; hue stays. A black px, for which the equation has no value, is 1/3 in each channel.
    """
    red, green, blue = np.moveaxis(images, -1, 0)
    # Channel by channel: NumPy's sum over an axis of three is several times slower.
    total = np.add(red, green, dtype=np.float32)
    total += blue
    is_black = total == 0
    total[is_black] = 1
    ratio: NDArray[np.float32] = np.divide(images, total[..., None], dtype=np.float32)
    ratio[is_black] = np.float32(1 / 3)
    return ratio
