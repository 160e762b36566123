"""What the tissue is of and how it was prepared, and what that means for the numbers."""

from enum import StrEnum

from napari_glioma_density.results import specimen as results
from napari_glioma_density.slides.organ import BRAIN, OTHER, Organ

ORGAN_NAMES: dict[Organ, str] = {BRAIN: "Brain", OTHER: "Other organ"}
"""In the words of the screen."""


class Specimen(StrEnum):
    """Preparations a person may choose from, in the words of the screen."""

    UNKNOWN = "Specimen unknown"
    FFPE = "FFPE"
    FROZEN = "Frozen section"
    SMEAR = "Smear"

    @property
    def stored(self) -> results.Specimen:
        """As results and what is exported of them name it."""
        return STORED[self]

    @property
    def caution(self) -> str:
        """What to bear in mind when reading figures of it; empty when there is nothing."""
        return CAUTIONS.get(self, "")


STORED: dict[Specimen, results.Specimen] = {
    Specimen.UNKNOWN: "unknown",
    Specimen.FFPE: "ffpe",
    Specimen.FROZEN: "frozen",
    Specimen.SMEAR: "smear",
}
CAUTIONS = {
    Specimen.FROZEN: "Not validated on frozen sections.",
    Specimen.SMEAR: "Not validated on smears.",
}
