"""Where nuclei lie and what they are like.

Each cell of the slide draws its candidates from a generator of its own, so nothing depends on
which cell is made first. Candidates compete with those of the neighbouring cells for room (Matérn's
second hard-core process): whoever has a stronger claim within the distance that two nuclei keep,
wins. Distances are drawn shorter for some, so that nuclei touch and overlap as they do in glioma.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_glioma_density.synthesis.anatomy import Anatomy, anatomy, tissue_reaches
from napari_glioma_density.synthesis.layout import CELL_PX, COARSE_PX, Layout
from napari_glioma_density.synthesis.noise import FloatPlane, Window
from napari_glioma_density.synthesis.nuclear_forms import Kind, draw_shapes

_CANDIDATES_PER_MM2 = 15_500
_NORMAL_PER_MM2, _NECROTIC_PER_MM2, _GHOSTS_PER_MM2 = 900, 420, 2500
_BLOOD_PER_MM2 = 60
# Room that nuclei keep, in their own diameters, and how many keep it.
_ROOM, _ROOM_SHARE = (0.4, 0.75, 0.95), (0.18, 0.36, 0.46)
# No nucleus, halo or competition reaches farther than this.
REACH_UM = 22.0
_AROUND = tuple(
    (down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)
)


@dataclass(frozen=True)
class Nuclei:
    """Nuclei owned by one cell of the slide, as parallel arrays.

    Lengths are in level-0 px, angles in radians; `index` numbers the candidates of the cell and
    so names a nucleus for good.
    """

    index: NDArray[np.int64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    kind: NDArray[np.int64]
    length: NDArray[np.float64]
    width: NDArray[np.float64]
    angle: NDArray[np.float64]
    stain: NDArray[np.float64]
    softness: NDArray[np.float64]
    claim: NDArray[np.float64]
    room: NDArray[np.float64]
    wobble: NDArray[np.float64]  # (n, 6): three amplitudes and three phases of the outline
    chance: NDArray[np.float64]  # (n, 4): halo, nucleolus, and the nucleolus' place

    def __len__(self) -> int:
        return len(self.index)

    def take(self, chosen: NDArray[np.bool_]) -> "Nuclei":
        """Return the chosen ones."""
        return Nuclei(**{name: values[chosen] for name, values in vars(self).items()})


def coarse_window(row: int, column: int) -> Window:
    """Return the coarse lattice points of one cell."""
    side = CELL_PX // COARSE_PX
    return Window(row * side, column * side, side, side)


@dataclass(frozen=True)
class _Spots:
    """The anatomy at candidate places; arrays of shape (n,)."""

    cellularity: FloatPlane
    necrosis: FloatPlane
    depth_um: FloatPlane
    wanted_per_mm2: FloatPlane
    fibre: FloatPlane
    vessel_um: FloatPlane
    vessel_angle: FloatPlane
    calibre_um: FloatPlane
    cuff: FloatPlane

    @property
    def on_wall(self) -> NDArray[np.bool_]:
        """Which places lie on the wall of a vessel."""
        beside = np.abs(self.vessel_um - self.calibre_um) < 2
        return np.asarray(beside & (self.calibre_um > 2) & (self.necrosis < 0.5))

    @property
    def in_lumen(self) -> NDArray[np.bool_]:
        """Which places lie within an open vessel."""
        return np.asarray((self.calibre_um > 2) & (self.vessel_um < self.calibre_um - 1))


def _spots(here: Anatomy, y: NDArray[np.float64], x: NDArray[np.float64]) -> _Spots:
    """Look the anatomy of one cell up at places given in its own px."""
    rows, columns = (y // COARSE_PX).astype(int), (x // COARSE_PX).astype(int)
    slope_y, slope_x = np.gradient(here.vessel)
    planes = (
        here.cellularity,
        here.necrosis,
        here.depth_um,
        _wanted_per_mm2(here),
        here.angle,
        np.abs(here.vessel),
        np.arctan2(slope_x, -slope_y),
        here.calibre_um,
        here.cuff,
    )
    return _Spots(*(plane[rows, columns] for plane in planes))


def _wanted_per_mm2(here: Anatomy) -> FloatPlane:
    """Return how many candidates per mm² a place keeps before they compete."""
    crowded = here.cellularity * (1 + 0.25 * here.palisade)
    alive = _NORMAL_PER_MM2 + (_CANDIDATES_PER_MM2 - _NORMAL_PER_MM2) * crowded**1.3
    # Ghosts stand as thick as the living did, but stay pale and count for nothing.
    dead = _NECROTIC_PER_MM2 + _GHOSTS_PER_MM2 * here.cellularity
    wanted = alive + (dead - alive) * here.necrosis
    wanted = wanted + (_CANDIDATES_PER_MM2 - wanted) * here.cuff
    # White cells of the blood, one among many red ones.
    wanted = wanted + (_BLOOD_PER_MM2 - wanted) * here.blood
    return np.where(here.depth_um > 2, wanted, 0).astype(np.float32)


def _kinds(rng: np.random.Generator, spots: _Spots) -> NDArray[np.int64]:
    count = len(spots.cellularity)
    tumour = rng.random(count) < spots.cellularity / (spots.cellularity + 0.13)
    rare = rng.random(count)
    of_tumour = np.where(rare < 0.1, Kind.VESICULAR, Kind.TUMOUR)
    of_tumour = np.where(rare > 0.975, Kind.PYKNOTIC, of_tumour)
    of_brain = np.where(rare < 0.1, Kind.NEURON, Kind.GLIA)
    ghosts = _GHOSTS_PER_MM2 * spots.cellularity
    ghostly = rng.random(count) < ghosts / (_NECROTIC_PER_MM2 + ghosts)
    of_dead = np.where(ghostly, Kind.GHOST, Kind.PYKNOTIC)
    alive = np.where(tumour, of_tumour, of_brain)
    kinds = np.where(rng.random(count) < spots.necrosis, of_dead, alive)
    kinds = np.where(spots.cuff > 0.5, Kind.LYMPHOCYTE, kinds)
    return np.where(spots.on_wall, Kind.ENDOTHELIAL, kinds).astype(np.int64)


def _angles(rng: np.random.Generator, spots: _Spots) -> NDArray[np.float64]:
    count = len(spots.fibre)
    astray = rng.normal(0, np.where(rng.random(count) < 0.6, 0.35, 2.0))
    return np.where(spots.on_wall, spots.vessel_angle, spots.fibre + astray)


def _kept(rng: np.random.Generator, spots: _Spots) -> NDArray[np.bool_]:
    """Thin the candidates to the density of the place; vessels keep their lining."""
    chance = spots.wanted_per_mm2 / _CANDIDATES_PER_MM2
    lining = spots.on_wall & (spots.depth_um > 4)
    return np.asarray((lining | (rng.random(len(chance)) < chance)) & ~spots.in_lumen)


@lru_cache(maxsize=1024)
def _candidates(layout: Layout, row: int, column: int) -> Nuclei | None:
    """Return the candidates of one cell after thinning; None where there is no tissue."""
    window = coarse_window(row, column)
    if not tissue_reaches(layout, window):
        return None
    # Neighbours of the first cell, and theirs, have rows and columns below 0; seeds may not.
    place = [(row + 1) % 2**32, (column + 1) % 2**32]
    rng = np.random.Generator(np.random.PCG64([layout.seed, *place]))
    count = round(_CANDIDATES_PER_MM2 * (CELL_PX * layout.um_per_px / 1000) ** 2)
    y, x = rng.uniform(0, CELL_PX, (2, count))
    spots = _spots(anatomy(layout, window), y, x)
    kind = _kinds(rng, spots)
    shape = draw_shapes(rng, kind, layout.um_per_px)
    nuclei = Nuclei(
        index=np.arange(count),
        y=y + row * CELL_PX,
        x=x + column * CELL_PX,
        kind=kind,
        angle=_angles(rng, spots),
        claim=rng.random(count) - spots.on_wall,
        room=np.sqrt(shape["length"] * shape["width"]) * rng.choice(_ROOM, count, p=_ROOM_SHARE),
        **shape,
    )
    return nuclei.take(_kept(rng, spots))


def _losers(nuclei: Nuclei) -> NDArray[np.bool_]:
    """Tell which nuclei have a stronger claimant closer than both may stand."""
    points = np.column_stack([nuclei.y, nuclei.x])
    lost = np.zeros(len(nuclei), dtype=bool)
    pairs = cKDTree(points).query_pairs(float(nuclei.room.max()), output_type="ndarray")
    if len(pairs):
        first, second = pairs.T
        apart = np.hypot(*(points[first] - points[second]).T)
        close = apart < (nuclei.room[first] + nuclei.room[second]) / 2
        weaker = np.where(nuclei.claim[first] > nuclei.claim[second], first, second)
        lost[weaker[close]] = True
    return lost


def _joined(parts: list[Nuclei]) -> Nuclei:
    return Nuclei(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in vars(parts[0])}
    )


@lru_cache(maxsize=1024)
def nuclei_of(layout: Layout, row: int, column: int) -> Nuclei | None:
    """Return the nuclei whose centre lies in a cell; None where the cell has no tissue.

    Neighbouring cells are asked for their candidates, never for their nuclei, so the answer is the
    same whichever cell is asked first.
    """
    own = _candidates(layout, row, column)
    if own is None or not len(own):
        return None
    reach = REACH_UM / layout.um_per_px
    parts = [own]
    for down, right in _AROUND:
        other = _candidates(layout, row + down, column + right)
        if other is not None:
            parts.append(other.take(_near(other, row, column, reach)))
    return own.take(~_losers(_joined(parts))[: len(own)])


def _near(nuclei: Nuclei, row: int, column: int, reach: float) -> NDArray[np.bool_]:
    """Tell which nuclei lie within `reach` px of a cell."""
    y, x = nuclei.y - row * CELL_PX, nuclei.x - column * CELL_PX
    inside = (y > -reach) & (y < CELL_PX + reach) & (x > -reach) & (x < CELL_PX + reach)
    return np.asarray(inside)


def nuclei_around(layout: Layout, row: int, column: int) -> list[tuple[int, int, Nuclei]]:
    """Return the nuclei that may show in a cell, with the cell that owns them, in a fixed order."""
    reach = REACH_UM / layout.um_per_px
    found = []
    for owner in sorted((*_AROUND, (0, 0))):
        there = (row + owner[0], column + owner[1])
        nuclei = nuclei_of(layout, *there)
        if nuclei is not None:
            found.append((*there, nuclei.take(_near(nuclei, row, column, reach))))
    return found
