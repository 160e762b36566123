"""What a region is drawn for, in the words of the screen."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from napari_glioma_density.density import cell_address
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind


class Purpose(StrEnum):
    """What the next drawing is to be."""

    LEFT_OUT = "Left out"
    REFERENCE = "Reference"
    AREA = "Region"
    LINE = "Line"
    BORDER = "Border"

    @property
    def kind(self) -> RegionKind:
        """The kind of region it makes."""
        return _KINDS[self]


_KINDS = {
    Purpose.LEFT_OUT: RegionKind.EXCLUSION,
    Purpose.REFERENCE: RegionKind.REFERENCE,
    Purpose.AREA: RegionKind.AREA,
    Purpose.LINE: RegionKind.LINE,
    Purpose.BORDER: RegionKind.BORDER,
}
MEANS = {
    Purpose.LEFT_OUT: "in no number, neither of cells nor of the slide",
    Purpose.REFERENCE: "tissue that cells and regions are compared with",
    Purpose.AREA: "measured by itself, to be compared",
    Purpose.LINE: "density is measured along it",
    Purpose.BORDER: "density is measured against the distance from it",
}
REFERENCES = ("grey matter", "white matter", "other")
KIND_NAMES = {purpose.kind: str(purpose) for purpose in Purpose}
COLOURS = {
    RegionKind.EXCLUSION: "#111827",
    RegionKind.REFERENCE: "#0047FF",
    RegionKind.AREA: "#00767C",
    RegionKind.LINE: "#7B1FD6",
    RegionKind.BORDER: "#7B1FD6",
}
"""Colours that neither bands nor stains have; black for what is left out."""
ORIGINS = {Origin.PERSON: "person", Origin.AUTOMATIC: "check", Origin.IMPORTED: "import"}
"""Who drew a region: a person, the quality check, or another program."""


@dataclass(frozen=True)
class Wanted:
    """What the next drawing becomes; a name is found for it when none is given."""

    purpose: Purpose = Purpose.LEFT_OUT
    reason: Reason = Reason.NECROSIS
    name: str = ""

    def name_among(self, regions: Iterable[Region]) -> str:
        """Return the name for one more region: A, B … for regions, 1, 2 … for lines."""
        if self.name or self.purpose is Purpose.LEFT_OUT:
            return self.name
        taken = {region.name for region in regions}
        number = 0
        while (name := self._name(number)) in taken:
            number += 1
        return name

    def _name(self, number: int) -> str:
        if self.purpose is Purpose.AREA:
            return cell_address(number, 0).removesuffix("1")
        return f"{self.purpose} {number + 1}"

    def is_like(self, region: Region) -> bool:
        """Whether a brush adds to a region instead of making another one."""
        if region.origin is not Origin.PERSON or region.kind is not self.purpose.kind:
            return False
        if region.kind is RegionKind.EXCLUSION:
            return region.reason is self.reason
        return not self.name or region.name == self.name


def region_title(region: Region) -> str:
    """Return what a region is called in lists."""
    if region.kind is RegionKind.EXCLUSION:
        named = f" ({region.name})" if region.name else ""
        return f"{region.title}{named}"
    return region.title
