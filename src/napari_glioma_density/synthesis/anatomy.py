"""Where things are: tissue, tumour, necrosis, vessels, stain strength, blur and pen.

All fields are smooth, given on every sixteenth pixel (`COARSE_PX`), and pure functions of the
layout and of coordinates. Places are given in *tissue units*: (0, 0) is the middle of the slide and
±1 the tissue's edge along each axis, so a small slide and a giant one have the same anatomy.
"""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from napari_glioma_density.synthesis.layout import COARSE_PX, Layout
from napari_glioma_density.synthesis.noise import FloatPlane, Window, band

_NECROSES = ((-0.08, -0.42, 0.17, 0.21), (0.3, -0.05, 0.13, 0.12))  # v, u, half height, half width
_TUMOUR = (0.0, -0.25, 0.62)  # v, u, radius
_FOCI = (
    (-0.48, -0.42, 0.22), (-0.45, 0.28, 0.22), (0.12, -0.62, 0.22), (0.62, -0.2, 0.22),
    (0.05, -0.1, 0.22), (0.62, 0.62, 0.26),
)  # fmt: skip
_BLUR = (0.62, 0.62, 0.24)  # v, u, radius
_PEN_STROKES = ((-0.78, 0.74, 0.2), (-0.66, 0.86, 0.16), (-0.93, 0.8, 0.14))  # v, u, half length
_PEN_HALF_WIDTH = 0.032
_TRAP_NECROSES = ((0.38, 0.28, 0.13, 0.13),)
_TRAP_PEN = ((-0.45, 0.42, 0.3), (-0.7, -0.1, 0.2), (0.5, -0.62, 0.18))
_BLOOD = (0.12, 0.68, 0.15, 0.13)  # v, u, half height, half width
_CUFFS = ((-0.08, 0.34), (-0.75, 0.1))  # v, u of the vessels
_CUFF_UM = (22.0, 75.0)  # inner and outer edge of the sheath, from the vessel's middle
_FOLD_HALF_UM = 65.0


class _Plane(IntEnum):
    """Names of the noise planes; each gets a seed of its own."""

    EDGE_Y = 1
    EDGE_X = 2
    TUMOUR = 3
    CROWDING = 4
    NECROSIS = 5
    STAIN_H = 6
    STAIN_E = 7
    FASCICLE_A = 8
    FASCICLE_B = 9
    VESSEL = 10
    VESSEL_CALIBRE = 11
    FRAY = 12
    PEN = 13


@dataclass(frozen=True)
class Zones:
    """Where the parts of a slide lie, in tissue units.

    Attributes
    ----------
    tumours
        v, u and radius of each.
    tumour_unrest
        How far the edge of the tumour strays.
    necroses
        v, u, half height and half width of each.
    pen_strokes
        v, u and half length of a blue, a green and a black one.
    trapped
        Whether there are a fold, blood and cuffs of lymphocytes as well.
    """

    tumours: tuple[tuple[float, float, float], ...]
    tumour_unrest: float
    necroses: tuple[tuple[float, float, float, float], ...]
    pen_strokes: tuple[tuple[float, float, float], ...]
    trapped: bool


USUAL = Zones((_TUMOUR,), 0.16, _NECROSES, _PEN_STROKES, trapped=False)
TRAPPED = Zones(_FOCI, 0.05, _TRAP_NECROSES, _TRAP_PEN, trapped=True)


@dataclass(frozen=True)
class Anatomy:
    """Fields over a window of the coarse lattice, each float32 of shape (height, width).

    Attributes
    ----------
    depth_um
        How far inside the tissue's edge, roughly; negative outside.
    cellularity
        0 normal brain … 1 densest tumour.
    necrosis, palisade
        0–1: dead tissue, and the crowded rim around it.
    h_gain, e_gain
        Strength of haematoxylin and eosin, about 1.
    angle
        Direction of the fibres in radians, from the x axis.
    vessel, calibre_um
        A field whose zero line is the course of the vessels, in µm from it; and their half width.
    blur
        0 sharp … 1 fully out of focus.
    fold, blood, cuff
        0–1: tissue that lies on itself, a lake of red cells, a sheath of lymphocytes.
    inks
        0–1, how far blue, green and black pen cover the place.
    """

    depth_um: FloatPlane
    cellularity: FloatPlane
    necrosis: FloatPlane
    palisade: FloatPlane
    h_gain: FloatPlane
    e_gain: FloatPlane
    angle: FloatPlane
    vessel: FloatPlane
    calibre_um: FloatPlane
    blur: FloatPlane
    fold: FloatPlane
    blood: FloatPlane
    cuff: FloatPlane
    inks: tuple[FloatPlane, ...]


