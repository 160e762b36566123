"""Nuclear density against distance from a drawn line."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import PATCH_PX, Block, PatchTable
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.drawn_line import Beside, DrawnLine
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.raster import Outline

SPOT_PX = 4
"""Distances are told apart by squares of this side in working px, which all px of a square share:
2 µm at the resolution of the shipped models. Nucleus px are counted one by one."""
LEAST_STEP_UM = 10.0
REACH_UM, STEP_UM = 500.0, 50.0
"""Unless asked otherwise: width of the strip along a line, or how far to go from a border; step."""
STRETCHES = 10
"""Equal parts of a border; how they differ tells how sure a figure is."""


class ProfileKind(StrEnum):
    """What the distance of a profile is."""

    ALONG = "along"
    """From the start of the line."""
    FROM = "from"
    """From the nearest point of the line; negative on the left of its direction."""


@dataclass(frozen=True)
class Profile:
    """Nuclear density by distance.

    Attributes
    ----------
    distance_um
        Middle of every step: float64, (steps,). Along a line it counts from the line's first
        point; from a border it is negative on the left of the drawing direction.
    step_um
        Width of a step.
    nucleus_px, read_px, tissue_px
        Working px of each kind: float64, (stretches, steps). A border is cut into stretches of
        equal length, a line is one.
    px_mm2
        Area of a working px.
    """

    distance_um: NDArray[np.float64]
    step_um: float
    nucleus_px: NDArray[np.float64]
    read_px: NDArray[np.float64]
    tissue_px: NDArray[np.float64]
    px_mm2: float

    @property
    def density_percent(self) -> NDArray[np.float64]:
        """Nucleus px / read px (P1 eq. 6) of every step, (steps,); nan where nothing was read."""
        return _percent(self.nucleus_px, self.read_px)

    @property
    def tissue_density_percent(self) -> NDArray[np.float64]:
        """Nucleus px / tissue px of every step, (steps,); nan without tissue."""
        return _percent(self.nucleus_px, self.tissue_px)

    @property
    def tissue_mm2(self) -> NDArray[np.float64]:
        """Tissue of every step in mm², (steps,)."""
        return np.asarray(self.tissue_px.sum(axis=0) * self.px_mm2)


def profile_along(
    line: BaseGeometry,
    width_um: float,
    step_um: float,
    measured: Measured,
    left_out: BaseGeometry | None = None,
) -> Profile:
    """Measure density along a drawn line, step by step.

    Parameters
    ----------
    line
        LineString in level-0 px, (x, y). Every place belongs to the step in which its foot on the
        line lies; what is beyond the line's ends belongs to none.
    width_um
        Whole width of the strip that is measured, half of it on either side.
    step_um
        Length of a step along the line; the last one may be shorter.
    measured
        What was read, with corrections.
    left_out
        Level-0 px that are in no sum.

    Raises
    ------
    BadInput
        When the line is not one line, or width or step are too small to measure.
    """
    drawn, um_per_px = _in_plane(line, measured.plane), measured.plane.lattice.um_per_px
    _demand(step_um, "step")
    _demand(width_um, "width")
    steps = max(1, int(np.ceil(drawn.length_px * um_per_px / step_um)))
    half_px = width_um / 2 / um_per_px

    def place(beside: Beside) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        step = np.minimum((beside.along_px * um_per_px / step_um).astype(np.int64), steps - 1)
        inside = beside.has_foot & (np.abs(beside.across_px) <= half_px)
        return np.zeros_like(step), step, inside

    distances = np.arange(0.5, steps, dtype=np.float64) * step_um
    distances[-1] = ((steps - 1) * step_um + drawn.length_px * um_per_px) / 2  # it may be shorter
    tally = _Tally(drawn, half_px, 1, steps, place)
    return tally.profile(measured, left_out, distances, step_um)


def profile_from_border(
    line: BaseGeometry,
    max_um: float,
    step_um: float,
    measured: Measured,
    left_out: BaseGeometry | None = None,
) -> Profile:
    """Measure density in bands of equal distance from a drawn border, on both of its sides.

    Parameters
    ----------
    line
        LineString in level-0 px, (x, y); a ring has an inside and an outside, any other line two
        sides and ends, beyond which nothing is measured.
    max_um
        How far to measure on each side, to the next whole step.
    step_um
        Width of a band.
    measured
        What was read, with corrections.
    left_out
        Level-0 px that are in no sum.

    Returns
    -------
    Profile
        Distances are negative on the left of the drawing direction.

    Raises
    ------
    BadInput
        When the line is not one line, or distance or step are too small to measure.
    """
    drawn, um_per_px = _in_plane(line, measured.plane), measured.plane.lattice.um_per_px
    _demand(step_um, "step")
    _demand(max_um, "distance")
    a_side = max(1, int(np.ceil(max_um / step_um)))
    reach_px = a_side * step_um / um_per_px

    def place(beside: Beside) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        share = beside.along_px / drawn.length_px
        stretch = np.minimum((share * STRETCHES).astype(np.int64), STRETCHES - 1)
        step = np.floor(beside.across_px * um_per_px / step_um).astype(np.int64) + a_side
        return stretch, step, beside.has_foot & (step >= 0) & (step < 2 * a_side)

    distances = np.arange(0.5 - a_side, a_side, dtype=np.float64) * step_um
    tally = _Tally(drawn, reach_px, STRETCHES, 2 * a_side, place)
    return tally.profile(measured, left_out, distances, step_um)


def _percent(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    part, whole = part.sum(axis=0), whole.sum(axis=0)
    percent = np.full(whole.shape, np.nan)
    np.divide(100 * part, whole, out=percent, where=whole > 0)
    return percent


def _in_plane(line: BaseGeometry, plane: Plane) -> DrawnLine:
    return DrawnLine.of(plane.to_working(line))


def _demand(length_um: float, what: str) -> None:
    if not LEAST_STEP_UM <= length_um < np.inf:
        raise BadInput(
            f"profile: a {what} of {length_um:g} µm cannot be measured; "
            f"give {LEAST_STEP_UM:g} µm or more"
        )


_Place = Callable[[Beside], tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]]


@dataclass(frozen=True)
class _Tally:
    """Sums of px by stretch and step, patch by patch, so that memory stays that of a patch."""

    line: DrawnLine
    reach_px: float
    stretches: int
    steps: int
    place: _Place
    """Stretch, step, and whether it belongs to one, of places beside the line."""

    def profile(
        self,
        measured: Measured,
        left_out: BaseGeometry | None,
        distance_um: NDArray[np.float64],
        step_um: float,
    ) -> Profile:
        sums = np.zeros((3, self.stretches * self.steps))
        gone = Outline.of(measured.plane.to_working(left_out or shapely.Polygon()))
        for block in self._blocks(measured.patches):
            at, spots = self._where(block), _spots(block, measured, gone)
            stretch, step, inside = at
            bins = (stretch * self.steps + step)[inside]
            for total, px in zip(sums, spots, strict=True):
                total += np.bincount(bins, px[inside], minlength=total.size)
        nucleus, read, tissue = sums.reshape(3, self.stretches, self.steps)
        px_mm2 = measured.plane.lattice.px_mm2
        return Profile(distance_um, step_um, nucleus, read, tissue, px_mm2)

    def _blocks(self, patches: PatchTable) -> Iterator[Block]:
        """Patches that were read and lie within reach."""
        rows, columns = np.nonzero(patches.is_read)
        left, top = columns * PATCH_PX, rows * PATCH_PX
        boxes = shapely.box(left, top, left + PATCH_PX, top + PATCH_PX)
        ends = self.line.starts + self.line.directions * self.line.lengths_px[:, None]
        pieces = shapely.linestrings(np.stack([self.line.starts, ends], axis=1))
        line = shapely.multilinestrings(pieces)
        shapely.prepare(line)
        near = shapely.dwithin(line, boxes, self.reach_px)
        for row, column in zip(rows[near].tolist(), columns[near].tolist(), strict=True):
            yield Block(row, column, 1, 1)

    def _where(
        self, block: Block
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        middles = np.arange(SPOT_PX / 2, PATCH_PX, SPOT_PX, dtype=np.float64)
        x, y = middles + block.column * PATCH_PX, middles + block.row * PATCH_PX
        return self.place(self.line.beside(x, y))


def _spots(
    block: Block, measured: Measured, left_out: Outline
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return nucleus, read and tissue px of a patch's spots, what is left out not counted.

    Where it is not known which px of a damaged patch were read, all px of a kind count with the
    share of it that was.
    """
    pixels = measured.pixels_of(block.row, block.column)
    kinds = pixels.kinds
    shares = [
        px / max(1, int(np.count_nonzero(kind)))
        for px, kind in zip(pixels.kinds_measured, kinds, strict=True)
    ]
    if len(left_out.edges):
        kept = ~left_out.covered_pixels(measured.plane.lattice.window(block))
        kinds = kinds[0] & kept, kinds[1] & kept, kinds[2] & kept
    nucleus, ground, glass = (
        share * _sums_of_spots(kind) for share, kind in zip(shares, kinds, strict=True)
    )
    return nucleus, nucleus + ground + glass, nucleus + ground


def _sums_of_spots(pixels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Count the px of every spot of a patch: float64, (120, 120); none beyond the slide's edge."""
    side = PATCH_PX // SPOT_PX
    whole = np.zeros((PATCH_PX, PATCH_PX), np.uint8)
    whole[: pixels.shape[0], : pixels.shape[1]] = pixels
    by_row = whole.reshape(side, SPOT_PX, PATCH_PX).sum(axis=1, dtype=np.uint8)
    return np.asarray(by_row.reshape(side, side, SPOT_PX).sum(axis=2), np.float64)
