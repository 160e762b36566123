"""How sharp pictures of tissue are, as a scanner and its software made them."""

from collections.abc import Iterable
from itertools import repeat
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.stain.optical import optical_density
from napari_glioma_density.stain.quality import FloatPlane, darkness_of, detail_of

_NOISE_UM: Final = 0.3
"""Gaussian σ below which there is more noise of sensor and compression than tissue."""
_FINE_UM: Final = 0.6
_FORM_UM: Final = 2.0
_REACH: Final = 3
"""Standard deviations to which a Gaussian sees."""
_LEAST_FORM: Final = 1e-5
"""Variance below which there is glass; tissue has a hundred times that and more."""


def sharpness(
    images: Iterable[NDArray[np.uint8]],
    um_per_px: float,
    read: Iterable[NDArray[np.bool_] | None] = repeat(None),
) -> float | None:
    """Return how strong detail of 0.3 to 0.6 µm is against that of 0.6 to 2 µm.

    Both are standard deviations of optical density between two Gaussians, over all pictures
    together; places with much detail count for most. Lens, focus and sharpening software change it;
    stain, noise and JPEG hardly do. It depends on the resolution at which pictures are looked at,
    so only values of one model may be compared.

    Parameters
    ----------
    images
        Each (height, width, 3) uint8 RGB.
    um_per_px
        Their resolution.
    read
        Which px of each are of the slide, (height, width) bool; all by default.

    Returns
    -------
    float or None
        None where nothing is to be seen.
    """
    fine = form = 0.0
    seen_px = 0
    for image, known in zip(images, read, strict=False):  # `read` may have no end
        detail = detail_of(_denoised(image, um_per_px), _sigmas_px(um_per_px))
        seen = np.s_[:, :] if known is None else _far_inside(known, um_per_px)
        fine += float(detail.fine[seen].sum())
        form += float(detail.form[seen].sum())
        seen_px += detail.form[seen].size
    return float(np.sqrt(fine / form)) if form > _LEAST_FORM * seen_px else None


def _denoised(image: NDArray[np.uint8], um_per_px: float) -> FloatPlane:
    darkness = darkness_of(optical_density(image))
    return np.asarray(cv2.GaussianBlur(darkness, (0, 0), _NOISE_UM / um_per_px), np.float32)


def _sigmas_px(um_per_px: float) -> tuple[float, float, float]:
    """Gaussians that make of what is denoised what those named above make of a picture."""
    fine, form = (float(np.sqrt(um**2 - _NOISE_UM**2)) / um_per_px for um in (_FINE_UM, _FORM_UM))
    return fine, fine, form


def _far_inside(read: NDArray[np.bool_], um_per_px: float) -> NDArray[np.bool_]:
    """Px whose detail owes nothing to the edge of what was read; the picture's own is no edge."""
    reach = round(_REACH * _FORM_UM / um_per_px)
    side = np.ones((2 * reach + 1,) * 2, np.uint8)
    return np.asarray(cv2.erode(read.astype(np.uint8), side) > 0)
