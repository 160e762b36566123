"""The slide as a function of coordinates: colour and true nuclei of any region.

Colour follows Beer and Lambert: each stain absorbs, optical densities add, and the light that is
left is 10 to the power of minus their sum. Stain vectors start from Ruifrok and Johnston's, with
the blue of both as measured on scanned glioma.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.synthesis.anatomy import Anatomy, anatomy, tissue_reaches
from napari_glioma_density.synthesis.drawing import NuclearPlanes, blank_planes, draw_nuclei
from napari_glioma_density.synthesis.layout import CELL_PX, COARSE_PX, Layout
from napari_glioma_density.synthesis.neuropil import Neuropil, neuropil
from napari_glioma_density.synthesis.noise import FloatPlane, Window, band, enlarge, spacing_for
from napari_glioma_density.synthesis.placement import coarse_window, nuclei_around

BACKGROUND_RGB = (243, 242, 245)

# Optical density in red, green and blue of haematoxylin, eosin and red blood cells.
_STAINS = np.array([[0.66, 0.70, 0.29], [0.08, 0.96, 0.31], [0.16, 0.78, 0.62]], dtype=np.float32)
# The same of blue, green and black pen.
_INKS = np.array([[1.0, 0.4, 0.08], [0.85, 0.2, 0.6], [0.78, 0.75, 0.77]], dtype=np.float32)
_NUCLEAR_EOSIN = np.float32(0.27)
_PSF_UM, _BLUR_UM, _SENSOR_NOISE = 0.27, 2.2, 1.6
_FOLD_BLUR_UM = 0.8
# The layer on top is tissue of another slide.
_SEED_OF_FOLD = 1_000_003
# Room around a cell for the widest blur; a multiple of COARSE_PX.
_BLUR_REACH_UM = 3 * _BLUR_UM


@dataclass(frozen=True)
class Region:
    """A piece of the slide with its truth.

    Attributes
    ----------
    rgb
        uint8 (height, width, 3), before the file's JPEG.
    labels
        int32 (height, width), instance ids that are unique on the slide, 0 background.
    tissue, spoiled
        bool (height, width): tissue, nuclei included; and what blur, ink or a fold spoils.
    """

    rgb: NDArray[np.uint8]
    labels: NDArray[np.int32]
    tissue: NDArray[np.bool_]
    spoiled: NDArray[np.bool_]


@dataclass(frozen=True)
class _Ground:
    """Everything of a cell that is known before light passes through; shape of `window`."""

    window: Window
    here: Anatomy
    matter: Neuropil
    nuclei: NuclearPlanes


def _halo_px(um_per_px: float) -> int:
    return -(-int(_BLUR_REACH_UM / um_per_px + 1) // COARSE_PX) * COARSE_PX


def _enlarged(coarse: Anatomy, margin: int) -> Anatomy:
    def pixels(plane: FloatPlane) -> FloatPlane:
        return enlarge(plane, COARSE_PX, margin)

    fields = {name: pixels(p) for name, p in vars(coarse).items() if name != "inks"}
    return Anatomy(**fields, inks=tuple(pixels(ink) for ink in coarse.inks))


def _lay_ground(layout: Layout, row: int, column: int) -> _Ground:
    halo = _halo_px(layout.um_per_px)
    around = halo // COARSE_PX + 1  # one point more, for the enlarging
    here = _enlarged(anatomy(layout, coarse_window(row, column).grown(around)), 1)
    window = Window(row * CELL_PX, column * CELL_PX, CELL_PX, CELL_PX).grown(halo)
    matter = neuropil(here, window, layout.seed, layout.um_per_px)
    planes = blank_planes(window)
    for owner_row, owner_column, nuclei in nuclei_around(layout, row, column):
        number = (owner_row + 1) * (layout.cell_columns + 2) + owner_column + 1
        draw_nuclei(nuclei, planes, window, matter.chromatin, layout.um_per_px, number)
    return _Ground(window, here, matter, planes)


def _optical_density(ground: _Ground) -> NDArray[np.float32]:
    here, matter, nuclei = ground.here, ground.matter, ground.nuclei
    open_px = (1 - nuclei.cover) * (1 - nuclei.clearing)
    h = (matter.haematoxylin * open_px + nuclei.stain) * here.h_gain
    pink = matter.eosin * (1 - nuclei.clearing) + nuclei.eosin * matter.tissue
    e = (pink * (1 - nuclei.cover) + _NUCLEAR_EOSIN * nuclei.cover) * here.e_gain
    red = matter.red_cells * (1 - nuclei.cover)
    strengths = np.stack([h, e, red], axis=-1)
    return np.asarray(strengths @ _STAINS, dtype=np.float32)


def _through_the_lens(
    light: NDArray[np.float32], blur: FloatPlane, um: float
) -> NDArray[np.float32]:
    """Blur light by the lens, and by being out of focus where the slide is."""
    sharp = cv2.GaussianBlur(light, (0, 0), _PSF_UM / um)
    if float(blur.max()) < 0.01:
        return np.asarray(sharp)
    dull = cv2.GaussianBlur(light, (0, 0), _BLUR_UM / um)
    return np.asarray(sharp + blur[..., None] * (dull - sharp), dtype=np.float32)


def _ink_density(here: Anatomy, streaks: FloatPlane) -> NDArray[np.float32] | None:
    if max(float(ink.max()) for ink in here.inks) < 0.01:
        return None
    cover = np.stack(here.inks, axis=-1) * (0.9 + 0.18 * streaks[..., None])
    return np.asarray(cover @ _INKS, dtype=np.float32)


def _folded_over(layout: Layout, row: int, column: int, fold: FloatPlane) -> NDArray[np.float32]:
    """Return the optical density of the tissue that lies on top where the section is folded."""
    above = _lay_ground(replace(layout, seed=layout.seed + _SEED_OF_FOLD), row, column)
    # The objective is focused on the layer below.
    soft = cv2.GaussianBlur(_optical_density(above), (0, 0), _FOLD_BLUR_UM / layout.um_per_px)
    return np.asarray(soft * fold[..., None], dtype=np.float32)


def _photograph(layout: Layout, ground: _Ground, row: int, column: int) -> NDArray[np.uint8]:
    """Turn optical density into an 8-bit picture."""
    density = _optical_density(ground)
    if float(ground.here.fold.max()) > 0.01:
        density = density + _folded_over(layout, row, column, ground.here.fold)
    light = np.power(np.float32(10), -density)
    seed, um = layout.seed * 64, layout.um_per_px
    light = _through_the_lens(light, ground.here.blur, um)
    ink = _ink_density(ground.here, band(seed + 60, spacing_for(20, um), ground.window))
    if ink is not None:
        light = light * np.power(np.float32(10), -ink)
    noise = band(seed + 61, 1, ground.window) * np.float32(_SENSOR_NOISE)
    picture = light * np.array(BACKGROUND_RGB, dtype=np.float32) + noise[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def draw_cell(layout: Layout, row: int, column: int) -> Region | None:
    """Draw one whole cell of `CELL_PX` pixels a side; None when it is bare glass.

    The cell is drawn with room around it for blur, which is cut away, so that cells fit together
    without a seam. Cells at the slide's far edges reach beyond it.
    """
    if not tissue_reaches(layout, coarse_window(row, column)):
        return None
    ground = _lay_ground(layout, row, column)
    halo = _halo_px(layout.um_per_px)
    core = (slice(halo, halo + CELL_PX), slice(halo, halo + CELL_PX))
    labels = ground.nuclei.labels[core]
    spoilt = np.max([*ground.here.inks, ground.here.blur, ground.here.fold], axis=0)
    return Region(
        rgb=_photograph(layout, ground, row, column)[core],
        labels=labels,
        tissue=(ground.matter.tissue[core] > 0.5) | (labels > 0),
        spoiled=spoilt[core] > 0.5,
    )


def _bare_region(height: int, width: int) -> Region:
    """Return glass without anything on it."""
    rgb = np.full((height, width, 3), BACKGROUND_RGB, dtype=np.uint8)
    nothing = np.zeros((height, width), dtype=bool)
    return Region(rgb, nothing.astype(np.int32), nothing, nothing.copy())


def draw_region(layout: Layout, y: int, x: int, height: int, width: int) -> Region:
    """Draw any rectangle of level 0, with the same content as the file had before JPEG.

    Parameters
    ----------
    layout
        The slide.
    y, x, height, width
        Level-0 px.
    """
    region = _bare_region(height, width)
    for row in range(y // CELL_PX, -(-(y + height) // CELL_PX)):
        for column in range(x // CELL_PX, -(-(x + width) // CELL_PX)):
            cell = draw_cell(layout, row, column)
            if cell is not None:
                _copy(cell, region, row * CELL_PX - y, column * CELL_PX - x)
    return region


def _copy(cell: Region, region: Region, y: int, x: int) -> None:
    """Copy what a cell, whose corner is at `y`, `x` of the region, shares with it."""
    height, width = region.labels.shape
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + CELL_PX, height), min(x + CELL_PX, width)
    for name, target in vars(region).items():
        target[top:bottom, left:right] = getattr(cell, name)[
            top - y : bottom - y, left - x : right - x
        ]
