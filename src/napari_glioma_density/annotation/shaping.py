"""The shape of single nuclei: connected pieces, splitting one, joining several.

Masks are (height, width) bool and hold one nucleus, or what is to become one.
"""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from skimage.draw import line as pixels_between

from napari_glioma_density.nuclei.table import SMALLEST_NUCLEUS_UM2, separate_nuclei

WIDEST_GAP_UM = 2.0
"""Nuclei closer than this are joined across the gap; those farther apart are not one."""
_RIPPLE = 0.1
"""A narrowing of less than this share of the greatest width is no neck."""

Mask = NDArray[np.bool_]


def smallest_px(um_per_px: float) -> float:
    """Px of the smallest nucleus; what is less is a speck."""
    return SMALLEST_NUCLEUS_UM2 / um_per_px**2


def pieces(mask: Mask, connectivity: int = 8) -> list[Mask]:
    """Return the connected pieces of a mask, the largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        np.ascontiguousarray(mask).view(np.uint8), connectivity=connectivity, ltype=cv2.CV_32S
    )
    if count == 2:
        return [mask]
    areas = stats[1:, cv2.CC_STAT_AREA]
    return [np.equal(labels, 1 + place) for place in np.argsort(-areas, kind="stable")]


def largest_piece(mask: Mask) -> Mask:
    """Return the largest connected piece of a mask; an empty mask when it is empty."""
    found = pieces(mask)
    return found[0] if found else mask


def split_apart(mask: Mask, um_per_px: float) -> list[Mask]:
    """Split a nucleus where the neck between its parts is thinnest.

    The parts are those that a distance transform tells apart, as for the model's mask
    (:func:`~napari_glioma_density.nuclei.table.separate_nuclei`). Where it sees but one, the
    nucleus is cut in two across its long axis, at the narrowest place.

    Returns
    -------
    list of ndarray
        The parts, the largest first; together they are the mask. One when it is too small.
    """
    seeds = separate_nuclei(np.pad(mask, 1).view(np.uint8), um_per_px)[1:-1, 1:-1]
    parts = _shares(mask, seeds)
    return parts if len(parts) > 1 else _shares(mask, _halves(mask, um_per_px))


def split_along(
    mask: Mask, line: tuple[float, float, float, float], um_per_px: float
) -> list[Mask]:
    """Split a nucleus along a line.

    Parameters
    ----------
    mask
        The nucleus.
    line
        Its ends y0, x0, y1, x1 in px of the mask; they may lie outside of it.
    um_per_px
        Resolution of the mask.

    Returns
    -------
    list of ndarray
        The parts, the largest first; together they are the mask. One when the line does not
        part it, or parts off nothing but specks.
    """
    y, x = pixels_between(*(round(end) for end in line))
    inside = (y >= 0) & (y < mask.shape[0]) & (x >= 0) & (x < mask.shape[1])
    rest = mask.copy()
    rest[y[inside], x[inside]] = False
    # Four neighbours, because eight would reach through the gaps of a slanting line.
    parts = [part for part in pieces(rest, 4) if part.sum() >= smallest_px(um_per_px)]
    return _shares(mask, _numbered(parts, mask.shape))


def joined(nuclei: Mask, free: Mask, um_per_px: float) -> Mask | None:
    """Join nuclei that touch or lie close, filling the gap between them.

    Parameters
    ----------
    nuclei
        All of them.
    free
        Px that belong to no other nucleus; of the shape of `nuclei`.
    um_per_px
        Resolution of the masks.

    Returns
    -------
    ndarray or None
        One connected mask; None where they are more than :data:`WIDEST_GAP_UM` apart, or
        another nucleus lies between.
    """
    if len(pieces(nuclei)) == 1:
        return nuclei
    reach = max(1, round(WIDEST_GAP_UM / um_per_px / 2))
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    padded = np.pad(nuclei, reach).view(np.uint8)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, around)[reach:-reach, reach:-reach]
    together = nuclei | ((closed > 0) & free)
    return together if len(pieces(together)) == 1 else None


def _halves(mask: Mask, um_per_px: float) -> NDArray[np.int32]:
    """Seeds 1 and 2 on either side of the neck along the long axis, 0 elsewhere."""
    seeds = np.zeros(mask.shape, np.int32)
    y, x = np.nonzero(mask)
    centred = np.stack((y - y.mean(), x - x.mean()))
    long_axis = np.linalg.eigh(centred @ centred.T)[1][:, 1]
    along = np.rint(long_axis @ centred).astype(np.int64)
    along -= along.min()
    neck = _neck(np.bincount(along), smallest_px(um_per_px))
    if neck is not None:
        seeds[y, x] = np.where(along < neck, 1, 2)
    return _numbered([largest_piece(seeds == side) for side in (1, 2)], mask.shape)


def _neck(widths: NDArray[np.int64], least_px: float) -> int | None:
    """The step that is narrowest against what is on both sides; the middle where none is.

    None when there are not at least so many px on each side of any step.
    """
    before = np.cumsum(widths) - widths
    after = widths.sum() - before
    allowed = np.flatnonzero((before >= least_px) & (after >= least_px))
    if not allowed.size:
        return None
    smooth = np.convolve(widths, np.ones(3) / 3, mode="same")
    sides = np.minimum(np.maximum.accumulate(smooth), np.maximum.accumulate(smooth[::-1])[::-1])
    depth = sides - smooth
    depth[depth < _RIPPLE * smooth.max()] = 0
    off_middle = np.abs(before - after)
    return int(allowed[np.lexsort((off_middle[allowed], -depth[allowed]))[0]])


def _numbered(parts: list[Mask], shape: tuple[int, ...]) -> NDArray[np.int32]:
    seeds = np.zeros(shape, np.int32)
    for number, part in enumerate(parts, 1):
        seeds[part] = number
    return seeds


def _shares(mask: Mask, seeds: NDArray[np.int32]) -> list[Mask]:
    """Give every px of a mask to the nearest seed; what belongs to each, the largest first."""
    if not seeds.any():
        return [mask]
    nearest = distance_transform_edt(seeds == 0, return_distances=False, return_indices=True)
    owner = np.where(mask, seeds[tuple(nearest)], 0)
    areas = np.bincount(owner.ravel())
    areas[0] = 0
    return [owner == place for place in np.argsort(-areas, kind="stable") if areas[place]]
