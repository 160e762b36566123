"""Nuclei drawn into planes of optical density.

A nucleus is an ellipse whose outline is bent by three harmonics. Within it the haematoxylin follows
chromatin texture, a membrane and sometimes a nucleolus; around it the cytoplasm may take up eosin
or shrink away. A pixel belongs to the nucleus when its centre does, so areas are true.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.synthesis.noise import FloatPlane, Window
from napari_glioma_density.synthesis.nuclear_forms import FORMS, Kind
from napari_glioma_density.synthesis.placement import Nuclei

# Nuclei named within a cell; the cell's number stands above these bits.
_INDEX_BITS = 14
_MEMBRANE_UM, _NUCLEOLUS_UM, _HALO_UM, _CYTOPLASM_UM = 0.55, 0.75, 0.9, 2.6
# Two nuclei on top of each other absorb more than one, but each fills only part of the section.
_OVERLAP_STAIN = 0.3


@dataclass(frozen=True)
class NuclearPlanes:
    """What the nuclei of a window put on the slide; all arrays (height, width).

    Attributes
    ----------
    stain
        Haematoxylin of the nuclei, as optical density strength.
    cover
        0–1, how much of the pixel is nucleus, ghosts included.
    eosin, clearing
        Eosin of cytoplasm around nuclei; 0–1 how far the neuropil has drawn back.
    labels
        int32 instance ids, 0 background, ghosts left out.
    """

    stain: FloatPlane
    cover: FloatPlane
    eosin: FloatPlane
    clearing: FloatPlane
    labels: NDArray[np.int32]


def blank_planes(window: Window) -> NuclearPlanes:
    """Return planes without nuclei."""
    shape = (window.height, window.width)
    stain, cover, eosin, clearing = (np.zeros(shape, dtype=np.float32) for _ in range(4))
    return NuclearPlanes(stain, cover, eosin, clearing, np.zeros(shape, dtype=np.int32))


@dataclass(frozen=True)
class _Outline:
    """Pixels around one nucleus.

    Attributes
    ----------
    where
        Slices of the planes.
    inside
        Distance to the outline in px, positive within.
    y, x
        Coordinates from the centre, px.
    """

    where: tuple[slice, slice]
    inside: FloatPlane
    y: FloatPlane
    x: FloatPlane


def _outline(nuclei: Nuclei, i: int, window: Window, margin: float) -> _Outline | None:
    """Return the surroundings of nucleus `i`; None when they miss the window."""
    reach = 0.62 * float(nuclei.length[i]) + margin
    centre_y, centre_x = nuclei.y[i] - window.y, nuclei.x[i] - window.x
    top, left = max(int(centre_y - reach), 0), max(int(centre_x - reach), 0)
    bottom = min(int(centre_y + reach) + 1, window.height)
    right = min(int(centre_x + reach) + 1, window.width)
    if top >= bottom or left >= right:
        return None
    y = (np.arange(top, bottom) + 0.5 - centre_y).astype(np.float32)[:, None]
    x = (np.arange(left, right) + 0.5 - centre_x).astype(np.float32)[None, :]
    inside = _distance_inside(nuclei, i, y, x)
    return _Outline((slice(top, bottom), slice(left, right)), inside, y, x)


def _distance_inside(nuclei: Nuclei, i: int, y: FloatPlane, x: FloatPlane) -> FloatPlane:
    """Return the distance to the bent ellipse along the radius, px, positive within."""
    cosine, sine = np.float32(np.cos(nuclei.angle[i])), np.float32(np.sin(nuclei.angle[i]))
    along = (x * cosine + y * sine) * np.float32(2 / nuclei.length[i])
    across = (y * cosine - x * sine) * np.float32(2 / nuclei.width[i])
    radius = np.sqrt(along * along + across * across) + np.float32(1e-6)
    theta = np.arctan2(across, along)
    a2, a3, a4, p2, p3, p4 = nuclei.wobble[i].astype(np.float32)
    bent = (
        1 + a2 * np.cos(2 * theta + p2) + a3 * np.cos(3 * theta + p3) + a4 * np.cos(4 * theta + p4)
    )
    to_centre = np.sqrt(y * y + x * x)
    # Near the centre of a long nucleus the radial distance is meaningless but also not needed
    # beyond half the width, which bounds it.
    distance = to_centre * (bent / radius - 1)
    return np.asarray(np.minimum(distance, nuclei.width[i] / 2), dtype=np.float32)


def _chromatin_stain(
    nuclei: Nuclei, i: int, outline: _Outline, texture: FloatPlane, um_per_px: float
) -> FloatPlane:
    form = FORMS[Kind(int(nuclei.kind[i]))]
    stain = np.float32(nuclei.stain[i]) * (1 + np.float32(form.chromatin) * texture[outline.where])
    if form.membrane:
        depth = outline.inside * np.float32(um_per_px / _MEMBRANE_UM)
        stain = stain + np.float32(form.membrane) * np.exp(-((depth - 1) ** 2))
    if nuclei.chance[i, 1] < form.nucleolus:
        offset_y, offset_x = (nuclei.chance[i, 2:] - 0.5) * nuclei.width[i] * 0.5
        squared = (outline.y - np.float32(offset_y)) ** 2 + (outline.x - np.float32(offset_x)) ** 2
        size = np.float32((_NUCLEOLUS_UM / um_per_px) ** 2)
        stain = stain + np.float32(0.5) * np.exp(-squared / size)
    return np.asarray(np.maximum(stain, 0), dtype=np.float32)


def _surround(
    nuclei: Nuclei, i: int, outline: _Outline, planes: NuclearPlanes, um_per_px: float
) -> None:
    """Let the cytoplasm of one cell take up eosin, or draw back."""
    form = FORMS[Kind(int(nuclei.kind[i]))]
    outside_um = np.maximum(-outline.inside, 0) * np.float32(um_per_px)
    if form.cytoplasm:
        strength = np.float32(form.cytoplasm * 2 * nuclei.chance[i, 2])
        body = strength * np.exp(-((outside_um / _CYTOPLASM_UM) ** 2))
        planes.eosin[outline.where] = np.maximum(planes.eosin[outline.where], body)
    if nuclei.chance[i, 0] < form.halo:
        halo = np.exp(-(((outside_um - 0.5) / _HALO_UM) ** 2)) * np.float32(
            0.2 + 0.5 * nuclei.chance[i, 3]
        )
        planes.clearing[outline.where] = np.maximum(planes.clearing[outline.where], halo)


def _body(
    nuclei: Nuclei, i: int, outline: _Outline, planes: NuclearPlanes, stain: FloatPlane
) -> None:
    """Lay one nucleus over those drawn before it."""
    soft = np.float32(nuclei.softness[i] + 0.5)
    cover = np.clip(outline.inside / (2 * soft) + np.float32(0.5), 0, 1)
    cover = cover * cover * (3 - 2 * cover)
    mine, before = cover * stain, planes.stain[outline.where]
    planes.stain[outline.where] = np.maximum(mine, before) + _OVERLAP_STAIN * np.minimum(
        mine, before
    )
    planes.cover[outline.where] = np.maximum(planes.cover[outline.where], cover)


def draw_nuclei(
    nuclei: Nuclei,
    planes: NuclearPlanes,
    window: Window,
    texture: FloatPlane,
    um_per_px: float,
    cell_number: int,
) -> None:
    """Draw nuclei into the planes of a window.

    Parameters
    ----------
    nuclei
        In slide coordinates.
    planes
        Written to; shape of the window.
    window
        Level-0 px.
    texture
        Chromatin noise of mean 0 and variance 1, shape of the window.
    um_per_px
        Level-0 resolution.
    cell_number
        Number of the cell that owns the nuclei; makes their ids unique on the slide.
    """
    margin = 2 * _CYTOPLASM_UM / um_per_px
    for i in range(len(nuclei)):
        outline = _outline(nuclei, i, window, margin)
        if outline is None:
            continue
        _surround(nuclei, i, outline, planes, um_per_px)
        _body(nuclei, i, outline, planes, _chromatin_stain(nuclei, i, outline, texture, um_per_px))
        if nuclei.kind[i] != Kind.GHOST:
            name = (cell_number << _INDEX_BITS) + int(nuclei.index[i]) + 1
            planes.labels[outline.where][outline.inside > 0] = name
