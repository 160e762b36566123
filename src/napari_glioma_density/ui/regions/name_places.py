"""Where names of regions stand: each within its region or beside it, and none over another."""

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.regions.region import Region
from napari_glioma_density.ui.regions.purpose import region_title

Place = tuple[float, float]
"""(y, x) in µm."""
Box = NDArray[np.float64]
LETTER_PX, LINE_PX = 11.0, 22.0
"""Room that a letter and a line of names take on the screen; some letters take less."""


class Named(NamedTuple):
    """A region's name and the places, (y, x) in µm, where it may stand at a zoom."""

    title: str
    within: Place
    top: Place
    bottom: Place

    @classmethod
    def of(cls, region: Region, um_per_px: float) -> "Named":
        """Return the name of a region and where that lies."""
        left, top, right, bottom = (side * um_per_px for side in shapely.bounds(region.geometry))
        middle = (left + right) / 2
        inside = shapely.point_on_surface(region.geometry)
        within = float(inside.y) * um_per_px, float(inside.x) * um_per_px
        return cls(region_title(region), within, (top, middle), (bottom, middle))

    def places(self, line_um: float) -> tuple[Place, ...]:
        """Return where the name may stand, the best place first."""
        (top, x), (bottom, _) = self.top, self.bottom
        return self.within, (bottom + line_um / 2, x), (top - line_um / 2, x)

    @property
    def width_px(self) -> float:
        """Room that the name takes on the screen."""
        wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in self.title)
        return LETTER_PX * (len(self.title) + wide)


def apart(names: Sequence[Named], zoom: float) -> list[Place | None]:
    """Return where each name stands at a zoom in screen px per µm; None where there is no room.

    Names that come first have the choice. From nearer there is room for more.
    """
    line_um = LINE_PX / zoom
    taken, found = np.zeros((0, 4)), list[Place | None]()
    for name in names:
        half = np.array([line_um, name.width_px / zoom]) / 2
        boxes: dict[Place, Box] = {
            place: np.concatenate([place - half, place + half]) for place in name.places(line_um)
        }
        free = next((place for place, box in boxes.items() if not _meets(box, taken)), None)
        found.append(free)
        if free is not None:
            taken = np.vstack([taken, boxes[free]])
    return found


def _meets(box: Box, others: NDArray[np.float64]) -> bool:
    """Whether a box (top, left, bottom, right) lies over one of others."""
    apart = (box[:2] >= others[:, 2:]) | (box[2:] <= others[:, :2])
    return bool((~apart.any(axis=1)).any())
