"""The slide as a model sees it: one plane at its working resolution."""

from dataclasses import dataclass

import numpy as np

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.resampling import (
    MAX_SIXTEENTHS,
    PERIOD_PX,
    kernel,
    resample,
    resample_read,
)
from napari_glioma_density.slides.resolution import TO_GIVE_IT
from napari_glioma_density.slides.slide import Slide
from napari_glioma_density.slides.source import Pixels

# A level this much coarser than asked is as good as the one asked for, and four times cheaper
# than the next finer one.
_COARSER_BY = 1.04
_MAX_ENLARGEMENT = 2.0
_BAND_SOURCE_PX = 4 * 2**20


@dataclass(frozen=True)
class WorkingPlane:
    """A slide at a resolution that is a whole number of sixteenths of one of its levels.

    Attributes
    ----------
    slide
        What is read.
    level
        Level of the file that is read.
    sixteenths
        Width of a working px in sixteenths of a px of that level.
    um_per_px
        True working resolution.
    height, width
        Size in whole working px.
    level0_px_per_px
        Level-0 px along one working px.
    """

    slide: Slide
    level: int
    sixteenths: int
    um_per_px: float
    height: int
    width: int
    level0_px_per_px: float

    def read(self, y: int, x: int, height: int, width: int) -> Pixels:
        """Read a window; its values do not depend on where the window begins or ends.

        Parameters
        ----------
        y, x, height, width
            Window in working px, all multiples of 16; it may hang over the slide's edges.

        Returns
        -------
        Pixels
            A px is read only where every source px it is made of was read.

        Raises
        ------
        ValueError
            When the window is off the 16 px lattice.
        """
        if any(value % PERIOD_PX for value in (y, x, height, width)):
            raise ValueError(f"window {(y, x, height, width)} is not on the {PERIOD_PX} px lattice")
        if self.sixteenths == PERIOD_PX:
            return self.slide.read(self.level, y, x, height, width)
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        read = np.empty((height, width), dtype=np.bool_)
        band = self._band_height(width)
        for top in range(0, height, band):
            bottom = min(top + band, height)
            rgb[top:bottom], read[top:bottom] = self._read_band(y + top, x, bottom - top, width)
        read[: max(0, -y)] = False
        read[:, : max(0, -x)] = False
        read[max(0, self.height - y) :] = False
        read[:, max(0, self.width - x) :] = False
        return Pixels(rgb, read)

    def _band_height(self, width: int) -> int:
        """Return how many rows to resample at once, so that a wide window needs little memory."""
        source_width = max(1, width * self.sixteenths // PERIOD_PX)
        periods = _BAND_SOURCE_PX // (source_width * self.sixteenths)
        return PERIOD_PX * max(1, periods)

    def _read_band(self, y: int, x: int, height: int, width: int) -> Pixels:
        by = kernel(self.sixteenths)
        y0, x0, rows, columns = (
            value // PERIOD_PX * self.sixteenths for value in (y, x, height, width)
        )
        source = self.slide.read(
            self.level,
            y0 - by.margin,
            x0 - by.margin,
            rows + 2 * by.margin,
            columns + 2 * by.margin,
        )
        self._excuse_outside(source, y0 - by.margin, x0 - by.margin)
        return Pixels(resample(source.rgb, by), resample_read(source.read, by))

    def _excuse_outside(self, source: Pixels, y: int, x: int) -> None:
        """Let px beyond the slide count as read, lest interpolation lose the slide's border."""
        level = self.slide.levels[self.level]
        source.read[: max(0, -y)] = True
        source.read[:, : max(0, -x)] = True
        source.read[max(0, level.height - y) :] = True
        source.read[:, max(0, level.width - x) :] = True


def working_plane(slide: Slide, um_per_px: float) -> WorkingPlane:
    """Return the slide at the resolution nearest to `um_per_px`.

    It is at most about 3 % off, or 6 % where the slide is coarser than that.

    Raises
    ------
    SlideError
        When the slide's own µm/px is unknown, or it is more than twice as coarse as asked.
    """
    slide_um = slide.um_per_px
    if slide_um is None:
        raise SlideError(f"{slide.name}: µm/px {slide.resolution.source}; {TO_GIVE_IT}")
    if slide_um > _MAX_ENLARGEMENT * um_per_px:
        raise SlideError(
            f"{slide.name}: at {slide_um:g} µm/px it is too coarse for a model that works at "
            f"{um_per_px:g} µm/px; scan it at 20× or more, or give its true µm/px"
        )
    index = _level_for(slide, slide_um, um_per_px)
    level = slide.levels[index]
    level_um = slide_um * level.downsample
    sixteenths = min(MAX_SIXTEENTHS, round(PERIOD_PX * um_per_px / level_um))
    return WorkingPlane(
        slide=slide,
        level=index,
        sixteenths=sixteenths,
        um_per_px=level_um * sixteenths / PERIOD_PX,
        height=max(1, level.height * PERIOD_PX // sixteenths),
        width=max(1, level.width * PERIOD_PX // sixteenths),
        level0_px_per_px=level.downsample * sixteenths / PERIOD_PX,
    )


def _level_for(slide: Slide, slide_um: float, um_per_px: float) -> int:
    """Return the coarsest level that is not noticeably coarser than asked."""
    fine_enough = [
        index
        for index, level in enumerate(slide.levels)
        if slide_um * level.downsample <= um_per_px * _COARSER_BY
    ]
    return fine_enough[-1] if fine_enough else 0
