"""What lies between the nuclei: neuropil, holes, vessels and red cells, as optical density."""

from dataclasses import dataclass

import numpy as np

from napari_glioma_density.synthesis.anatomy import Anatomy
from napari_glioma_density.synthesis.noise import FloatPlane, Window, band, spacing_for

# Seeds of the texture planes stand above those of the anatomy.
_FIRST_PLANE = 32
_WALL_UM, _RED_CELL_UM = 1.8, 2.5


@dataclass(frozen=True)
class Neuropil:
    """Stain strengths of a window without its nuclei; float32 (height, width).

    Attributes
    ----------
    haematoxylin, eosin, red_cells
        Strength of each colour.
    tissue
        0–1, how much of the pixel tissue covers; open vessels and holes are tissue too.
    chromatin
        Noise of mean 0 and variance 1 for the texture of nuclei.
    """

    haematoxylin: FloatPlane
    eosin: FloatPlane
    red_cells: FloatPlane
    tissue: FloatPlane
    chromatin: FloatPlane


class _Textures:
    """Bands of noise of one window, by their scale in µm."""

    def __init__(self, seed: int, um_per_px: float, window: Window) -> None:
        self.seed, self.um_per_px, self.window = seed, um_per_px, window

    def __call__(self, plane: int, scale_um: float) -> FloatPlane:
        spacing = spacing_for(scale_um, self.um_per_px)
        return band(self.seed * 64 + _FIRST_PLANE + plane, spacing, self.window)


def _strand(noise: FloatPlane, sharpness: float) -> FloatPlane:
    """Return thin lines, 0–1, along the zero line of noise."""
    return np.asarray(np.exp(-np.abs(noise) * np.float32(sharpness)), dtype=np.float32)


def _fibres(texture: _Textures) -> FloatPlane:
    """Return a felt of fine processes, mean about 0: strands, with grain between them."""
    felt = _strand(texture(0, 6.0), 4.0) + _strand(texture(1, 3.0), 3.0)
    felt = felt * (0.75 + 0.3 * texture(14, 12.0)) + 0.6 * _strand(texture(15, 1.6), 2.5)
    grain = 0.16 * texture(2, 1.0) + 0.16 * texture(12, 0.5)
    return np.asarray(felt - 0.8 + grain, dtype=np.float32)


def _holes(texture: _Textures, here: Anatomy) -> FloatPlane:
    """Return 0–1: small vacuoles, and the loose mesh of an oedematous tumour."""
    loose = 0.35 * texture(3, 70.0) + 0.35 * here.cellularity - 0.2 * here.necrosis
    spongy = 0.9 * texture(4, 4.0) + 0.35 * texture(5, 8.0) + 0.45 * texture(13, 2.0) + 0.6 * loose
    return np.asarray(1 / (1 + np.exp(-3.5 * (spongy - 1.5))), dtype=np.float32)


def _vessels(texture: _Textures, here: Anatomy) -> tuple[FloatPlane, FloatPlane, FloatPlane]:
    """Return wall, lumen and red cells, each 0–1."""
    open_here = np.clip((here.calibre_um - 1.5) / 1.0, 0, 1)
    across = np.abs(here.vessel)
    wall = np.exp(-(((across - here.calibre_um) / _WALL_UM) ** 2)) * open_here
    lumen = np.clip((here.calibre_um - across) / 1.2, 0, 1) * open_here
    discs = np.clip(1.6 * texture(6, _RED_CELL_UM) + 0.5, 0.1, 1)
    return wall.astype(np.float32), lumen.astype(np.float32), (lumen * discs).astype(np.float32)


def neuropil(here: Anatomy, window: Window, seed: int, um_per_px: float) -> Neuropil:
    """Make the tissue between the nuclei of a window.

    Parameters
    ----------
    here
        Anatomy of the window, enlarged to its pixels.
    window
        Level-0 px.
    seed, um_per_px
        Of the slide.
    """
    texture = _Textures(seed, um_per_px, window)
    fibres, holes = _fibres(texture), _holes(texture, here)
    wall, lumen, red_cells = _vessels(texture, here)
    debris = here.necrosis * np.clip(texture(7, 1.4) - 1.25, 0, 1)
    edge = np.clip((here.depth_um + 1.5 * texture(8, 3.0)) / 2, 0, 1).astype(np.float32)
    cloud = texture(9, 30.0)
    discs = np.clip(1.3 * texture(6, _RED_CELL_UM) + 0.8, 0.25, 1) * here.blood
    red_cells = np.maximum(red_cells, discs).astype(np.float32)
    solid = edge * (1 - 0.75 * holes) * (1 - np.maximum(lumen, 0.95 * here.blood))
    haematoxylin = 0.14 + 0.11 * here.cellularity - 0.05 * here.necrosis + 0.018 * cloud
    eosin = 0.25 + 0.04 * here.cellularity + 0.10 * here.necrosis - 0.015 * cloud
    return Neuropil(
        haematoxylin=solid * np.maximum(haematoxylin * (1 + 0.4 * fibres) + 0.3 * debris, 0),
        eosin=solid * np.maximum(eosin * (1 + 0.72 * fibres), 0) + 0.3 * edge * wall,
        red_cells=np.float32(0.55) * edge * red_cells,
        tissue=edge,
        chromatin=(texture(10, 1.0) + texture(11, 0.5)) * np.float32(0.7),
    )
