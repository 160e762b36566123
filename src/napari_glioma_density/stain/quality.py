"""What spoils pixels, whatever they show: blur, ink, dirt, and tissue that lies on itself (P1).

All is measured on optical density, because there the layers of a fold add up, and a strong stain is
not taken for a sharp picture.
"""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import UNMIX

FloatPlane = NDArray[np.float32]

_MEAN: Final = np.full((1, 3), 1 / 3, np.float32)
_UNMIX: Final = UNMIX.T.astype(np.float32)

_INK_DENSITY: Final = 0.4
_BLUE_INK: Final = 1.4
_GREEN_INK: Final = 1.1
_BLACK_DENSITY: Final = 1.2
_BLACK_EVENNESS: Final = 0.72

_GROUND_SMOOTHING_UM: Final = 2.0
_GROUND_RADIUS_UM: Final = 10.0


class Detail(NamedTuple):
    """Energy of optical density, px by px, float32 (height, width)."""

    fine: FloatPlane
    """Of what only a sharp image holds."""
    form: FloatPlane
    """Of what a slightly blurred one holds as well."""


def darkness_of(density: NDArray[np.float32]) -> FloatPlane:
    """Mean over the channels of optical density (height, width, 3): float32 (height, width)."""
    return np.asarray(cv2.transform(density, _MEAN), dtype=np.float32)


def detail_of(darkness: FloatPlane, sigmas_px: tuple[float, float, float]) -> Detail:
    """Energy finer than the first Gaussian, and between the second and the third.

    Their ratio over an area tells how sharp it is, and does not depend on how strong the stain is.

    Parameters
    ----------
    darkness
        Optical density, (height, width).
    sigmas_px
        Standard deviations in px. The second may be that of the first.
    """
    smooth = {sigma: cv2.GaussianBlur(darkness, (0, 0), sigma) for sigma in set(sigmas_px)}
    first, second, third = (smooth[sigma] for sigma in sigmas_px)
    return Detail(np.square(darkness - first), np.square(second - third))


def is_ink(density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which px are blue or green in a way haematoxylin and eosin never are.

    Ink of red pens is not told from eosin and blood. `density` is (height, width, 3).
    """
    # Smoothed, because a JPEG's colours stray from px to px.
    red, green, blue = cv2.split(cv2.GaussianBlur(density, (0, 0), 1))
    is_blue = red > _BLUE_INK * green
    is_green = (red > _GREEN_INK * green) & (blue > _GREEN_INK * green)
    dark = red + green + blue > 3 * _INK_DENSITY
    return np.asarray((is_blue | is_green) & dark, dtype=np.bool_)


def is_black(density: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which px take nearly all light of all colours: black pen, dirt, an air bubble's rim.

    Stains of H&E leave more blue than green, however dark. `density` is (height, width, 3).
    """
    smooth = cv2.split(cv2.GaussianBlur(density, (0, 0), 1))
    least, most = np.minimum.reduce(smooth), np.maximum.reduce(smooth)
    return np.asarray((least > _BLACK_DENSITY) & (least > _BLACK_EVENNESS * most), dtype=np.bool_)


def ground_of(density: FloatPlane, um_per_px: float) -> FloatPlane:
    """Density of the ground on which nuclei lie: of whatever is broader than 20 µm.

    Smoothing closes the gaps between nuclei a little; opening then removes all that is not broad.
    Dense tumour still has a pale ground; in a fold the grounds of both layers add up.

    Parameters
    ----------
    density
        Mean optical density or the strength of one stain, (height, width).
    um_per_px
        Its resolution.
    """
    smooth = cv2.GaussianBlur(density, (0, 0), _GROUND_SMOOTHING_UM / um_per_px)
    side = 2 * round(_GROUND_RADIUS_UM / um_per_px) + 1
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return np.asarray(cv2.morphologyEx(smooth, cv2.MORPH_OPEN, disk), dtype=np.float32)


def haematoxylin_and_eosin(density: NDArray[np.float32]) -> tuple[FloatPlane, FloatPlane]:
    """Strength of both stains (Ruifrok & Johnston 2001), each float32 (height, width).

    Negative where a px is of another colour than these stains can mix. `density` is
    (height, width, 3).
    """
    stains = cv2.transform(density, _UNMIX[:2])
    return stains[..., 0], stains[..., 1]