class _Fields:
    """Noise and tissue units over one window of the coarse lattice."""

    def __init__(self, layout: Layout, window: Window) -> None:
        self.layout, self.window = layout, window
        radius_y, radius_x = layout.radii_px
        rows = (np.arange(window.y, window.y + window.height) + 0.5) * COARSE_PX
        columns = (np.arange(window.x, window.x + window.width) + 0.5) * COARSE_PX
        self.radius_um = min(radius_y, radius_x) * layout.um_per_px
        self.v = ((rows - layout.height / 2) / radius_y).astype(np.float32)[:, None]
        self.u = ((columns - layout.width / 2) / radius_x).astype(np.float32)[None, :]

    def noise(self, plane: _Plane, scale_um: float) -> FloatPlane:
        """Return smooth noise whose lattice is about `scale_um` wide."""
        ratio = scale_um / (self.layout.um_per_px * COARSE_PX)
        spacing = 1 << max(1, round(math.log2(ratio)))
        return band(self.layout.seed * 64 + plane, spacing, self.window)

    def wide(self, plane: _Plane, share: float) -> FloatPlane:
        """Return smooth noise whose scale is a share of the tissue's radius."""
        return self.noise(plane, max(share * self.radius_um, 40.0))

    def distance(self, v: float, u: float, height: float = 1, width: float = 1) -> FloatPlane:
        """Return the distance from a place in tissue units, on stretched axes."""
        return np.asarray(np.hypot((self.v - v) / height, (self.u - u) / width), dtype=np.float32)


def _step(x: FloatPlane, softness: float) -> FloatPlane:
    """Return a smooth 0–1 step at `x` = 0."""
    return np.asarray(1 / (1 + np.exp(np.clip(-x / softness, -30, 30))), dtype=np.float32)


def _depth_um(fields: _Fields) -> FloatPlane:
    v = fields.v + 0.09 * fields.wide(_Plane.EDGE_Y, 0.35)
    u = fields.u + 0.09 * fields.wide(_Plane.EDGE_X, 0.35)
    radius = np.cbrt(np.abs(u) ** 3 + np.abs(v) ** 3)
    depth = (1 - radius) * fields.radius_um + 6 * fields.noise(_Plane.FRAY, 25)
    return np.asarray(depth, dtype=np.float32)


def _necrosis(fields: _Fields, zones: Zones, softness: float, spread: float) -> FloatPlane:
    """Return 0–1 inside the necrotic zones, grown by `spread` of their radius."""
    wobble = 0.35 * fields.wide(_Plane.NECROSIS, 0.12)
    nearest = np.minimum.reduce([fields.distance(*zone) for zone in zones.necroses])
    return _step(1 + spread - nearest + wobble, softness)


def _cellularity(fields: _Fields, zones: Zones) -> FloatPlane:
    nearest = np.maximum.reduce([r - fields.distance(v, u) for v, u, r in zones.tumours])
    inside = nearest + zones.tumour_unrest * fields.wide(_Plane.TUMOUR, 0.25)
    crowding = 0.16 * fields.noise(_Plane.CROWDING, 160)
    return np.asarray(np.clip(_step(inside, 0.09) * (0.85 + crowding), 0, 1), dtype=np.float32)


def _gain(fields: _Fields, plane: _Plane, direction: float) -> FloatPlane:
    slope = 0.13 * (np.cos(direction) * fields.u + np.sin(direction) * fields.v)
    gain = 1 + slope + 0.06 * fields.wide(plane, 0.6)
    return np.asarray(np.clip(gain, 0.72, 1.3), dtype=np.float32)


def _vessels(fields: _Fields) -> tuple[FloatPlane, FloatPlane]:
    """Return the distance in µm from the vessels' course and their half width in µm."""
    course = fields.noise(_Plane.VESSEL, 140)
    slope_y, slope_x = np.gradient(course, COARSE_PX * fields.layout.um_per_px)
    distance = course / np.maximum(np.hypot(slope_y, slope_x), 2e-3)
    calibre = 9 * (fields.noise(_Plane.VESSEL_CALIBRE, 260) - 0.75)
    return distance.astype(np.float32), np.clip(calibre, 0, 11).astype(np.float32)


