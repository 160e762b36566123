"""The difference of two estimates over the slide: one coloured tile a patch."""

from dataclasses import dataclass

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Lattice
from napari_glioma_density.ui.overlays.density import tile_px
from napari_glioma_density.ui.world import placement

NAME = "difference"
COLOURS = ("#2166AC", "#67A9CF", "#D1E5F0", "#F7F7F7", "#FEE0B6", "#F1A340", "#B35806")
"""Less, the same, more: blue and orange differ for every kind of colour vision."""
STEPS_POINTS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
TIMES = (-4, -2, -1, 1, 2, 4)
MOST_BEYOND = 0.05
"""Share of patches that may lie beyond the outermost limits."""
CLEAR = 0


@dataclass(frozen=True)
class DifferenceScale:
    """Seven classes of a difference, even about zero; `limits_points` part them."""

    limits_points: tuple[float, ...]

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> "DifferenceScale":
        """Return the finest scale whose limits hold nearly all differences; nan is left out."""
        sizes = np.abs(points[~np.isnan(points)])
        fitting = (
            step
            for step in STEPS_POINTS
            if not sizes.size or np.mean(sizes > TIMES[-1] * step) <= MOST_BEYOND
        )
        step = next(fitting, STEPS_POINTS[-1])
        return cls(tuple(times * step for times in TIMES))

    def class_of(self, points: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the class of each difference, from 1; 0 where it is nan."""
        classes = np.searchsorted(self.limits_points, points, side="right") + 1
        return np.where(np.isnan(points), CLEAR, classes).astype(np.uint8)


def difference_layer(
    points: NDArray[np.float64], lattice: Lattice, scale: DifferenceScale, opacity: float
) -> Labels:
    """Return a layer that shows differences, (lattice rows, columns) in points; nan is clear."""
    side = tile_px(lattice)  # several px a patch, so that the layer ends where the slide does
    tiles = scale.class_of(points).repeat(side, axis=0).repeat(side, axis=1)
    height, width = (-(-px * side // PATCH_PX) for px in (lattice.height_px, lattice.width_px))
    layer = Labels(
        tiles[:height, :width],
        name=NAME,
        colormap=_colormap(),
        opacity=opacity,
        **placement(lattice.um_per_px * PATCH_PX / side),
    )
    layer.editable = False
    return layer


def _colormap() -> DirectLabelColormap:
    colours: dict[int | None, str] = {None: "transparent", CLEAR: "transparent"}
    return DirectLabelColormap(color_dict=colours | dict(enumerate(COLOURS, start=CLEAR + 1)))
