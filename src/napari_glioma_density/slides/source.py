"""What a slide backend offers: levels, and RGB tiles that are there or not."""

from dataclasses import dataclass
from math import ceil, floor
from typing import NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides.resolution import Resolution


@dataclass(frozen=True)
class Level:
    """One resolution of the slide file; `downsample` is relative to level 0."""

    width: int
    height: int
    downsample: float

    @classmethod
    def of(cls, width: int, height: int, main: tuple[int, int]) -> Self:
        """A level of the main image, whose width and height `main` gives.

        Its last px may stand for less than a whole one, or be left out. So a whole number that
        explains both sides is what it was made with: their ratios are not, and by their mean
        a place on a long and narrow slide lies tens of px off.
        """
        sides = tuple(zip(main, (width, height), strict=True))
        longer, level = max(sides)
        ratio = longer / level
        wholes = sorted((max(1, floor(ratio)), ceil(ratio)), key=lambda whole: abs(whole - ratio))
        for whole in wholes:
            if all(px // whole <= level <= -(-px // whole) for px, level in sides):
                return cls(width, height, float(whole))
        return cls(width, height, ratio)


class Pixels(NamedTuple):
    """Colours of a window, and which of them the file really held.

    Attributes
    ----------
    rgb
        uint8, (height, width, 3); white where nothing was read.
    read
        bool, (height, width); False for damaged tiles and beyond the slide's edge.
    """

    rgb: NDArray[np.uint8]
    read: NDArray[np.bool_]


class TileSource(Protocol):
    """One way of reading slide files; every method is safe to call from many threads."""

    @property
    def format(self) -> str:
        """Name of the file format, such as "Aperio SVS"."""
        ...

    @property
    def reader(self) -> str:
        """Library that reads it: "tifffile", "openslide" or "imagecodecs"."""
        ...

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the main image, finest first."""
        ...

    @property
    def resolution(self) -> Resolution:
        """µm per level-0 px, as the file states it."""
        ...

    @property
    def objective(self) -> float | None:
        """Magnification of the objective the slide was scanned with, if stated."""
        ...

    @property
    def bounds_offset(self) -> tuple[int, int]:
        """(x, y) level-0 px where the scanned part begins; QuPath counts from there."""
        ...

    def tile_shape(self, level: int) -> tuple[int, int]:
        """Return (height, width) in px of the tiles of a level."""
        ...

    def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        """Return a full-size tile, uint8 RGB (height, width, 3); None when damaged or absent.

        Raises
        ------
        SlideError
            When the file does not answer, which says nothing about the tile.
        """
        ...

    def close(self) -> None:
        """Let go of the file; tiles asked for afterwards are refused."""
        ...


def silent(name: str, fault: object) -> SlideError:
    """The error of a file that does not answer, which says nothing about what it holds."""
    why = " ".join(str(fault).split())[:120]
    return SlideError(
        f"{name}: the file cannot be read any more ({why}); see that its drive is connected and "
        "start again, what is done is kept"
    )
