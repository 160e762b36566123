"""A drawn line, and where points lie beside it."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput

_FREEHAND_PX = 1.0
"""What a freehand line may be straightened by: half a µm, far less than a hand is steady."""
_TIE_PX2 = 1e-6


class Beside(NamedTuple):
    """Where points lie beside a line: float64 and bool of one shape, lengths in px."""

    along_px: NDArray[np.float64]
    """From the line's first point to the foot, on the line."""
    across_px: NDArray[np.float64]
    """To the foot; negative on the left of the drawing direction, as seen on screen."""
    has_foot: NDArray[np.bool_]
    """Whether the line runs past the point: not beyond either of its ends."""


@dataclass(frozen=True)
class DrawnLine:
    """A line of straight pieces in px, (x, y) from the top left corner.

    Attributes
    ----------
    starts, directions
        First point and unit vector of every piece: float64, (pieces, 2).
    lengths_px, offsets_px
        Its length, and that of all pieces before it: float64, (pieces,).
    closed
        Whether it ends where it begins, so that nothing lies beyond its ends.
    """

    starts: NDArray[np.float64]
    directions: NDArray[np.float64]
    lengths_px: NDArray[np.float64]
    offsets_px: NDArray[np.float64]
    closed: bool

    @classmethod
    def of(cls, geometry: BaseGeometry) -> "DrawnLine":
        """Take a LineString, or pieces that join to one.

        Raises
        ------
        BadInput
            When it is not one line with a length.
        """
        line = (
            shapely.line_merge(geometry) if shapely.get_num_geometries(geometry) > 1 else geometry
        )
        if line.geom_type not in ("LineString", "LinearRing") or not line.length:
            raise BadInput("profile: the drawing is not one line; draw one that does not branch")
        points = shapely.get_coordinates(line.simplify(_FREEHAND_PX))
        steps = np.diff(points, axis=0)
        lengths = np.hypot(*steps.T)
        real = lengths > 0
        lengths = lengths[real]
        return cls(
            starts=points[:-1][real],
            directions=steps[real] / lengths[:, None],
            lengths_px=lengths,
            offsets_px=np.cumsum(lengths) - lengths,
            closed=bool(np.allclose(points[0], points[-1])),
        )

    @property
    def length_px(self) -> float:
        """Length of the whole line."""
        return float(self.lengths_px.sum())

    def beside(self, x_px: NDArray[np.float64], y_px: NDArray[np.float64]) -> Beside:
        """Find the nearest place on the line of every point of a grid.

        Parameters
        ----------
        x_px, y_px
            Of the columns (width,) and of the rows (height,) of the grid.

        Returns
        -------
        Beside
            Arrays of shape (height, width).
        """
        shape = y_px.size, x_px.size
        nearest = np.full(shape, np.inf)
        along, across = np.zeros(shape), np.zeros(shape)
        has_foot = np.ones(shape, bool)
        for piece in self._near(x_px, y_px).tolist():
            t, off = self._in_frame(piece, x_px, y_px)
            foot = np.clip(t, 0, self.lengths_px[piece])
            squared = off**2 + (t - foot) ** 2
            # At a corner two pieces are equally near; the side is told by the one seen more
            # squarely.
            tie = np.abs(squared - nearest) <= _TIE_PX2
            better = np.where(tie, np.abs(off) > np.abs(across), squared < nearest)
            nearest[better], across[better] = squared[better], off[better]
            along[better] = (self.offsets_px[piece] + foot)[better]
            has_foot[better] = ~self._beyond(piece, t)[better]
        return Beside(along, np.copysign(np.sqrt(nearest), across), has_foot)

    def _in_frame(
        self, piece: int, x_px: NDArray[np.float64], y_px: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far points lie along a piece's direction, and to the right of it."""
        right, down = self.directions[piece]
        x, y = x_px - self.starts[piece, 0], (y_px - self.starts[piece, 1])[:, None]
        return right * x + down * y, right * y - down * x

    def _beyond(self, piece: int, t: NDArray[np.float64]) -> NDArray[np.bool_]:
        beyond = np.zeros(t.shape, bool)
        if not self.closed and piece == 0:
            beyond |= t < 0
        if not self.closed and piece == len(self.lengths_px) - 1:
            beyond |= t > self.lengths_px[piece]
        return beyond

    def _near(self, x_px: NDArray[np.float64], y_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the pieces that may be nearest to some point of a grid."""
        centre = np.array([(x_px[0] + x_px[-1]) / 2, (y_px[0] + y_px[-1]) / 2])
        radius = np.hypot(x_px[-1] - x_px[0], y_px[-1] - y_px[0]) / 2
        t = np.einsum("ij,ij->i", centre - self.starts, self.directions)
        feet = self.starts + np.clip(t, 0, self.lengths_px)[:, None] * self.directions
        distance = np.hypot(*(centre - feet).T)
        return np.flatnonzero(distance <= distance.min() + 2 * radius + 1)
