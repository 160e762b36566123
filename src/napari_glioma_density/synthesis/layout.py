"""What is asked of a made-up slide, and where its tissue lies."""

import math
from dataclasses import dataclass

from napari_glioma_density.errors import BadInput

# Cells are what is drawn at once. 1024 px hold 4 × 4 tiles of level 0 and one of level 1.
CELL_PX = 1024
# Zones vary slowly: they are worked out on every sixteenth pixel and enlarged.
COARSE_PX = 16
# Tissue is a superellipse |u|³ + |v|³ < 1, which fills this share of the box around it.
_SUPERELLIPSE_SHARE = 0.883
_MOST_TISSUE, _USUAL_TISSUE, _USUAL_MM = 0.8, 0.65, 8.0

_SMALLEST_PX, _LARGEST_PX = 480, 350_000
# Finer, and the working resolution would be made from level 1 instead of level 0.
_FINEST_UM, _COARSEST_UM = 0.15, 1.0


@dataclass(frozen=True)
class Layout:
    """Size, scale and seed of a made-up slide.

    Parameters
    ----------
    width, height
        Level-0 pixels.
    um_per_px
        Level-0 resolution, 0.15 to 1.
    seed
        Not negative; the same layout always gives the same slide.
    tissue_fraction
        Share of the slide's area that the tissue takes, up to 0.8. When it is left open the share
        is 0.65, but the tissue no wider than 8 mm: a giant slide is mostly background.
    tissue_mm
        Diameter of the tissue in mm, instead of its share.
    traps
        Whether it holds what misleads a measurement: see `traps`.

    Raises
    ------
    BadInput
        When a value is out of its range.
    """

    width: int
    height: int
    um_per_px: float
    seed: int
    tissue_fraction: float | None = None
    tissue_mm: float | None = None
    traps: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        for name, px in (("width", self.width), ("height", self.height)):
            if not _SMALLEST_PX <= px <= _LARGEST_PX:
                raise BadInput(
                    f"{name} {px} px: a synthetic slide has {_SMALLEST_PX} to {_LARGEST_PX} px "
                    "a side; choose a value in that range"
                )
        if not _FINEST_UM <= self.um_per_px <= _COARSEST_UM:
            raise BadInput(
                f"um_per_px {self.um_per_px:g}: nuclei can be drawn at {_FINEST_UM:g} to "
                f"{_COARSEST_UM:g} µm/px; choose a value in that range"
            )
        if self.seed < 0:
            raise BadInput(f"seed {self.seed}: a seed is 0 or more; choose another")
        if self.tissue_fraction is not None and not 0 < self.tissue_fraction <= _MOST_TISSUE:
            raise BadInput(
                f"tissue fraction {self.tissue_fraction:g}: choose a share above 0 "
                f"and up to {_MOST_TISSUE:g}"
            )
        if self.tissue_mm is not None and self.tissue_mm <= 0:
            raise BadInput(f"tissue size {self.tissue_mm:g} mm: choose a size above 0")

    @property
    def cell_rows(self) -> int:
        """Rows of cells that cover the slide."""
        return -(-self.height // CELL_PX)

    @property
    def cell_columns(self) -> int:
        """Columns of cells that cover the slide."""
        return -(-self.width // CELL_PX)

    @property
    def radii_px(self) -> tuple[float, float]:
        """Half height and half width of the tissue in level-0 px."""
        if self.tissue_mm is not None:
            return self._at_most(_MOST_TISSUE, self.tissue_mm)
        if self.tissue_fraction is not None:
            return self._at_most(self.tissue_fraction, math.inf)
        return self._at_most(_USUAL_TISSUE, _USUAL_MM)

    def _at_most(self, share: float, diameter_mm: float) -> tuple[float, float]:
        """Return the radii of tissue that takes a share of the slide but is no wider than that."""
        radius = diameter_mm * 500 / self.um_per_px
        part = math.sqrt(share / _SUPERELLIPSE_SHARE) / 2
        return min(radius, part * self.height), min(radius, part * self.width)