def _angle(fields: _Fields) -> FloatPlane:
    sine, cosine = fields.noise(_Plane.FASCICLE_A, 230), fields.noise(_Plane.FASCICLE_B, 230)
    return np.asarray(np.arctan2(sine, cosine) / 2, dtype=np.float32)


def _ink(fields: _Fields, stroke: tuple[float, float, float]) -> FloatPlane:
    v, u, half_length = stroke
    along = fields.u - u
    middle = v + 0.35 * along + 0.03 * np.sin(9 * along + 5 * v)
    width = _PEN_HALF_WIDTH * (1 + 0.12 * fields.wide(_Plane.PEN, 0.05))
    across = (width - np.abs(fields.v - middle)) / _PEN_HALF_WIDTH
    ends = (half_length - np.abs(along)) / _PEN_HALF_WIDTH
    # An edge sharper than the coarse lattice would show as stairs.
    softness = max(0.05, 0.4 * COARSE_PX / (min(fields.layout.radii_px) * _PEN_HALF_WIDTH))
    return _step(np.minimum(across, ends).astype(np.float32), softness)


def _traps(fields: _Fields, zones: Zones) -> tuple[FloatPlane, FloatPlane, FloatPlane]:
    """Return 0–1 of fold, blood and cuffs of lymphocytes."""
    if not zones.trapped:
        nothing = np.zeros((fields.window.height, fields.window.width), dtype=np.float32)
        return nothing, nothing, nothing
    um = fields.radius_um
    # A crease that runs through a dense focus and out of the tissue.
    crease = fields.v + 0.55 - 0.25 * np.sin(2.2 * fields.u + 1.9)
    fold = _step(_FOLD_HALF_UM - np.abs(crease) * um, 3.0) * (np.abs(fields.u + 0.45) < 0.5)
    wobble = 0.25 * fields.wide(_Plane.NECROSIS, 0.12)
    blood = _step(1 - fields.distance(*_BLOOD) + wobble, 0.04)
    nearest = np.minimum.reduce([fields.distance(*place) for place in _CUFFS]) * um
    inner, outer = _CUFF_UM
    blood = np.maximum(blood, _step(inner - 5 - nearest, 2.0))
    strays = nearest + 8 * fields.noise(_Plane.FRAY, 25)
    cuff = _step(np.minimum(strays - inner, outer - strays), 4.0)
    return fold.astype(np.float32), blood, cuff


def anatomy(layout: Layout, window: Window) -> Anatomy:
    """Work out every field over a window of the coarse lattice.

    Parameters
    ----------
    layout
        The slide.
    window
        In lattice points: pixel coordinates divided by `COARSE_PX`.
    """
    fields = _Fields(layout, window)
    zones = TRAPPED if layout.traps else USUAL
    necrosis = _necrosis(fields, zones, 0.04, 0.0)
    vessel, calibre = _vessels(fields)
    v, u, radius = _BLUR
    traps = _traps(fields, zones)
    return Anatomy(
        depth_um=_depth_um(fields),
        cellularity=_cellularity(fields, zones),
        necrosis=necrosis,
        palisade=_necrosis(fields, zones, 0.1, 0.3) * (1 - necrosis),
        h_gain=_gain(fields, _Plane.STAIN_H, 0.6 + layout.seed),
        e_gain=_gain(fields, _Plane.STAIN_E, 2.4 + layout.seed),
        angle=_angle(fields),
        vessel=vessel,
        calibre_um=calibre,
        blur=_step(radius - fields.distance(v, u), 0.03),
        fold=traps[0],
        blood=traps[1],
        cuff=traps[2],
        inks=tuple(_ink(fields, stroke) for stroke in zones.pen_strokes),
    )


def tissue_reaches(layout: Layout, window: Window) -> bool:
    """Tell whether tissue or ink lies in a window of the coarse lattice."""
    fields = _Fields(layout, window)
    if float(_depth_um(fields).max()) > -4 * COARSE_PX * layout.um_per_px:
        return True
    strokes = (TRAPPED if layout.traps else USUAL).pen_strokes
    return any(float(_ink(fields, stroke).max()) > 0.01 for stroke in strokes)
