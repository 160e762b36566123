"""What was measured in every patch, its density (P1 eq. 6), and the sums over a scope."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.bands import BANDS, PAPER_BANDS, BandScale, band_of
from napari_glioma_density.density.lattice import Block, Lattice

ENOUGH_TISSUE = 0.5
"""Share of tissue below which a patch is drawn hatched, no random field falls on it and a cell is
no hotspot."""


class PatchState(IntEnum):
    """What became of a patch."""

    PENDING = 0
    """Not looked at yet."""
    BACKGROUND = 1
    """Bare glass: no density."""
    READ = 2
    """Measured."""
    UNREAD = 3
    """The slide file is damaged here: no density, and never 0 %."""
    EXCLUDED = 4
    """Left out by a person, with a reason: measured, but in no sum."""


@dataclass(frozen=True)
class PatchTable:
    """Measurements of every patch; all arrays have shape (lattice rows, lattice columns).

    Attributes
    ----------
    lattice
        The patches.
    state
        `PatchState` values, uint8.
    nucleus_px, read_px, tissue_px, unread_px
        Working px of each kind on the slide, int64. `tissue_px` counts read px that are tissue
        or nucleus, so that tissue density never passes 100 %.
    count
        Nuclei whose centre lies in the patch, int64.
    """

    lattice: Lattice
    state: NDArray[np.uint8]
    nucleus_px: NDArray[np.int64]
    read_px: NDArray[np.int64]
    tissue_px: NDArray[np.int64]
    unread_px: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def pending(cls, lattice: Lattice) -> Self:
        """Return a table in which nothing has been looked at."""
        shape = lattice.rows, lattice.columns
        numbers = (np.zeros(shape, np.int64) for _ in range(5))
        return cls(lattice, np.full(shape, PatchState.PENDING, np.uint8), *numbers)

    @property
    def is_read(self) -> NDArray[np.bool_]:
        """Which patches count: bool, shape (rows, columns)."""
        return np.equal(self.state, PatchState.READ)

    @property
    def is_mostly_tissue(self) -> NDArray[np.bool_]:
        """Which patches are at least half tissue: bool, shape (rows, columns)."""
        return self.tissue_px >= ENOUGH_TISSUE * np.maximum(self.read_px, 1)

    def density_percent(self) -> NDArray[np.float64]:
        """Return nucleus px / read px (P1 eq. 6 over what was read); nan where not READ."""
        return self._ratio(100 * self.nucleus_px, self.read_px)

    def tissue_density_percent(self) -> NDArray[np.float64]:
        """Return nucleus px / tissue px; nan where not READ or without tissue."""
        return self._ratio(100 * self.nucleus_px, self.tissue_px)

    def nuclei_per_mm2(self) -> NDArray[np.float64]:
        """Return nuclei per mm² of tissue; nan where not READ or without tissue."""
        return self._ratio(self.count, self.tissue_px) / self.lattice.px_mm2

    def tissue_density_percent_of(self, block: Block) -> float | None:
        """Return nucleus px / tissue px of a block's read patches; None without tissue."""
        read = self.is_read[block.patches]
        nucleus, tissue = (
            int(values[block.patches][read].sum()) for values in (self.nucleus_px, self.tissue_px)
        )
        return share_percent(nucleus, tissue)

    def totals(
        self, scope: NDArray[np.bool_] | None = None, scale: BandScale = PAPER_BANDS
    ) -> "Totals":
        """Sum the patches of a scope (bool, shape (rows, columns); all by default)."""
        asked = np.ones(self.state.shape, bool) if scope is None else scope
        read = self.is_read & asked
        nucleus, pixels, tissue, count = (
            int(values[read].sum())
            for values in (self.nucleus_px, self.read_px, self.tissue_px, self.count)
        )
        pending = int(np.count_nonzero(self.state[asked] == PatchState.PENDING))
        px_mm2 = self.lattice.px_mm2
        return Totals(
            density_percent=share_percent(nucleus, pixels),
            tissue_density_percent=share_percent(nucleus, tissue),
            nuclei_per_mm2=count / (tissue * px_mm2) if tissue else None,
            tissue_mm2=tissue * px_mm2,
            read_mm2=pixels * px_mm2,
            unread_mm2=int(self.unread_px[asked].sum()) * px_mm2,
            bands=_band_shares(self.density_percent()[read], scale),
            patches=int(np.count_nonzero(self.state[asked] >= PatchState.READ)),
            pending=pending,
            complete=pending == 0,
        )

    def _ratio(self, above: NDArray[np.int64], below: NDArray[np.int64]) -> NDArray[np.float64]:
        ratio = np.full(self.state.shape, np.nan)
        np.divide(above, below, out=ratio, where=self.is_read & (below > 0))
        return ratio


@dataclass(frozen=True)
class Totals:
    """Sums over a scope; provisional until `complete`.

    Densities are None when nothing was read (never 0 %); `nuclei_per_mm2` is per mm² of tissue;
    `bands` holds the share of read patches in each band, summing to 1, all 0 when none was read;
    `patches` counts those the network saw or that could not be read, `pending` those still to do.
    """

    density_percent: float | None
    tissue_density_percent: float | None
    nuclei_per_mm2: float | None
    tissue_mm2: float
    read_mm2: float
    unread_mm2: float
    bands: tuple[float, ...]
    patches: int
    pending: int
    complete: bool


def share_percent(part: int, whole: int) -> float | None:
    """Return part of whole in percent (P1 eq. 6 when px of nuclei of px read); None of nothing."""
    return 100 * part / whole if whole else None


def _band_shares(percent: NDArray[np.float64], scale: BandScale) -> tuple[float, ...]:
    banded = band_of(percent[~np.isnan(percent)], scale)
    counts = np.bincount(banded, minlength=BANDS)
    return tuple(float(count) / max(banded.size, 1) for count in counts)
