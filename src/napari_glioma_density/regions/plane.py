"""Where things lie: level-0 px of the slide, and px of the working plane of a run."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.results import RunSpec
from napari_glioma_density.slides import Slide, WorkingPlane


@dataclass(frozen=True)
class Plane:
    """The working plane of a run, laid over the slide; both begin at its top left corner.

    Attributes
    ----------
    lattice
        The patches of the working plane.
    level0_px_per_px
        Level-0 px along one working px.
    """

    lattice: Lattice
    level0_px_per_px: float

    @classmethod
    def of(cls, spec: RunSpec) -> Self:
        """Return the plane that a run was made on."""
        return cls(spec.lattice, _level0_px_per_px(spec))

    def to_working(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry, given in level-0 px (x, y), in working px."""
        return shapely.transform(geometry, self._shrunk)

    def to_level0(self, geometry: BaseGeometry) -> BaseGeometry:
        """Return a geometry, given in working px (x, y), in level-0 px."""
        return shapely.transform(geometry, self._enlarged)

    def block_outline(self, block: Block) -> shapely.Polygon:
        """Return the outline of a block of patches in level-0 px, clipped at the slide's edge."""
        down, across = self.lattice.window(block)
        outline = shapely.box(across.start, down.start, across.stop, down.stop)
        return self.to_level0(outline)

    def _shrunk(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return xy / self.level0_px_per_px

    def _enlarged(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return xy * self.level0_px_per_px


def plane_of_run(slide: Slide, spec: RunSpec) -> WorkingPlane:
    """Return a slide as the model of a run saw it.

    The level is the one that the run recorded. Searching for the level that suits the model could
    find another: two may suit, and another µm/px may have been given since.
    """
    return WorkingPlane(
        slide=slide.with_um_per_px(spec.um_per_px, spec.um_per_px_source),
        level=spec.level,
        sixteenths=spec.sixteenths,
        um_per_px=spec.working_um_per_px,
        height=spec.height_px,
        width=spec.width_px,
        level0_px_per_px=_level0_px_per_px(spec),
    )


def _level0_px_per_px(spec: RunSpec) -> float:
    return spec.working_um_per_px / spec.um_per_px
