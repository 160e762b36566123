"""The pixels of one patch, and the share of its sums that lies in some of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PatchSums:
    """What was measured in a patch or a part of one: working px, and nuclei."""

    read_px: int
    nucleus_px: int
    tissue_px: int
    count: int

    def __sub__(self, other: "PatchSums") -> "PatchSums":
        return PatchSums(
            self.read_px - other.read_px,
            self.nucleus_px - other.nucleus_px,
            self.tissue_px - other.tissue_px,
            self.count - other.count,
        )


NOTHING = PatchSums(0, 0, 0, 0)


@dataclass(frozen=True)
class PatchPixels:
    """The pixels of one patch.

    Attributes
    ----------
    nucleus, tissue
        bool, shape (height, width) on the slide; all nucleus is tissue.
    whole
        What was measured in the whole patch.
    y, x
        The pixels, within the patch, that hold the centres of its nuclei: int64, (n,).
    read
        bool, those that were read; None where that is not known.
    """

    nucleus: NDArray[np.bool_]
    tissue: NDArray[np.bool_]
    whole: PatchSums
    y: NDArray[np.int64]
    x: NDArray[np.int64]
    read: NDArray[np.bool_] | None = None

    def sums_in(self, covered: NDArray[np.bool_]) -> PatchSums:
        """Return what was measured in some of the pixels: bool, of the patch's shape.

        Where it is not known which pixels of a damaged patch were read, nucleus, other tissue and
        glass each count with the share of them that was read, rounded down, so that read px ≥
        tissue px ≥ nucleus px holds for any part and for the rest.
        """
        if covered.all():
            return self.whole
        shares = zip(self._kinds(covered), self.kinds_measured, self._kinds_there, strict=True)
        nucleus, ground, glass = (part * read // max(px, 1) for part, read, px in shares)
        return PatchSums(
            read_px=glass + ground + nucleus,
            nucleus_px=nucleus,
            tissue_px=ground + nucleus,
            count=int(np.count_nonzero(covered[self.y, self.x])),
        )

    @cached_property
    def kinds(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """Pixels of nucleus, of other tissue, of glass; where it is known, those that were read.

        It is not known in runs of earlier versions, nor where a field was corrected while other
        pixels could be read: what was measured in all of the patch is no sum of pixels then.
        """
        there = self.nucleus, self.tissue & ~self.nucleus, ~self.tissue
        if self.read is None:
            return there
        nucleus, ground, glass = (kind & self.read for kind in there)
        px = tuple(int(np.count_nonzero(kind)) for kind in (nucleus, ground, glass))
        return (nucleus, ground, glass) if px == self.kinds_measured else there

    @property
    def kinds_measured(self) -> tuple[int, int, int]:
        """Px of nucleus, of other tissue, of glass that were measured in all of the patch."""
        whole = self.whole
        ground = whole.tissue_px - whole.nucleus_px
        return whole.nucleus_px, ground, whole.read_px - whole.tissue_px

    @cached_property
    def _kinds_there(self) -> tuple[int, ...]:
        return self._kinds(np.ones_like(self.tissue))

    def _kinds(self, covered: NDArray[np.bool_]) -> tuple[int, ...]:
        return tuple(int(np.count_nonzero(kind & covered)) for kind in self.kinds)
