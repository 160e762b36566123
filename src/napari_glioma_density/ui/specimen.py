"""How the tissue was prepared, as far as it bears on the numbers."""

from enum import StrEnum


class Specimen(StrEnum):
    """Preparations a person may choose from, in the words of the screen."""

    UNKNOWN = "Specimen unknown"
    FFPE = "FFPE"
    FROZEN = "Frozen section"
    SMEAR = "Smear"

    @property
    def caution(self) -> str:
        """What to bear in mind when reading figures of it; empty when there is nothing."""
        return CAUTIONS.get(self, "")


CAUTIONS = {
    Specimen.FROZEN: "Not validated on frozen sections.",
    Specimen.SMEAR: "Not validated on smears.",
}
