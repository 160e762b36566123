"""What is left out of every sum: parts of patches, each with a reason."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density.lattice import Lattice
from napari_glioma_density.density.patches import PatchState, PatchTable

PART_DTYPE = np.dtype(
    [
        ("row", "<i4"), ("column", "<i4"), ("reason", "u1"),
        ("read_px", "<i8"),
        ("nucleus_px", "<i8"), ("tissue_px", "<i8"), ("count", "<i8"),
        ("model_nucleus_px", "<i8"), ("model_tissue_px", "<i8"), ("model_count", "<i8"),
    ]
)  # fmt: skip
"""A part of a patch: its read working px, and what of its sums lies there, as corrected and as the
model has them; `reason` indexes `Exclusions.reasons`."""

_SUMS = ("nucleus_px", "tissue_px", "count")


@dataclass(frozen=True)
class Exclusions:
    """Parts of patches that are in no sum; no pixel is in two of them.

    Attributes
    ----------
    lattice
        The patches.
    reasons
        Why, in words.
    parts
        Records of `PART_DTYPE`, shape (n,), of patches that would count (`PatchState.READ`).
    """

    lattice: Lattice
    reasons: tuple[str, ...]
    parts: NDArray[np.void]

    @classmethod
    def none(cls, lattice: Lattice) -> "Exclusions":
        """Leave nothing out."""
        return cls(lattice, (), np.zeros(0, PART_DTYPE))

    def read_mm2(self, scope: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """Return the mm² of each reason that would have counted otherwise; reasons of nothing not.

        `scope` (bool, shape (lattice rows, lattice columns)) limits the patches.
        """
        parts = self.parts
        if scope is not None:
            parts = parts[scope[parts["row"], parts["column"]]]
        px = np.bincount(parts["reason"], parts["read_px"], minlength=len(self.reasons))
        shares = zip(self.reasons, px.tolist(), strict=True)
        return {reason: each * self.lattice.px_mm2 for reason, each in shares if each}


def leave_out(patches: PatchTable, exclusions: Exclusions, *, model: bool = False) -> PatchTable:
    """Return the table without the parts that are left out.

    A patch of which nothing that was read is left becomes `PatchState.EXCLUDED` and keeps what was
    measured; of others the parts are taken off. Patches that are in no sum stay what they are.

    Parameters
    ----------
    patches
        What was measured.
    exclusions
        On the same lattice.
    model
        Whether `patches` holds the model's values, not corrected ones.
    """
    if not len(exclusions.parts):
        return patches
    off = {name: _off(patches, exclusions, f"model_{name}" if model else name) for name in _SUMS}
    off["read_px"] = _off(patches, exclusions, "read_px")
    gone = patches.is_read & (off["read_px"] > 0) & (off["read_px"] >= patches.read_px)
    left = patches.is_read & ~gone
    state = np.where(gone, PatchState.EXCLUDED, patches.state).astype(np.uint8)
    # A field may have been edited since its parts were measured: then less is left than was taken.
    kept = {
        name: np.maximum(getattr(patches, name) - np.where(left, px, 0), 0)
        for name, px in off.items()
    }
    return replace(patches, state=state, **kept)


def _off(patches: PatchTable, exclusions: Exclusions, name: str) -> NDArray[np.int64]:
    off = np.zeros(patches.state.shape, np.int64)
    parts = exclusions.parts
    np.add.at(off, (parts["row"], parts["column"]), parts[name])
    return off
