"""What a run was made with: everything that is recorded before its first block."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_origin

from napari_glioma_density.density import Lattice
from napari_glioma_density.slides.organ import BRAIN, ORGANS, Organ

NOT_FITTED = "input is not fitted"
GLASS_TOO = "Bare glass counts as tissue: estimated without a tissue mask."
"""What is to be said of figures of tissue where `tissue_mask` is off."""

NOT_BRIGHTFIELD = "This does not look like a brightfield H&E slide; it was estimated all the same."
SHARPER = (
    "Interval unknown: this slide is sharper than any field the model was checked on. "
    "Densities may be too low."
)
"""Instead of an interval, where the slide itself has no corrected random fields to tell."""

_CHANGES_THE_NUMBERS = (
    "model", "weights_sha256", "architecture", "input", "threshold", "um_per_px", "level",
    "sixteenths", "height_px", "width_px", "tissue_mask",
)  # fmt: skip


@dataclass(frozen=True)
class RunSpec:
    """Model, working plane, block partition and device of a run.

    Attributes
    ----------
    model, weights_sha256, architecture, input, threshold
        The model, as its specification names it; the threshold is that for the organ.
    um_per_px, um_per_px_source
        µm along one level-0 px, and where that figure comes from.
    working_um_per_px, level, sixteenths, height_px, width_px
        The working plane: true µm/px, file level, sixteenths of a level px, size in working px.
    block_patches, split
        Side of a block in patches, and blocks divided into single patches.
    tissue_mask
        Whether patches without tissue were left out.
    device, precision, halo_px
        How the network was run.
    colour_statistics, colour_source
        What the model's input was fitted to on this slide, and where that comes from; empty for
        inputs that are not fitted. They follow from slide, input and plane.
    """

    model: str
    weights_sha256: str
    architecture: str
    input: str
    threshold: float
    um_per_px: float
    um_per_px_source: str
    working_um_per_px: float
    level: int
    sixteenths: int
    height_px: int
    width_px: int
    block_patches: int
    split: frozenset[tuple[int, int]]
    tissue_mask: bool
    device: str
    precision: str
    halo_px: int
    colour_statistics: tuple[float, ...] = ()
    colour_source: str = NOT_FITTED
    colour_fit: int = 1
    """Which way of fitting the colours gave them; runs of different ones do not mix."""
    counting: int = 1
    """Which way of counting nuclei its blocks were measured by; nor do these mix."""
    organ: Organ = BRAIN
    """What the slide was said to be of."""

    @property
    def run_id(self) -> str:
        """Name of the run: the same for the same numbers, whatever the device or block size.

        Where two blocks meet, touching nuclei may be split differently for another block size; the
        count of a patch there may then differ by one.
        """
        known = {name: getattr(self, name) for name in _CHANGES_THE_NUMBERS}
        ways = {"colour_fit": self.colour_fit, "counting": self.counting}
        # Runs from before there was a second way, or organ, keep their names.
        known |= {name: way for name, way in ways.items() if way > 1}
        known |= {} if self.organ == BRAIN else {"organ": self.organ}
        digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()
        title = re.sub(r"[^A-Za-z0-9]+", "-", self.model).strip("-")[-32:]
        return f"{title}-{digest[:12]}"

    @property
    def lattice(self) -> Lattice:
        """The patches of the working plane."""
        return Lattice.over(self.height_px, self.width_px, self.working_um_per_px)

    def to_json(self) -> dict[str, Any]:
        """Return the spec as values that JSON knows."""
        return {**asdict(self), "split": sorted(list(block) for block in self.split)}

    @classmethod
    def unknown(cls, values: Mapping[str, Any]) -> list[str]:
        """Return what a spec of a newer version says besides."""
        return sorted(values.keys() - {one.name for one in fields(cls)})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the spec that `to_json` wrote; TypeError or KeyError when it is not one."""
        split = frozenset((int(row), int(column)) for row, column in values["split"])
        colours = tuple(float(value) for value in values.get("colour_statistics", ()))
        spec = cls(**{**values, "split": split, "colour_statistics": colours})
        spec._demand_kinds()
        return spec

    def _demand_kinds(self) -> None:
        """Raise TypeError or ValueError when a field is not what its annotation says."""
        for one in fields(self):
            value, kind = getattr(self, one.name), get_origin(one.type) or one.type
            kind = str if kind is Literal else kind
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise TypeError(f"{one.name} is {value!r}")
        if min(self.height_px, self.width_px, self.block_patches, self.working_um_per_px) <= 0:
            raise ValueError("a plane or block without px")
        if self.organ not in ORGANS:
            raise ValueError(f"organ is {self.organ!r}")
